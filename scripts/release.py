"""Build what a release consists of, twice, and fail unless both have the same bytes.

It takes the last commit, never the files that lie about: each build has a clone of its own, at
another path, with other times and modes of its files, another time zone and another hash seed. In
each the source archive is made, the wheels out of the source archive, and a list of what the wheel
installs (SBOM, CycloneDX) out of an environment that holds nothing else. Tag, signature and upload
are left to a person: see CONTRIBUTING.md.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
PINS = "constraints.txt"
COMPILER = "hatch_build.py"
"""The file without which a checkout has no compiled wheel to build."""

UNRELEASED = "Unreleased"
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
RELEASED = re.compile(r"(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?) - (\d{4}-\d\d-\d\d)")


class RefusedError(Exception):
    """This is not to be released; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where and how one of the builds happens: what must not show in the result."""

    folder: str
    mtime: int
    umask: int
    environment: Mapping[str, str]


BUILDS = (
    Surroundings(
        folder="a",
        mtime=978_307_200,  # 2001
        umask=0o022,
        environment={"TZ": "UTC", "PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8"},
    ),
    Surroundings(
        folder="another place/with a longer name",
        mtime=1_600_000_000,  # 2020
        umask=0o077,
        environment={"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "2", "LC_ALL": "C"},
    ),
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/release", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rehearse", action="store_true", help="allow unreleased changes")
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="default: dist/")
    options = parser.parse_args(arguments)
    try:
        changelog = (ROOT / "CHANGELOG.md").read_text()
        version = version_in((ROOT / "authproxy/__init__.py").read_text())
        check_changelog(version, changelog, is_rehearsal=options.rehearse)
        check_tree(git("status", "--porcelain"))
        if not options.rehearse:
            check_tag(version)
        with tempfile.TemporaryDirectory(prefix="authproxy-release-") as work:
            built = build_twice(Path(work), version)
            keep(built, options.into)
    except RefusedError as refusal:
        sys.exit(f"scripts/release: {refusal}")
    print((options.into / SUMS).read_text(), end="")
    print(f"The same bytes twice, from {git('rev-parse', 'HEAD')}, in {options.into}")


def version_in(source: str) -> str:
    [found] = re.findall(r'^__version__ = "(.*)"$', source, re.MULTILINE)
    return str(found)


def check_changelog(version: str, changelog: str, *, is_rehearsal: bool) -> None:
    """Raises RefusedError unless the newest section of `changelog` is that of `version`.

    A rehearsal is for the time between releases: changes may be unreleased then, and the version
    may be one that is yet to come, but not one from before.
    """
    sections = HEADING.split(changelog)[1:]
    titles, texts = sections[::2], sections[1::2]
    if UNRELEASED in titles[1:]:
        raise RefusedError(f"CHANGELOG.md: '## {UNRELEASED}' stands below a released version")
    if titles[:1] == [UNRELEASED]:
        if texts[0].strip() and not is_rehearsal:
            raise RefusedError(
                f"CHANGELOG.md: there are unreleased changes; name their section "
                f"'## {version} - {date.today()}' if they belong to this version"
            )
        del titles[0]
    released = [released_in(title) for title in titles]
    newest = released[0] if released else None
    if is_rehearsal:
        if newest and Version(newest) > Version(version):
            raise RefusedError(
                f"authproxy/__init__.py says {version}, but {newest} was released already, says "
                f"CHANGELOG.md; set __version__ to what comes next"
            )
    elif newest != version:
        raise RefusedError(
            f"authproxy/__init__.py says {version}, but the newest released version in "
            f"CHANGELOG.md is {newest}; make both the same"
        )


def released_in(title: str) -> str:
    found = RELEASED.fullmatch(title)
    if found is None or not is_date(found[2]):
        raise RefusedError(f"CHANGELOG.md: '## {title}' should read like '## 1.2.3 - 2026-12-31'")
    return found[1]


def is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def check_tree(status: str) -> None:
    """Raises RefusedError for what `git status --porcelain` tells of."""
    if status:
        raise RefusedError(
            f"these files differ from the last commit, which alone is built; commit or remove "
            f"them:\n{status}"
        )


def check_tag(version: str) -> None:
    tag = f"v{version}"
    if git("tag", "--list", tag) and git("rev-parse", f"{tag}^{{}}") != git("rev-parse", "HEAD"):
        raise RefusedError(f"the tag {tag} is on another commit: {version} was released before")


def git(*arguments: str) -> str:
    return run("git", *arguments, folder=ROOT)


def run(
    *command: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    umask: int = -1,
) -> str:
    """What `command` prints. Raises RefusedError with what it says, when it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise RefusedError(f"{command[0]} is needed, and was not found") from None
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise RefusedError(f"failed: {' '.join(map(str, command))}\n{said}")
    return done.stdout.rstrip("\n")


