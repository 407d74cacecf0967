"""May the user at the other end of a connection pass? Asked when the connection is made, and again
when the rules are others."""

import asyncio
from collections.abc import Collection

from authproxy.errors import Refused
from authproxy.policy.access.networks import Address, parse_peer
from authproxy.wire import refusals
from authproxy.wire.peers import tcp_peer, unix_peer


def find_refusal(
    transport: asyncio.Transport, peer: Address | None, peer_uids: Collection[int] | None
) -> Refused | None:
    """Why nothing that comes from there may pass; `peer` is its address, None for a Unix socket."""
    if transport.get_extra_info("peername") is None:
        # It left before it was accepted, and what it had sent can still be read. A Unix
        # socket's client has an empty name, not none, and only that one needs no address.
        return refusals.address("the client left before its address could be read")
    return PeerUser(transport, peer, None).judge(peer_uids)


class PeerUser:
    """User at the other end of a connection, for as long as it lasts."""

    __slots__ = ("_is_gone", "_peer", "_transport_info", "refusal")

    def __init__(
        self, transport: asyncio.Transport, peer: Address | None, refusal: Refused | None
    ) -> None:
        """`refusal`: as `find_refusal` gave it."""
        info = transport.get_extra_info
        self._peer = peer
        self._is_gone = info("peername") is None
        # Not the transport itself: it holds, by way of its protocol, whoever holds this.
        names = ("sockname", "peername") if peer is not None else ("socket",)
        self._transport_info = tuple(info(name) for name in names)
        self.refusal = refusal

    def judge(self, peer_uids: Collection[int] | None) -> Refused | None:
        """Why nothing that comes from there may pass now."""
        if not self._is_gone:
            found = None if peer_uids is None else self._find(peer_uids)
            self.refusal = None if found is None else refusals.address(found)
        return self.refusal

    def _find(self, peer_uids: Collection[int]) -> str | None:
        if self._peer is None:
            return unix_peer.find_uid_refusal(self._transport_info[0], peer_uids)
        here, there = self._transport_info
        listener = parse_peer(here)
        if listener is None:
            return "the client left before its user could be found"
        connection = tcp_peer.Connection(self._peer, there[1], listener, here[1])
        return tcp_peer.find_uid_refusal(connection, peer_uids)

    def __repr__(self) -> str:
        return f"<PeerUser [{'refused' if self.refusal else 'may connect'}]>"
