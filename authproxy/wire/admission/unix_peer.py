"""Who is on the other end of a connection, as the kernel knows it, and may they pass."""

import asyncio
import os
import socket
import struct
from collections.abc import Collection

from authproxy.errors import Refused
from authproxy.policy.access.networks import Address
from authproxy.wire import refusals

_UCRED = struct.Struct("3i")
"""Linux' struct ucred, unix(7): process, user, group."""


def find_refusal(
    transport: asyncio.Transport, peer: Address | None, peer_uids: Collection[int] | None
) -> Refused | None:
    """Why nothing that comes from there may pass; `peer` is its address, None for a Unix socket."""
    if transport.get_extra_info("peername") is None:
        # It left before it was accepted, and what it had sent can still be read. A Unix
        # socket's client has an empty name, not none, and only that one needs no address.
        return refusals.address("the client left before its address could be read")
    if peer is not None or peer_uids is None:
        return None
    found = find_uid_refusal(transport.get_extra_info("socket"), peer_uids)
    return refusals.address(found) if found is not None else None


def find_uid_refusal(sock: socket.socket, allowed: Collection[int]) -> str | None:
    """Why the user at `sock`, a connected Unix socket, may not pass; for the log.

    Besides those in `allowed` the user whom authproxy runs as may.
    """
    try:
        _, uid, _ = _UCRED.unpack(
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        )
    except (AttributeError, OSError) as error:
        return f"the user at the other end of the socket cannot be determined: {error}"
    if uid in allowed or uid == os.getuid():
        return None
    return f"the user {uid} is not in peer_uids {', '.join(map(str, sorted(allowed)))}".rstrip()