def build_twice(work: Path, version: str) -> Path:
    """The folder with the first of two builds. Raises RefusedError if the other one differs."""
    tools = make_tools(work / "tools")
    with ThreadPoolExecutor(len(BUILDS)) as pool:
        first, second = pool.map(lambda each: build(work, tools, version, each), BUILDS)
    if differing := list(differences(first, second)):
        lines = "\n".join(differing)
        raise RefusedError(f"two builds of the same commit differ, in:\n{lines}")
    return first


def make_tools(venv: Path) -> Path:
    """The Python of a new environment that has the tools of a release, each one pinned."""
    python, pip = make_environment(venv)
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    run(*pip, "install", "--quiet", "-c", PINS, "--group", "release", *backend, folder=ROOT)
    installed = run(*pip, "freeze", folder=ROOT).splitlines()
    pinned = {line.split(" ; ")[0].lower() for line in (ROOT / PINS).read_text().splitlines()}
    if strays := [line for line in installed if line.lower() not in pinned]:
        raise RefusedError(f"{PINS} does not pin {', '.join(strays)}; run scripts/pin")
    return python


def make_environment(venv: Path) -> tuple[Path, tuple[str | Path, ...]]:
    """The Python of a new environment, and the pip that installs into it, which is ours."""
    run(sys.executable, "-m", "venv", "--without-pip", venv, folder=ROOT)
    python = venv / "bin" / "python"
    return python, (sys.executable, "-m", "pip", "--python", python)


def build(work: Path, tools: Path, version: str, surroundings: Surroundings) -> Path:
    """Build all from a clone in the given surroundings; return the folder that it is in."""
    place = work / surroundings.folder
    checkout, dist = place / "checkout", place / "dist"
    run("git", "clone", "--quiet", ROOT, checkout, folder=ROOT, umask=surroundings.umask)
    run("git", "checkout", "--quiet", git("rev-parse", "HEAD"), folder=checkout)
    for path in checkout.rglob("*"):
        os.utime(path, (surroundings.mtime, surroundings.mtime), follow_symlinks=False)
    commit_time = git("log", "-1", "--format=%ct")
    environment = {**os.environ, **surroundings.environment, "SOURCE_DATE_EPOCH": commit_time}
    run(
        *(tools, "-m", "hatchling", "build", "--target", "sdist", "--directory", dist),
        folder=checkout,
        environment=environment,
    )
    source = dist / f"authproxy-{version}.tar.gz"
    build_wheels(source, checkout, environment)
    python = install(dist, version, place / "installed")
    try_wheels(dist, python)
    write_sbom(tools, python, checkout, dist / f"authproxy-{version}.cdx.json", environment)
    (dist / SUMS).write_text(checksums(dist))
    return dist


def build_wheels(source: Path, checkout: Path, environment: Mapping[str, str]) -> None:
    """Out of the source archive, so that it is known to hold all that a wheel needs."""
    wheel = (
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-cache-dir"),
        *("--build-constraint", PINS, "--wheel-dir", source.parent, source),
    )
    run(*wheel, folder=checkout, environment=environment)
    if (checkout / COMPILER).exists():
        run(*wheel, folder=checkout, environment={**environment, "AUTHPROXY_COMPILE": "1"})


