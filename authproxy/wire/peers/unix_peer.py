"""User on the other end of a Unix socket, by the kernel, and the check whether it may pass."""

import socket
import struct
from collections.abc import Collection

from authproxy.system.offers import user_id

_UCRED = struct.Struct("3i")
"""Linux' struct ucred, unix(7): process, user, group."""


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
    return find_refusal_of(uid, allowed)


def find_refusal_of(uid: int, allowed: Collection[int]) -> str | None:
    """Why this user may not pass; for the log."""
    if uid in allowed or uid == user_id():
        return None
    return f"the user {uid} is not in peer_uids {', '.join(map(str, sorted(allowed)))}".rstrip()
