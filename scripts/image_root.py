"""Make the root of the container image: authproxy's environment, Python, and what both load.

Run while the image is built, by the Python that is to be in it:

    image_root.py VENV ROOT

Nothing else of the base is taken: no shell, no package manager. What is made does not depend on
when, where or by whom it is built: modules are compiled without their times, and whatever would
name a moment, a path or an order of downloads is left out (SOURCE_DATE_EPOCH, if set, is the time
of every file).
"""

import importlib.metadata
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from slim import compile_libraries, strip

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
NEVER_IMPORTED = (
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
    "venv",
    "__pycache__",
)
TESTS_OF_PYTHON = ("_test*", "_ctypes_test*", "xx*", "_tkinter*", "config-*")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
FILES = {
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/passwd": "root:x:0:0:root:/:\nauthproxy:x:65532:65532:authproxy:/:\n",
    "etc/group": "root:x:0:\nauthproxy:x:65532:\n",
}
FOLDERS = ("dev", "mnt", "proc", "run", "sys", "tmp")
"""Where a runtime mounts something, though the root be read-only."""
OF_ONE_INSTALL = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def make(venv: Path, root: Path) -> None:
    take_python(root)
    shutil.copytree(venv, root / venv.relative_to("/"), symlinks=True)
    for name in OF_ONE_INSTALL:
        for file in root.rglob(f"*.dist-info/{name}"):
            file.unlink()
    take_shared_libraries(root)
    lead_to_certificates(root)
    for name, text in FILES.items():
        (root / name).write_text(text)
    for name in FOLDERS:
        (root / name).mkdir(exist_ok=True)
    subprocess.run(["ldconfig", "-r", root], check=True)
    shutil.rmtree(root / "var", ignore_errors=True)  # ldconfig's notes for the next time
    [libraries] = venv.glob("lib/python3*/site-packages")
    sbom = root / venv.relative_to("/") / "sbom.cdx.json"
    carried = [path for path in root.rglob("lib*.so*") if not path.is_symlink()]
    carried = [Path("/", path.relative_to(root)) for path in carried]
    sbom.write_text(list_of_contents(libraries, packages_of(carried)))
    make_alike(root)


def carry(path: Path, root: Path) -> None:
    """Copy a file of the base, with the links that lead to it."""
    here = Path("/")
    for number, part in enumerate(path.parts[1:], start=2):
        here /= part
        there = root / here.relative_to("/")
        if here.is_symlink():
            there.parent.mkdir(parents=True, exist_ok=True)
            if not there.is_symlink():
                there.symlink_to(here.readlink())
            target = Path(os.path.normpath(here.parent / here.readlink()))
            carry(target.joinpath(*path.parts[number:]), root)
            return
    there = root / path.relative_to("/")
    if not there.exists():
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, there)


def take_python(root: Path) -> None:
    carry(Path(os.path.realpath(sys.executable)), root)
    name = f"python{sys.version_info.major}"
    carry(Path(sys.executable).with_name(name), root)
    there = root / STANDARD_LIBRARY.relative_to("/")
    skip = shutil.ignore_patterns(*TESTS_OF_PYTHON)
    shutil.copytree(STANDARD_LIBRARY, there, symlinks=True, ignore=skip)
    for name in NEVER_IMPORTED:
        for folder in [there / name, *there.rglob(name)]:
            shutil.rmtree(folder, ignore_errors=True)
    strip(there)
    compile_libraries(there, below=root)


def take_shared_libraries(root: Path) -> None:
    for name in ("etc/ld.so.conf", *(str(p)[1:] for p in Path("/etc/ld.so.conf.d").glob("*"))):
        if Path("/", name).exists():
            carry(Path("/", name), root)
    programs = [Path(os.path.realpath(sys.executable)), *root.rglob("*.so")]
    for library in sorted({each for program in programs for each in needed_by(program)}):
        carry(library, root)
        if library.name == "libc.so.6":
            # What glibc loads by itself: to end a thread.
            carry(library.with_name("libgcc_s.so.1"), root)


def needed_by(program: Path) -> Iterator[Path]:
    said = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    for found in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", said, re.MULTILINE):
        yield Path(found)


def lead_to_certificates(root: Path) -> None:
    """OpenSSL looks for them in one file; the Dockerfile copies that."""
    paths = ssl.get_default_verify_paths()
    file = root / paths.openssl_cafile[1:]
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.symlink_to(CERTIFICATES)
    settings = Path(paths.openssl_cafile).with_name("openssl.cnf")
    if settings.exists():
        carry(settings, root)


def packages_of(files: Iterable[Path]) -> list[tuple[str, str]]:
    """Name and version of each Debian package that has brought one of these files."""
    # What is in /usr/lib may be known to dpkg by the path that it had before /lib was a link.
    names = [str(path) for path in files]
    names += [name.removeprefix("/usr") for name in names]
    ask = ["dpkg-query", "--search", *names]
    said = subprocess.run(ask, capture_output=True, text=True).stdout  # of some it knows nothing
    packages = sorted({line.partition(": ")[0] for line in said.splitlines()})
    if not packages:
        return []
    ask = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n", *packages]
    said = subprocess.run(ask, check=True, capture_output=True, text=True).stdout
    found = (line.split() for line in said.splitlines())
    return sorted({(name, version) for name, version in found})


def list_of_contents(libraries: Path, debian: Iterable[tuple[str, str]] = ()) -> str:
    """What the environment holds, as CycloneDX, Python, and the packages of Debian's libraries."""
    found = importlib.metadata.distributions(path=[str(libraries)])
    named = sorted((each.metadata["Name"].lower(), each.version) for each in found)
    components = [component("library", f"pkg:pypi/{name}", version) for name, version in named]
    python = ".".join(map(str, sys.version_info[:3]))
    components.append(component("platform", "pkg:generic/python", python))
    components += [component("library", f"pkg:deb/debian/{name}", v) for name, v in debian]
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "authproxy"}},
        "components": components,
    }
    return json.dumps(sbom, indent=2) + "\n"


def component(kind: str, package: str, version: str) -> dict[str, str]:
    name, purl = package.rpartition("/")[2], f"{package}@{quote(version, safe=':~')}"
    return {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}


def make_alike(root: Path) -> None:
    """The same modes and times whoever builds it."""
    moment = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
    for path in [*root.rglob("*"), root]:
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
    (root / "tmp").chmod(0o1777)
    for path in [*root.rglob("*"), root]:
        os.utime(path, (moment, moment), follow_symlinks=False)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
