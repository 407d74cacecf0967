"""Build the container image without a Docker daemon, and prove what README says of it.

The image is built by buildah from the Dockerfile as it stands. Where no base image is at hand, one
with the base's name is made by debootstrap, once; it stays in buildah's storage. What the build
needs of this machine (certificates, resolver, pip's settings) is mounted, and must not be found in
the image afterwards. Then the image runs on a read-only root as a uid that it does not know, and a
request goes through it to a service that demands a token.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from authproxy.demo.world import World

BASE = "python:3.13-slim"
IMAGE = "authproxy"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
PROGRAMS = ("buildah", "debootstrap", "unshare", "nsenter", "curl")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")
RESOLVER = Path("/etc/resolv.conf")
STRANGER = 12345
"""A uid without a name, a home or a file of its own."""
READ_ONLY = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev"
exec chroot --userspec=12345:12345 "$0" "$@"
"""


def buildah(*arguments: str | Path, shown: bool = False) -> str:
    """Run buildah where no daemon and no user namespaces are; return what it prints."""
    done = subprocess.run(
        ["buildah", *arguments],
        env=os.environ | {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"},
        stdout=None if shown else PIPE,
        text=True,
        check=True,
    )
    return (done.stdout or "").strip()


@contextmanager
def mounted(source: str) -> Iterator[tuple[str, Path]]:
    """A container made from `source` and the folder that its root is at; gone afterwards."""
    container = buildah("from", "--pull-never", source)
    try:
        yield container, Path(buildah("mount", container))
    finally:
        buildah("rm", container)


def make_base() -> None:
    """Debian with Python, named like the base image, unless an image of that name is there."""
    if buildah("images", "--quiet", "--filter", f"reference={BASE}"):
        return
    print(f"No {BASE} here: making one with debootstrap.", flush=True)
    with mounted("scratch") as (container, root):
        bootstrap = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm"]
        subprocess.run([*bootstrap, str(root)], stdout=subprocess.DEVNULL, check=True)
        for left_behind in ("etc/resolv.conf", "etc/hostname"):
            (root / left_behind).unlink(missing_ok=True)
        for cache in ("var/lib/apt/lists", "var/cache/apt"):
            shutil.rmtree(root / cache)
        buildah("commit", "--quiet", container, BASE)


def pip_settings() -> dict[str, str]:
    """How pip reaches its index, by option; this machine's paths mean nothing in the build."""
    listed = subprocess.check_output([sys.executable, "-m", "pip", "config", "list"], text=True)
    pairs = re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.MULTILINE)
    return {option: value for option, value in pairs if not re.match(r"/|file:", value)}


def build(work: Path) -> None:
    pip_conf = work / "pip.conf"
    options = pip_settings() | {"cert": str(CERTIFICATES)}
    lines = [f"{option} = {value}\n" for option, value in options.items()]
    pip_conf.write_text("[global]\n" + "".join(lines))
    lent = {CERTIFICATES: CERTIFICATES, RESOLVER: RESOLVER, pip_conf: Path("/etc/pip.conf")}
    mounts = [f"--volume={here}:{there}:ro" for here, there in lent.items()]
    # docker's format, because OCI's has no place for a health check
    how = ["--format=docker", "--pull-never", "--network=host", f"--build-arg=BASE={BASE}"]
    moment = os.environ.get("SOURCE_DATE_EPOCH") or moment_of_commit()
    how += [f"--build-arg=SOURCE_DATE_EPOCH={moment}", f"--timestamp={moment}", "--no-cache"]
    buildah("build", *how, *mounts, f"--tag={IMAGE}", ".", shown=True)


def moment_of_commit() -> str:
    """The time of all files in the image: whoever builds the same commit gets the same digest."""
    shown = subprocess.run(["git", "log", "-1", "--format=%ct"], capture_output=True, text=True)
    return shown.stdout.strip() or "0"


def files(root: Path) -> dict[str, int]:
    """Every file below `root` with its size; links and folders are left out."""
    return {
        str(path.relative_to(root)): path.stat().st_size
        for path in root.rglob("*")
        if not path.is_symlink() and path.is_file()
    }


def traces_of_this_machine() -> list[bytes]:
    """What would show that something of this machine was baked in."""
    servers = re.findall(r"^nameserver\s+(\S+)", RESOLVER.read_text(), re.MULTILINE)
    indexes = re.findall(r"https?://\S+", " ".join(pip_settings().values()))
    certificates = [path.read_text() for path in LOCAL_CERTIFICATES.rglob("*.crt")]
    bodies = [certificate.splitlines()[2] for certificate in certificates]
    return [trace.encode() for trace in [*servers, *indexes, *bodies] if trace != "127.0.0.1"]