def install(dist: Path, version: str, venv: Path) -> Path:
    """The Python of an environment with the pure wheel, what it depends on, and nothing else."""
    python, pip = make_environment(venv)
    name = f"authproxy=={version}"
    [pure] = dist.glob("*-none-any.whl")
    with tempfile.TemporaryDirectory() as alone:
        # By its name, not its path: a path would be kept, and be found in the SBOM.
        shutil.copy(pure, alone)
        here = ("--no-index", "--no-deps", "--find-links", alone)
        run(*pip, "install", "--quiet", *here, name, folder=ROOT)
    run(*pip, "install", "--quiet", "-c", PINS, name, folder=ROOT)
    return python


def try_wheels(dist: Path, python: Path) -> None:
    """Run the command that each wheel brings, outside of every checkout."""
    pure, *compiled = sorted(dist.glob("*.whl"), key=lambda path: "-none-any" not in path.name)
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    for wheel in (None, *compiled):
        if wheel is not None:
            run(*pip, "--target", dist.parent / wheel.name, wheel, folder=ROOT)
        where = {} if wheel is None else {"PYTHONPATH": str(dist.parent / wheel.name)}
        command = (python, "-m", "authproxy")
        said = run(*command, "--version", folder=dist, environment={**os.environ, **where})
        helped = run(*command, "--help", folder=dist, environment={**os.environ, **where})
        if said.split()[0] != "authproxy" or "Usage: authproxy" not in helped:
            raise RefusedError(f"{(wheel or pure).name} says {said!r}, and as its help:\n{helped}")


def write_sbom(
    tools: Path, python: Path, checkout: Path, file: Path, environment: Mapping[str, str]
) -> None:
    """Write what `python` has installed as CycloneDX, with a serial number out of the commit."""
    made = run(
        *(tools, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--of", "JSON"),
        *("--pyproject", "pyproject.toml", python),
        folder=checkout,
        environment=environment,
    )
    version = file.name.removeprefix("authproxy-").removesuffix(".cdx.json")
    file.write_text(complete_sbom(made, version, git("rev-parse", "HEAD")))


def complete_sbom(made: str, version: str, commit: str) -> str:
    """What cyclonedx-py leaves out: our version, which is not in pyproject.toml, and a serial."""
    sbom = json.loads(made)
    sbom["metadata"]["component"]["version"] = version
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"authproxy/{version}/{commit}")
    sbom["serialNumber"] = f"urn:uuid:{serial}"
    return json.dumps(sbom, indent=2, sort_keys=True) + "\n"


def checksums(folder: Path) -> str:
    """A line for each file, as `sha256sum --check` reads it."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{digest(path.read_bytes())}  {path.name}\n" for path in files)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def differences(first: Path, second: Path) -> Iterator[str]:
    """The files that differ, and of archives which of their members do."""
    for name in sorted({path.name for path in chain(first.iterdir(), second.iterdir())}):
        one, other = first / name, second / name
        if not (one.exists() and other.exists()):
            yield f"{name}: only one of the builds has it"
        elif one.read_bytes() != other.read_bytes():
            members, others = contents(one), contents(other)
            differing = sorted(
                member
                for member in {*members, *others}
                if members.get(member) != others.get(member)
            )
            packed = "the same content, packed in another way" if members else "its text"
            yield f"{name}: {', '.join(differing) or packed}"


def contents(archive: Path) -> dict[str, str]:
    """The checksum of each member; none of what is no archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return {name: digest(opened.read(name)) for name in opened.namelist()}
    if archive.suffix == ".gz":
        with tarfile.open(archive) as opened:
            members = [(each.name, opened.extractfile(each)) for each in opened]
            return {name: digest(file.read()) for name, file in members if file is not None}
    return {}


def keep(built: Path, into: Path) -> None:
    """Put the files into `into`, in place of those of another build."""
    into.mkdir(parents=True, exist_ok=True)
    for old in [*into.glob("authproxy-*"), *into.glob(SUMS)]:
        old.unlink()
    for file in built.iterdir():
        shutil.copy(file, into)


if __name__ == "__main__":
    main(sys.argv[1:])
