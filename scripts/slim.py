"""Take out of a virtual environment what a container never uses. Run while the image is built.

Libraries keep their compiled modules and lose their sources (a traceback through them still names
file, line and function); authproxy keeps both. Extension modules lose their debug symbols.
"""

import compileall
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
    subprocess.run(["strip", "--strip-unneeded", *libraries.rglob("*.so")], check=True)
    compile_modules(libraries)


def compile_modules(libraries: Path) -> None:
    """The root of a container may be read-only: what is not compiled now is so at every start."""
    compileall.compile_dir(libraries / "authproxy", quiet=1)
    for source in [*libraries.rglob("*.py")]:
        if source.relative_to(libraries).parts[0] != "authproxy":
            compileall.compile_file(source, quiet=2, legacy=True)
            if source.with_suffix(".pyc").exists():
                source.unlink()


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