def check_contents(config: str) -> None:
    """The image has no shell, is the smaller half of its base, and carries nothing of this
    machine."""
    with mounted(BASE) as (_, base):
        before = files(base)
    with mounted(IMAGE) as (_, root):
        after = files(root)
        contents = [(name, (root / name).read_bytes()) for name in after]
        times = {path.lstat().st_mtime for path in root.rglob("opt/**/*")}
    shells = [name for name in after if Path(name).name in ("sh", "bash", "dash", "busybox")]
    expect(shells == [], f"there is a shell: {shells}")
    expect(len(times) == 1, f"files have times of their own: {sorted(times)[:3]}")
    listed = dict(contents).get("opt/authproxy/sbom.cdx.json", b"")
    for package in (b"pkg:pypi/aiohttp@", b"pkg:generic/python@", b"pkg:deb/debian/libc6@"):
        expect(package in listed, f"the list of contents has no {package.decode()}")
    for trace in traces_of_this_machine():
        found = [name for name, content in [("", config.encode()), *contents] if trace in content]
        expect(found == [], f"something of this machine in {found[:5]}")
    size, size_of_base = sum(after.values()) / 1e6, sum(before.values()) / 1e6
    expect(size < size_of_base / 2, f"it has {size:.0f} MB, the base {size_of_base:.0f}")
    print(f"Size: {size:.1f} MB with Python, of a base with {size_of_base:.0f} MB.")
    print(f"Digest: {buildah('images', '--format={{.Digest}} {{.ID}}', IMAGE)}")


class BrokenPromiseError(Exception):
    """The image is not as it should be."""


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise BrokenPromiseError(otherwise)


@asynccontextmanager
async def running(settings: dict[str, Any], world: World) -> AsyncIterator[tuple[Process, str]]:
    """The image's entry point as a container runtime starts it, and the URL that it listens on."""
    environment = dict(entry.split("=", 1) for entry in settings["Env"])
    environment |= world.environment | {"PORT": "0", "AUTHPROXY_ALLOW": "127.0.0.1"}
    arguments = [world.url, "--credentials=metadata", "--ca-file=/mnt/ca.pem"]
    with mounted(IMAGE) as (_, root):
        shutil.copy("/etc/hosts", root / "etc/hosts")
        shutil.copy(world.ca_file, root / "mnt/ca.pem")
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "--pid", "--fork"),
            *("sh", "-euc", READ_ONLY, root, *settings["Entrypoint"], *arguments),
            env=environment,
            stderr=PIPE,
        )
        try:
            yield process, await ready_url(process)
        finally:
            if process.returncode is None:
                await run("kill", "-KILL", first_child(process.pid))
            await process.wait()


async def ready_url(process: Process) -> str:
    assert process.stderr is not None
    lines = []
    async with asyncio.timeout(30):
        async for line in process.stderr:
            lines.append(line.decode())
            if ready := re.match(r"authproxy: (http://\S+) -> ", lines[-1]):
                return ready[1].replace("0.0.0.0", "127.0.0.1")
    raise BrokenPromiseError("it does not get ready; it says:\n" + "".join(lines))


async def run(*command: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """A command's exit code and all that it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=asyncio.subprocess.STDOUT, env=env
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


def first_child(pid: int) -> str:
    """Process 1 of the container, by its number on this side."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]


async def check_run(settings: dict[str, Any]) -> None:
    async with World() as world, running(settings, world) as (process, url):
        first = first_child(process.pid)
        enter = ("nsenter", f"--target={first}", "--mount", "--pid", "--root")
        stranger = (f"--setuid={STRANGER}", f"--setgid={STRANGER}")

        directly = await run("curl", "-sS", "--cacert", str(world.ca_file), world.url)
        expect("403 Forbidden" in directly[1], f"the service lets strangers in: {directly}")
        through = await run("curl", "-sSi", f"{url}/whoami")
        expect(" 200 OK" in through[1], f"a request does not get through: {through}")
        health = settings["Healthcheck"]["Test"]
        expect(health[0] == "CMD", f"the health check needs a shell: {health}")
        status = await run(*enter, *stranger, *health[1:], env={"PORT": url.rpartition(":")[2]})
        expect(status[0] == 0, f"authproxy status says {status}")
        version = await run(*enter, *stranger, *settings["Entrypoint"], "--version")
        expect("(compiled)" in version[1], f"the hot path is not compiled: {version}")
        python = "/opt/authproxy/bin/python"
        write = await run(*enter, python, "-c", "open('/opt/x', 'w')")
        expect("Read-only file system" in write[1], f"the root is writable: {write}")

        await run("kill", "-TERM", first)
        await asyncio.wait_for(process.wait(), 15)
        expect(process.returncode == 143, f"SIGTERM ended it with {process.returncode}")
    print(
        f"Run: as uid {STRANGER} on a read-only root, compiled, it proxies, says its status, ends."
    )


def main() -> None:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        sys.exit(f"scripts/image needs {' '.join(missing)}; on Debian: apt install {missing[0]}")
    if os.geteuid() != 0:
        sys.exit("scripts/image mounts file systems and needs root: sudo make image")
    make_base()
    with tempfile.TemporaryDirectory() as work:
        build(Path(work))
    config = buildah("inspect", "--type=image", IMAGE)
    try:
        check_contents(config)
        asyncio.run(check_run(json.loads(config)["Docker"]["config"]))
    except BrokenPromiseError as error:
        sys.exit(f"The image is not as it should be: {error}")


if __name__ == "__main__":
    main()
