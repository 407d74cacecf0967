"""The proxies that are compared, as a table: how each is started and what version it is.

To add one: a function that returns its command line, and a row in PEERS. All run on one core and
find the token in `BENCH_TOKEN`, and all send it over verified TLS on pooled connections.
"""

import platform
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers import go
from benchmarks.processes import BenchmarkError, program
from benchmarks.service import Service, nginx_command, nginx_config

HERE = Path(__file__).parent
TOKEN_VARIABLE = "BENCH_TOKEN"
REFERENCE = "go"
TUNED = "go-pooled"
OURS = "authproxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a proxy is to do: listen on a port of 127.0.0.1 and forward to the service."""

    port: int
    service: Service
    folder: Path
    """The proxy's own, empty folder; it goes away with the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One proxy. `command` installs or builds what it needs, or raises BenchmarkError."""

    name: str
    title: str
    command: Callable[[Job], Sequence[str]]
    version: Callable[[], str]


def authproxy_command(job: Job) -> Sequence[str]:
    script = Path(sys.executable).with_name("authproxy")
    if not script.exists():
        raise BenchmarkError(f"authproxy is not installed beside {sys.executable}; run: make setup")
    arguments = ["--ca-file", str(job.service.ca_file), "--credentials"]
    arguments += [f"token-env:{TOKEN_VARIABLE}", "--no-access-log", "-l", f"127.0.0.1:{job.port}"]
    return [str(script), job.service.origin, *arguments]


def authproxy_version() -> str:
    parts = ", ".join(f"{name} {version(name)}" for name in ("aiofastnet", "httptools", "aiohttp"))
    return f"authproxy {version('authproxy')} ({parts}; {python_version()})"


def go_command(job: Job) -> Sequence[str]:
    binary = go.built(HERE / "reverseproxy.go")
    target = ["-target", job.service.origin, "-ca", str(job.service.ca_file)]
    return [str(binary), "-listen", f"127.0.0.1:{job.port}", *target]


def go_pooled_command(job: Job) -> Sequence[str]:
    return [*go_command(job), "-buffer-pool"]


def nginx_proxy_command(job: Job) -> Sequence[str]:
    values = {
        "PORT": str(job.port),
        "SERVICE_PORT": str(job.service.port),
        "CA_FILE": str(job.service.ca_file),
        "TOKEN": job.service.token,
    }
    return nginx_command(nginx_config(HERE / "nginx.conf", job.folder, values))


def nginx_version() -> str:
    nginx = program("nginx", hint="apt-get install nginx")
    shown = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return shown.strip().removeprefix("nginx version: ").replace("/", " ")


def aiohttp_command(job: Job) -> Sequence[str]:
    script = str(HERE / "plain_aiohttp.py")
    return [sys.executable, script, str(job.port), job.service.origin, str(job.service.ca_file)]


def aiohttp_version() -> str:
    return f"aiohttp {version('aiohttp')} ({python_version()})"


def python_version() -> str:
    return f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}"


PEERS: tuple[Peer, ...] = (
    Peer(name=OURS, title="authproxy", command=authproxy_command, version=authproxy_version),
    Peer(
        name=REFERENCE, title="Go `httputil.ReverseProxy`", command=go_command, version=go.version
    ),
    Peer(
        name=TUNED,
        title="Go with a `BufferPool`",
        command=go_pooled_command,
        version=go.version,
    ),
    Peer(name="nginx", title="nginx", command=nginx_proxy_command, version=nginx_version),
    Peer(
        name="aiohttp",
        title="`aiohttp.web` + `ClientSession`",
        command=aiohttp_command,
        version=aiohttp_version,
    ),
)
