"""The proxies that are compared, as a table: how each is started and what version it is.

To add one: a function that returns its command line, and a row in `table`. All run on one core and
find the token in `BENCH_TOKEN`, and all send it over verified TLS on pooled connections.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.interpreter import Interpreter, of_the_system
from benchmarks.peers import go, packaged, python
from benchmarks.peers.job import Job
from benchmarks.service import Role

OURS = "authproxy"
PURE = "authproxy-pure"
BEFORE = "authproxy-before"
LOGGING = "authproxy-log"
COUNTING = "authproxy-metrics"
TRACING = "authproxy-traces"
INSPECTING = "authproxy-heads"
RECORDING = "authproxy-bodies"
GO = "go"
TUNED_GO = "go-pooled"
NGINX = "nginx"
ENVOY = "envoy"
ONE = frozenset({Role.HTTP1})
ALL = frozenset(Role)
REQUESTS = ALL - {Role.TUNNEL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One proxy. Both functions raise BenchmarkError if it cannot be installed or built."""

    name: str
    title: str
    command: Callable[[Job], Sequence[str]]
    version: Callable[[], str]
    roles: frozenset[Role] = ALL
    bulk: bool = True
    """Whether it is measured with large bodies too."""
    program: Callable[[], Sequence[str]] | None = None
    """What runs authproxy with other arguments: its memory after a mint is measured too."""


def table(on: Interpreter, pure: Interpreter) -> tuple[Peer, ...]:
    """All peers, in the order of the tables; `on` has authproxy compiled, `pure` has not."""
    ours = partial(python.authproxy_version, on)
    return (
        Peer(
            name=OURS,
            title="authproxy",
            command=partial(python.authproxy, on),
            version=ours,
            program=partial(python.program, on),
        ),
        Peer(
            name=PURE,
            title="authproxy, not compiled",
            command=partial(python.authproxy, pure),
            version=partial(python.authproxy_version, pure),
            program=partial(python.program, pure),
        ),
        Peer(
            name=BEFORE,
            title=f"authproxy at {python.BEFORE}, not compiled",
            command=partial(python.authproxy_before, pure),
            version=partial(python.before_version, pure),
            roles=REQUESTS,
            bulk=False,
            program=partial(python.program_before, pure),
        ),
        Peer(
            name=LOGGING,
            title="authproxy, JSON access log",
            command=partial(python.logging_authproxy, on),
            version=ours,
            roles=ONE,
            bulk=False,
        ),
        Peer(
            name=COUNTING,
            title="authproxy, metrics",
            command=partial(python.counting_authproxy, on),
            version=ours,
            roles=frozenset({Role.HTTP1, Role.HTTP2}),
            bulk=False,
        ),
        Peer(
            name=INSPECTING,
            title="authproxy, inspector",
            command=partial(python.inspecting_authproxy, on),
            version=ours,
            roles=frozenset({Role.HTTP1, Role.HTTP2}),
            bulk=False,
        ),
        Peer(
            name=RECORDING,
            title="authproxy, inspector with bodies",
            command=partial(python.recording_authproxy, on),
            version=ours,
            roles=frozenset({Role.HTTP1, Role.HTTP2}),
            bulk=False,
        ),
        Peer(
            name=TRACING,
            title="authproxy, one trace in 100",
            command=partial(python.tracing_authproxy, on),
            version=ours,
            roles=frozenset({Role.HTTP1, Role.HTTP2}),
            bulk=False,
        ),
        Peer(
            name="authproxy-system",
            title="authproxy, not compiled, on the system's Python",
            command=lambda job: python.authproxy(of_the_system(), job),
            version=lambda: python.authproxy_version(of_the_system()),
        ),
        *others(pure),
    )


def others(pure: Interpreter) -> tuple[Peer, ...]:
    """Those of them that are not authproxy."""
    return (
        Peer(name=GO, title="Go `ReverseProxy`", command=go.command, version=go.version),
        Peer(
            name=TUNED_GO,
            title="Go with a `BufferPool`",
            command=go.pooled_command,
            version=go.version,
            roles=ONE,
        ),
        Peer(name=NGINX, title="nginx", command=packaged.nginx, version=packaged.nginx_version),
        Peer(name=ENVOY, title="Envoy", command=packaged.envoy, version=packaged.envoy_version),
        Peer(
            name="haproxy",
            title="HAProxy",
            command=packaged.haproxy,
            version=packaged.haproxy_version,
        ),
        Peer(name="caddy", title="Caddy", command=packaged.caddy, version=packaged.caddy_version),
        Peer(
            name="aiohttp",
            title="`aiohttp.web` + `ClientSession`",
            command=partial(python.aiohttp, pure),
            version=partial(python.aiohttp_version, pure),
            roles=ONE,
        ),
    )
