"""`authproxy status`: does an authproxy answer there? For health checks in images without a shell.

It asks for a host name that nobody has: authproxy refuses that by itself, with a header that says
so, and no service hears of it. A container runs this every few seconds, so it imports little.
"""

import socket
import time
from collections.abc import Callable, Mapping

from authproxy.values import DEFAULT_PORT, PROBE_HOST, Listen, parse_listen

TIMEOUT_S = 3.0
TLS_VARIABLE = "AUTHPROXY_TLS_CERT_FILE"
MAX_HEAD = 64 * 1024
REQUEST = f"GET / HTTP/1.1\r\nHost: {PROBE_HOST}\r\nConnection: close\r\n\r\n".encode()
MARK = b"\r\nx-authproxy-error:"

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared with, not bound to


def run(
    address: str | None,
    environ: Mapping[str, str],
    say: Callable[[str], object],
    *,
    timeout_s: float = TIMEOUT_S,
) -> int:
    """Exit code 0 when an authproxy answers at `address`, 1 when not, 2 when it is no address."""
    try:
        listen, in_tls = find_target(address, environ)
    except ValueError as error:
        say(f"authproxy: {error}")
        return 2
    shown = str(listen)
    try:
        head = _ask(listen, in_tls=in_tls, timeout_s=timeout_s)
    except OSError as error:
        say(f"authproxy: nothing answers at {shown}: {error.strerror or 'it took too long'}")
        return 1
    if MARK not in head.lower():
        say(f"authproxy: something answers at {shown}, but it is not authproxy")
        return 1
    say(f"authproxy answers at {shown}")
    return 0


def find_target(address: str | None, environ: Mapping[str, str]) -> tuple[Listen, bool]:
    """Where, and whether TLS is spoken there: `https://` or AUTHPROXY_TLS_CERT_FILE says so."""
    text = address or environ.get("AUTHPROXY_LISTEN", "").split(",")[0].strip()
    in_tls = text.startswith("https://") or bool(environ.get(TLS_VARIABLE, "").strip())
    text = text.removeprefix("https://").removesuffix("/")
    listen = parse_listen(text) if text else Listen()
    if listen.path is not None:
        return listen, False
    port = listen.port
    if port is None:
        port = parse_listen(f"localhost:{environ.get('PORT', '').strip() or DEFAULT_PORT}").port
    return Listen(_EVERYWHERE.get(listen.host, listen.host), port), in_tls


def _ask(listen: Listen, *, in_tls: bool, timeout_s: float) -> bytes:
    """The head of the answer, or what came of it until the deadline."""
    deadline = time.monotonic() + timeout_s
    plain = _connect(listen, timeout_s)
    with plain, _secured(plain) if in_tls else plain as connection:
        connection.sendall(REQUEST)
        head = b""
        while b"\r\n\r\n" not in head and len(head) < MAX_HEAD:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            received = connection.recv(4096)
            if not received:
                break
            head += received
        return head


def _secured(plain: socket.socket) -> socket.socket:
    """Whose certificate it is does not matter: it is asked whether it lives, and told nothing."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def _connect(listen: Listen, timeout_s: float) -> socket.socket:
    if listen.path is None:
        return socket.create_connection((listen.host, listen.port or 0), timeout=timeout_s)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout_s)
    try:
        connection.connect(str(listen.path))
    except OSError:
        connection.close()
        raise
    return connection
