"""Sockets on both loopback addresses with one free port, and how to break connections off."""

import asyncio
import errno
import socket
import struct

ATTEMPTS = 20


def listen_on_loopback(port: int = 0) -> list[socket.socket]:
    """Listen on 127.0.0.1 and, where there is IPv6, on the same port of ::1.

    `port` 0 is any that is free on both.
    """
    for _ in range(ATTEMPTS):
        first = _listen(socket.AF_INET, "127.0.0.1", port)
        try:
            return [first, _listen(socket.AF_INET6, "::1", first.getsockname()[1])]
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port:
                return [first]
            first.close()
    raise OSError(errno.EADDRINUSE, "no port is free on both 127.0.0.1 and ::1")


def reset(transport: asyncio.WriteTransport) -> None:
    """Break a connection off so that the other side gets a reset, not an end of file."""
    try:
        sock = transport.get_extra_info("socket")
    except AttributeError:  # asyncio's TLS, when it was closed twice: it is gone already
        return
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
