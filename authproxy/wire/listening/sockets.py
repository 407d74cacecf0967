"""Opens the sockets that clients connect to, with a helpful word when that fails."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from authproxy.errors import StartError
from authproxy.resolver import look_up
from authproxy.system import offers
from authproxy.system.offers import this_user
from authproxy.values import Listen
from authproxy.values.hosts import bracketed
from authproxy.wire.listening.systemd import inherited_sockets
from authproxy.wire.lost_peers import watch

BACKLOG = 1024
FREE_PORT_TRIES = 4
_OURS_ALONE: int = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
"""The address may be used although connections of a process before linger, but by nobody beside us.
On Windows SO_REUSEADDR would let another program take it away."""
_ANOTHER = "Another process, perhaps another authproxy, serves it. Stop that, or choose"
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def open_listener(
    listen: Listen, mode: int = 0o600, own: Sequence[socket.socket] = ()
) -> list[socket.socket]:
    """The listening sockets for `listen`: two for localhost, 127.0.0.1 and ::1 on one port.

    `mode` is that of a Unix socket's file. `own`: sockets on which this process listens already;
    one that has the very address is given once more, and the others may overlap with a new one.

    Raises StartError.
    """
    if listen.inherited is not None:
        return inherited_sockets(listen.inherited, os.environ)
    if listen.path is not None:
        return [_find_unix(listen, own) or _open_path(listen, mode)]
    port = listen.port or 0
    if listen.host != "localhost":
        return [_open_tcp(listen.host, port, own)]
    for _ in range(FREE_PORT_TRIES if port == 0 else 0):
        # A port that is free for IPv4 may be taken for IPv6: draw again.
        with contextlib.suppress(StartError):
            return _open_localhost(0, own)
    return _open_localhost(port, own)


def _open_path(listen: Listen, mode: int) -> socket.socket:
    assert listen.path is not None  # noqa: S101 -- for the type checker: it was asked
    if offers.UNIX is None:
        raise StartError(
            f"cannot listen on {listen}: {offers.NO_UNIX_SOCKETS}",
            hint="Choose a port of this machine, as in --listen 8080; others can be kept out by a"
            " key, see [keys] in docs/configuration.md.",
        )
    return _open_abstract(listen) if listen.is_abstract else _open_unix(listen.path, mode)


def _find_unix(listen: Listen, own: Sequence[socket.socket]) -> socket.socket | None:
    name = str(listen.path)
    wanted = f"\0{name[1:]}".encode() if listen.is_abstract else name
    unix = (each for each in own if each.family == offers.UNIX)
    return next((each for each in unix if each.getsockname() == wanted), None)


def _open_localhost(port: int, own: Sequence[socket.socket]) -> list[socket.socket]:
    first = _open_tcp("127.0.0.1", port, own)
    try:
        # The same port on both: a browser may try either for `localhost`, and whoever held the
        # other one would be sent the user's requests.
        return [first, _open_tcp("::1", first.getsockname()[1], own)]
    except StartError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in _NO_SUCH_ADDRESS:
            return [first]
        if first not in own:
            first.close()
        raise


def listener_url(listen: Listen, bound: socket.socket, *, tls: bool = False) -> str:
    """What to type to reach the listener: a URL, or `unix:PATH`."""
    if listen.path is not None:
        return f"unix:{listen.path}"
    if bound.family == offers.UNIX:
        return f"unix:{bound.getsockname()}"
    host, port = bound.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://{bracketed(host)}:{port}"


def _open_tcp(host: str, port: int, own: Sequence[socket.socket] = ()) -> socket.socket:
    sock: socket.socket | None = None
    try:
        family, kind, proto, _, address = look_up(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        near = [each for each in own if each.family != offers.UNIX]
        near = [each for each in near if each.getsockname()[1] == address[1]]
        for each in near:
            if each.family == family and each.getsockname()[0] == address[0]:
                return each
        sock = socket.socket(family, kind, proto)
        sock.setsockopt(socket.SOL_SOCKET, _OURS_ALONE, 1)
        watch(sock)
        if family == socket.AF_INET6:
            # `::` means all addresses, IPv4 too; `::1` is itself only.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        with _shared(near):
            if near:
                _share(sock, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
            if near:
                _share(sock, 0)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise cannot_listen(host, port, error) from error
    sock.setblocking(False)
    return sock


@contextlib.contextmanager
def _shared(own: Sequence[socket.socket]) -> Iterator[None]:
    """Let the port of our own sockets be bound once more, as 0.0.0.0 beside 127.0.0.1.

    Only for a moment: later on another program of the same user would share it too, unnoticed.
    """
    try:
        for sock in own:
            _share(sock, 1)
        yield
    finally:
        for sock in own:
            _share(sock, 0)


def _share(sock: socket.socket, value: int) -> None:
    """Without SO_REUSEPORT nothing is shared, and `bind` says that the port is in use."""
    if hasattr(socket, "SO_REUSEPORT"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, value)


def _open_abstract(listen: Listen) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(f"\0{str(listen.path)[1:]}")
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        reason, hint = error.strerror or str(error), "Only Linux has such names."
        if error.errno == errno.EADDRINUSE:
            reason, hint = "it is in use", f"{_ANOTHER} another name."
        raise StartError(f"cannot listen on {listen}: {reason}", hint=hint) from error
    sock.setblocking(False)
    return sock


def _open_unix(path: Path, mode: int) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        # Made with the mode it is to have: a chmod afterwards would leave a moment in between.
        before = os.umask(0o777 & ~mode)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        reason, hint = _why_not(path, error)
        raise StartError(f"cannot listen on unix:{path}: {reason}", hint=hint) from error
    sock.setblocking(False)
    return sock


def _why_not(path: Path, error: OSError) -> tuple[str, str]:
    """What is in the way of a socket's file, and what to do."""
    if error.errno == errno.EADDRINUSE:
        if path.is_socket():
            return "it is in use", f"{_ANOTHER} another path."
        return "there is a file that is no socket", "Remove it, or choose another path."
    hints = {
        errno.ENOENT: f"There is no folder {path.parent}.",
        errno.EACCES: f"{this_user().capitalize()} may not write into {path.parent}.",
        errno.EROFS: f"Nobody can write into {path.parent}.",
    }
    return error.strerror or str(error), hints.get(
        error.errno or 0, "Is the path shorter than 108 bytes?"
    )


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more; one in use is left and bind will say so."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def cannot_listen(host: str, port: int, error: OSError) -> StartError:
    where = f"{bracketed(host)}:{port}"
    hints = {
        errno.EADDRINUSE: f"Another program, perhaps another authproxy, uses port {port}."
        " Choose another one with --listen PORT, or --listen 0 for any free one.",
        errno.EACCES: f"Ports below 1024 need privileges; choose another one than {port}.",
        errno.EADDRNOTAVAIL: f"This machine has no address {host}.",
    }
    if isinstance(error, socket.gaierror):
        hints[error.errno or 0] = f"There is no name {host}. Write HOST:PORT, PORT or unix:PATH."
    hint = hints.get(error.errno or 0, "Write HOST:PORT, PORT, [IPV6]:PORT or unix:PATH.")
    return StartError(f"cannot listen on {where}: {error.strerror or error}", hint=hint)
