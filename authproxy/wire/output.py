"""What is to be written to one connection, gathered while one read is being handled."""

import asyncio
import socket
import struct

JOIN_BELOW = 32 * 1024
"""Bytes. Below it one copy is cheaper than a TLS record of its own for each piece."""


class Output:
    """Pieces that leave together: one system call for a head and its small body."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)

    def add_chunk(self, data: bytes) -> None:
        """`data` as one chunk (RFC 9112 7.1)."""
        self._pieces += (b"%x\r\n" % len(data), data, b"\r\n")
        self._size += len(data)

    def flush(self, transport: asyncio.Transport) -> None:
        pieces = self._pieces
        if not pieces:
            return
        if len(pieces) == 1:
            transport.write(pieces[0])
        elif self._size < JOIN_BELOW:
            transport.write(b"".join(pieces))
        else:
            transport.writelines(pieces)
        self._pieces = []
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)


def reset(transport: asyncio.Transport) -> None:
    """End the connection so that the peer cannot take it for an orderly end: TCP's RST, not FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
