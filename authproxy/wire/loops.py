"""Requests that come back to the authproxy that sent them (RFC 9110 7.6).

The field that HTTP has for that (Via) would tell a service what is in front of it, so none leaves
this machine. A request that came by a connection of our own is known by the connection's ends.
Another proxy on this machine may stand in between. A request that comes by another authproxy shows
it (`is_relayed`), and goes on, to addresses of this machine only, with X-Authproxy-Hops, which says
by whose connections it came. A client's own goes nowhere.
"""

import asyncio
import secrets
from collections.abc import Sequence
from functools import lru_cache

from authproxy.errors import Code, Refused
from authproxy.exchange import Field
from authproxy.policy.access.networks import parse_peer

MAX_HOPS_BYTES = 1024
"""More than any chain of proxies on one machine has; longer ones are taken for loops."""


class Loops:
    """Our own connections that lead to this machine."""

    __slots__ = ("_id", "_ours")

    def __init__(self) -> None:
        self._id = secrets.token_hex(8).encode()
        self._ours: set[bytes] = set()

    def opened(self, transport: asyncio.Transport) -> bool:
        """A connection to a service stands; does it lead to this machine?"""
        ours, theirs = _names(transport)
        here, there = parse_peer(ours), parse_peer(theirs)
        if here is None or there is None or not (there.is_loopback or there == here):
            return False
        self._ours.add(link_of(ours, theirs))
        return True

    def closed(self, transport: asyncio.Transport) -> None:
        """It is over, or carries no more requests."""
        self._ours.discard(link_of(*_names(transport)))

    def check(self, link: bytes, hops: bytes) -> None:
        """Raises Refused for a request that came by `link`, and before that by `hops`, if any."""
        ours = self._ours
        if link in ours or (hops and self._is_loop(hops)):
            raise Refused(
                "This request has come back to the authproxy that sent it.",
                code=Code.LOOP_DETECTED,
                hint="The `url` of a service leads to authproxy itself. Change it to the"
                " service's own address.",
                detail=f"it came by {(hops + b' ' + link).strip()[:200].decode('latin-1')}",
            )

    def mark(self, link: bytes, hops: bytes, headers: Sequence[Field]) -> bytes:
        """The finished line for a service on this machine; empty for most requests."""
        if not is_relayed(headers):
            return b""
        known = b" ".join(filter(None, (hops, link, self._id)))
        return b"X-Authproxy-Hops: %b\r\n" % known

    def _is_loop(self, hops: bytes) -> bool:
        found = hops.split(b" ")
        return len(hops) > MAX_HOPS_BYTES or self._id in found or not self._ours.isdisjoint(found)

    def __repr__(self) -> str:
        return f"<Loops [{len(self._ours)} connections]>"


def accepted_link(transport: asyncio.Transport) -> bytes:
    """As `link_of` has it, of a connection that a client has made to us."""
    ours, theirs = _names(transport)
    return link_of(theirs, ours)


def link_of(maker: object, taker: object) -> bytes:
    """A connection by its ends, as sockets name them: who made it and who accepted it.

    Both sides of it find the same. Empty for a Unix socket's.
    """
    ends = _end_of(maker), _end_of(taker)
    return b">".join(ends) if all(ends) else b""


def _end_of(name: object) -> bytes:
    return _name_end(name) if isinstance(name, tuple) else b""


@lru_cache(maxsize=64)
def _name_end(name: tuple[object, ...]) -> bytes:
    """The service's is the same for all connections, and ours is asked for twice."""
    address = parse_peer(name)
    return b"" if address is None else f"{address}|{name[1]}".encode()


def is_relayed(headers: Sequence[Field]) -> bool:
    """Whether an authproxy wrote these fields: two of its own stand next to each other.

    Others may write them so; all that follows from it is one field more, on this machine.
    """
    names = [lower for lower, _, _ in headers]
    return b"x-forwarded-proto x-forwarded-host" in b" ".join(names)


def _names(transport: asyncio.Transport) -> tuple[object, object]:
    return transport.get_extra_info("sockname"), transport.get_extra_info("peername")
