"""Peers that went without a word: a cable, a tunnel or a machine that is gone says no goodbye.

Left alone, TCP keeps an idle connection for ever, and goes on for a quarter of an hour with what
was sent into the void. Rules of this file: nobody is cut off who still acknowledges, however slow.
Hence no TCP_USER_TIMEOUT: Linux applies it also to a peer that lives and takes nothing for a while.
"""

import asyncio
import socket
import sys

from authproxy.errors import Code, UpstreamError

PROBE_AFTER_S, PROBE_EVERY_S, PROBES = 15, 5, 3
"""A connection on which nothing is under way ends 30 s after its peer went: the first of these,
and the second as often as the third says."""
LOST_AFTER_S = 20.0
"""Of silence, until we look whether what was sent has been acknowledged."""
UNANSWERED = 4
"""Times in a row that something was sent again for nothing, each after twice the wait before."""

_IDLE = "TCP_KEEPALIVE" if sys.platform == "darwin" else "TCP_KEEPIDLE"
_OPTIONS = ((_IDLE, PROBE_AFTER_S), ("TCP_KEEPINTVL", PROBE_EVERY_S), ("TCP_KEEPCNT", PROBES))
_SETTABLE = [
    (int(getattr(socket, name)), value) for name, value in _OPTIONS if hasattr(socket, name)
]
_TCP = (socket.AF_INET, socket.AF_INET6)
_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_RETRANSMITS_AT = 2
"""In Linux' struct tcp_info: `tcpi_retransmits`, a byte."""


def watch(sock: socket.socket | None) -> None:
    """Let the system find out when the peer is gone. Clients of a listening socket inherit it."""
    if sock is None or sock.fileno() < 0 or sock.family not in _TCP:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for number, value in _SETTABLE:
        sock.setsockopt(socket.IPPROTO_TCP, number, value)


def is_lost(transport: asyncio.Transport) -> bool:
    """Does the peer not acknowledge what was sent? Where no system tells, nobody is lost."""
    sock = transport.get_extra_info("socket")
    if _TCP_INFO is None or sock is None or sock.fileno() < 0 or sock.family not in _TCP:
        return False
    info: bytes = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 8)
    return info[_RETRANSMITS_AT] >= UNANSWERED


def not_acknowledged() -> UpstreamError:
    """What to say for a service that is lost."""
    return UpstreamError(
        "The service is gone: nothing acknowledges what was sent to it.",
        code=Code.UPSTREAM_TIMEOUT,
        sent=True,
        hint="Is this machine still connected? The next request opens a new connection.",
    )
