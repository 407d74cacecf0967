"""Checks of the way to the service: its name, and a connection, through a proxy if need be."""

import socket
from typing import Any

from authproxy.commands.doctor.report import Result, ok
from authproxy.commands.doctor.subject import Subject
from authproxy.threads import in_thread
from authproxy.wire.upstream.connect_errors import translate
from authproxy.wire.upstream.proxy_tunnel import Early

SHOWN = 3


async def check_dns(subject: Subject) -> Result:
    """The name that is looked up here: behind an egress proxy, it is the proxy's."""
    connector = subject.connector
    egress, origin = connector.egress, connector.origin
    host, port, peer = origin.host, origin.port, connector.peer
    if egress is not None:
        host, port, peer = egress.proxy.host, egress.proxy.port, egress.peer
    try:
        found = await in_thread(_look_up, host, port, name="doctor-dns")
    except (OSError, UnicodeError) as error:
        raise translate(error, peer, connector.timeout_s) from None
    addresses = f"{', '.join(found[:SHOWN])}{' …' if len(found) > SHOWN else ''}"
    shown = f"{host} is {addresses if found != [host] else 'an address already'}"
    return ok(shown if egress is None else f"the egress proxy {shown}; it looks up the service")


def _look_up(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


async def check_connection(subject: Subject) -> Result:
    connector = subject.connector
    early = await connector.open(Early)
    tls = early.transport.get_extra_info("ssl_object")
    early.transport.abort()
    shown = "without TLS" if tls is None else describe_tls(tls.version(), tls.getpeercert())
    if connector.egress is not None:
        proxy = connector.egress.proxy
        shown += f", through the egress proxy {proxy} (named by {proxy.source})"
    return ok(shown)


def describe_tls(version: str | None, certificate: dict[str, Any] | None) -> str:
    until = (certificate or {}).get("notAfter")
    return f"{version}, certificate good until {until}" if until else str(version)
