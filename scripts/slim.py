"""Take out of a virtual environment what a container never uses. Run while the image is built.

Libraries keep their compiled modules and lose their sources (a traceback through them still names
file, line and function); authproxy keeps both. Extension modules lose their debug symbols.
"""

import compileall
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

NEVER_IMPORTED = (
    "pyasn1",  # google-auth's way to sign without cryptography
    "pyasn1_modules",
    "pycparser",  # cffi's compiler; cryptography is compiled already
    "certifi/tests",
)
SOURCES_OF_EXTENSIONS = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h")
COMMANDS = ("authproxy", "python*")
ALIKE = py_compile.PycInvalidationMode.UNCHECKED_HASH
"""By this the bytes do not depend on when a source was written."""


def slim(venv: Path) -> None:
    [libraries] = venv.glob("lib/python3*/site-packages")
    for name in NEVER_IMPORTED:
        shutil.rmtree(libraries / name)
    for pattern in SOURCES_OF_EXTENSIONS:
        for file in libraries.rglob(pattern):
            file.unlink()
    for command in (venv / "bin").iterdir():
        if not any(command.match(kept) for kept in COMMANDS):
            command.unlink()
    strip(libraries)
    compile_modules(libraries)


def strip(folder: Path) -> None:
    """Take the debug symbols out of extension modules."""
    modules = [path for path in sorted(folder.rglob("*.so")) if not path.is_symlink()]
    subprocess.run(["strip", "--strip-unneeded", *modules], check=True)


def compile_modules(libraries: Path) -> None:
    """The root of a container may be read-only: what is not compiled now is so at every start."""
    compileall.compile_dir(libraries / "authproxy", quiet=1, invalidation_mode=ALIKE)
    for folder in sorted(libraries.iterdir()):
        if folder.name != "authproxy":
            compile_libraries(folder)


def compile_libraries(folder: Path, *, below: Path = Path("/")) -> None:
    """Compiled modules in place of their sources. They do not name the time of these, and name
    them as if `below` were the root."""
    sources = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]
    for source in sources:
        if source.suffix == ".py":
            compileall.compile_file(
                source,
                quiet=2,
                legacy=True,
                invalidation_mode=ALIKE,
                stripdir=str(below),
                prependdir="/",
            )
            if source.with_suffix(".pyc").exists():
                source.unlink()


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
