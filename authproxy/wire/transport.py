"""Writing to a connection: pieces are gathered in a list while one read is being handled."""

import asyncio
import socket
import struct
import sys
from typing import Final

from authproxy.system import offers

JOIN_BELOW: Final = 32 * 1024
"""Bytes. Below it one copy is cheaper than a TLS record of its own for each piece."""


def add_chunk(pieces: list[bytes], data: bytes) -> None:
    """`data` as one chunk (RFC 9112 7.1)."""
    pieces += (b"%x\r\n" % len(data), data, b"\r\n")


def add_body(pieces: list[bytes], data: bytes, *, chunked: bool) -> None:
    if chunked:
        add_chunk(pieces, data)
    else:
        pieces.append(data)


def has_bounded_writelines(version: tuple[int, ...]) -> bool:
    """CVE-2024-12254: in some versions asyncio's `writelines` never calls `pause_writing`, and what
    a slow reader leaves unread grows without a bound."""
    return version < (3, 12) or (3, 12, 9) <= version < (3, 13) or version >= (3, 13, 2)


WRITELINES_IS_BOUNDED: Final = has_bounded_writelines(sys.version_info[:3])


def send(
    pieces: list[bytes],
    transport: asyncio.Transport,
    writelines_is_bounded: bool = WRITELINES_IS_BOUNDED,
) -> None:
    """Write `pieces` at once, one system call for a head and its small body, and empty the list."""
    if len(pieces) == 1:
        transport.write(pieces[0])
    elif len(pieces) == 2 and len(pieces[0]) + len(pieces[1]) < JOIN_BELOW:
        transport.write(pieces[0] + pieces[1])
    elif sum(map(len, pieces)) < JOIN_BELOW:
        transport.write(b"".join(pieces))
    elif writelines_is_bounded:
        transport.writelines(pieces)
    else:
        for piece in pieces:
            transport.write(piece)
    pieces.clear()


def reset(transport: asyncio.Transport) -> None:
    """End the connection so that the peer cannot take it for an orderly end: TCP's RST, not FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0 and sock.family != offers.UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def resume(transport: asyncio.Transport) -> None:
    """Read on after `pause_reading`.

    aiofastnet 1.2 looks at the socket only: what it had read and not yet decrypted would wait until
    more comes, which may be never, or be lost when the end comes. So it is looked at first.
    """
    retry = getattr(transport, "_retry_ssl_read", None)
    if retry is not None:
        asyncio.get_running_loop().call_soon(retry)
    transport.resume_reading()
