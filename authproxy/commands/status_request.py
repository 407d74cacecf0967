"""One request to a listener of this machine; it imports what a health check cannot do without."""

import errno
import socket
import time
from dataclasses import dataclass

from authproxy.system import offers
from authproxy.values import Listen

MAX_ANSWER = 8 * 1024 * 1024
"""A thousand services fit."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as far as it came."""

    status: int
    """0 for what is no HTTP."""
    head: bytes
    """In lower case."""
    body: bytes = b""

    def has(self, line: bytes) -> bool:
        """Whether the head has a line that begins so."""
        return b"\r\n" + line in self.head


def ask(
    listen: Listen,
    target: str,
    *,
    host: str = "localhost",
    key: str = "",
    method: str = "GET",
    in_tls: bool = False,
    timeout_s: float,
    head_only: bool = False,
) -> Reply:
    """Raises OSError when nobody answers in time."""
    deadline = time.monotonic() + timeout_s
    plain = connect(listen, timeout_s)
    received = b""
    with plain, _secured(plain) if in_tls else plain as connection:
        connection.sendall(request_for(target, host, key, method=method))
        while len(received) < MAX_ANSWER and not (head_only and b"\r\n\r\n" in received):
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = connection.recv(65536)
            if not piece:
                break
            received += piece
    return _parse(received)


def request_for(
    target: str, host: str, key: str = "", version: str = "1.1", method: str = "GET"
) -> bytes:
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    length = "" if method == "GET" else "Content-Length: 0\r\n"
    return (
        f"{method} {target} HTTP/{version}\r\nHost: {host}\r\n{authorization}{length}"
        "Connection: close\r\n\r\n"
    ).encode()


def _parse(received: bytes) -> Reply:
    head, _, body = received.partition(b"\r\n\r\n")
    version, _, rest = head.partition(b" ")
    number = rest[:3]
    is_http = version.startswith(b"HTTP/1.") and number.isdigit()
    return Reply(int(number) if is_http else 0, head.lower() + b"\r\n", body)


def _secured(plain: socket.socket) -> socket.socket:
    """Whose certificate it is does not matter: it is asked whether it lives, and told nothing."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def connect(listen: Listen, timeout_s: float) -> socket.socket:
    """Raises OSError."""
    if listen.path is None:
        return socket.create_connection((listen.host, listen.port or 0), timeout=timeout_s)
    if offers.UNIX is None:
        raise OSError(errno.EAFNOSUPPORT, offers.NO_UNIX_SOCKETS)
    connection = socket.socket(offers.UNIX)
    connection.settimeout(timeout_s)
    try:
        name = str(listen.path)
        connection.connect(f"\0{name[1:]}" if listen.is_abstract else name)
    except OSError:
        connection.close()
        raise
    return connection
