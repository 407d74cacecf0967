"""Sockets that systemd has opened, sd_listen_fds(3): they stay open while authproxy restarts."""

import os
import socket
from collections.abc import Mapping

from authproxy.errors import StartError
from authproxy.wire.lost_peers import watch

FIRST = 3
"""The first descriptor that is handed over."""
MOST_DIGITS = 4
"""Of the number of sockets."""
HINT = "Start authproxy by a .service unit with a .socket unit of the same name, systemd.socket(5)."


def inherited_sockets(
    name: str, environ: Mapping[str, str], *, first: int = FIRST
) -> list[socket.socket]:
    """Those called `name` (FileDescriptorName=); all when it is empty. Raises StartError."""
    wanted = f"systemd:{name}" if name else "systemd"
    count = environ.get("LISTEN_FDS", "")
    is_count = count.isdecimal() and len(count) <= MOST_DIGITS
    if environ.get("LISTEN_PID") != str(os.getpid()) or not is_count:
        raise StartError(f"cannot listen on {wanted}: systemd has passed no socket", hint=HINT)
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    named = [*names, *[""] * int(count)][: int(count)]
    found = [first + at for at, called in enumerate(named) if name in ("", called)]
    if not found:
        raise StartError(
            f"cannot listen on {wanted}: the sockets of systemd are called {', '.join(named)}",
            hint="FileDescriptorName= in the .socket unit says how.",
        )
    return [_take(descriptor, wanted) for descriptor in found]


def _take(descriptor: int, wanted: str) -> socket.socket:
    try:
        sock = socket.socket(fileno=descriptor)
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise StartError(
            f"cannot listen on {wanted}: descriptor {descriptor} is no socket: {error.strerror}",
            hint=HINT,
        ) from error
    if sock.type != socket.SOCK_STREAM or not listens:
        sock.detach()
        raise StartError(
            f"cannot listen on {wanted}: descriptor {descriptor} is no stream socket that listens",
            hint="Write ListenStream= and leave Accept=no in the .socket unit.",
        )
    sock.setblocking(False)
    sock.set_inheritable(False)
    watch(sock)
    return sock
