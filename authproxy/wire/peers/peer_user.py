"""May the user at the other end of a connection pass? Asked once, when the connection is made."""

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
    if peer_uids is None:
        return None
    if peer is None:
        found = unix_peer.find_uid_refusal(transport.get_extra_info("socket"), peer_uids)
    else:
        found = _find_of_tcp(transport, peer, peer_uids)
    return refusals.address(found) if found is not None else None


def _find_of_tcp(
    transport: asyncio.Transport, peer: Address, peer_uids: Collection[int]
) -> str | None:
    here, there = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    listener = parse_peer(here)
    if listener is None:
        return "the client left before its user could be found"
    connection = tcp_peer.Connection(peer, there[1], listener, here[1])
    return tcp_peer.find_uid_refusal(connection, peer_uids)
