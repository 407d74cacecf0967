"""The sockets of the admin listener: who connects, how many at once, and for how long.

It shares the loop with all clients, so everything is bounded: connections, heads, bodies and the
time for each. aiohttp closes a connection that does not say anything in IDLE_S.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable, Sequence

from aiohttp import hdrs, web

from authproxy.admin.admin_key import AdminKey
from authproxy.admin.application import DRESS, Application, ReadPeer
from authproxy.admin.guard import AdminAccess, is_here
from authproxy.admin.views import View
from authproxy.policy.access.networks import Address, parse_peer
from authproxy.tasks import Tasks
from authproxy.wire.listening.acceptor import Acceptor
from authproxy.wire.listening.room import Room

logger = logging.getLogger(__name__)

IDLE_S = 15.0
MAX_LINE = 8 * 1024
"""Of a request's first line, and of each field."""
MAX_FIELDS = 64
MAX_CONNECTIONS = 48
"""From this machine; and as many from all others together, so that neither shuts out the other."""
LAST_WORDS_S = 1.0
"""For what is being answered when authproxy ends."""

_LINES = "".join(f"{name}: {value}\r\n" for name, value in DRESS.items())
_REFUSED = (
    "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n"
    "X-Authproxy-Error: {code}\r\n" + _LINES + "Connection: close\r\n\r\n{text}"
)


class AdminListener:
    """Serves views until it is closed."""

    def __init__(
        self,
        views: Iterable[View],
        access: AdminAccess,
        key: AdminKey,
        *,
        read_peer: ReadPeer = parse_peer,
        idle_s: float = IDLE_S,
    ) -> None:
        """`idle_s`: for a request's head to come, the first one's included."""
        self._idle_s = idle_s
        self.key = key
        self._read_peer = read_peer
        self._access = access
        self._runner = web.AppRunner(
            Application(views, access, key, read_peer).app, access_log=None
        )
        self._acceptors: list[Acceptor] = []
        self._arrivals = Tasks()
        self._room = Room(lambda: 0, lambda: None)
        self._open = {True: 0, False: 0}
        """Connections from this machine, and from others."""

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Take what comes to `sockets`, which are the listener's from now on."""
        await self._runner.setup()
        self._acceptors = [Acceptor(sock, self._take, self._room) for sock in sockets]
        for acceptor in self._acceptors:
            acceptor.go_on()

    async def close(self) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        await self._arrivals.cancel()
        if self._runner.server is not None:
            await self._runner.server.shutdown(LAST_WORDS_S)
        await self._runner.cleanup()

    def _take(self, sock: socket.socket, peername: object) -> None:
        self._room.arrived()
        peer = self._read_peer(peername)
        refusal = self._find_refusal(peer)
        if refusal:
            with contextlib.suppress(OSError), sock:
                sock.send(refusal)
            return
        self._arrivals.spawn(self._serve(sock, is_here(peer)), name="admin connection")

    def _find_refusal(self, peer: Address | None) -> bytes:
        if not self._access.lets_in(peer):
            logger.warning("admin listener: %s is not in admin_allow", peer)
            text = "Your address may not use this admin listener.\n"
            return _answer("403 Forbidden", "address_not_allowed", text)
        if self._open[is_here(peer)] >= MAX_CONNECTIONS:
            text = "The admin listener has too many connections.\n"
            return _answer("503 Service Unavailable", "too_many_connections", text)
        return b""

    async def _serve(self, sock: socket.socket, here: bool) -> None:
        def closed() -> None:
            self._open[here] -= 1

        server = self._runner.server
        assert server is not None  # noqa: S101 -- for the type checker: it was set up
        self._open[here] += 1
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Connection(server, closed, self._idle_s), sock
            )
        except BaseException:
            sock.close()
            closed()
            raise

    @property
    def connections(self) -> int:
        return sum(self._open.values())

    def __repr__(self) -> str:
        return f"<AdminListener [{self.connections} connections]>"


class BoundedConnection(web.RequestHandler):
    """Connection of one client to an aiohttp server of ours, with bounds.

    Who derives from it says what is answered to what is no HTTP: by itself aiohttp repeats that in
    the answer and in the log, keys and tokens among it.
    """

    __slots__ = ("_closed",)

    def __init__(
        self,
        server: web.Server,
        closed: Callable[[], None],
        *,
        idle_s: float,
        line_bytes: int,
        fields: int,
        logger: logging.Logger,
    ) -> None:
        """`idle_s`: for a head to come; `line_bytes`: of its first line, and of each field."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=idle_s,
            max_line_size=line_bytes,
            max_field_size=line_bytes,
            max_headers=fields,
            lingering_time=0.0,
            access_log=None,  # type: ignore[arg-type]  # -- None switches it off
            auto_decompress=False,
            logger=logger,
        )
        self._closed = closed

    def connection_lost(self, exc: BaseException | None) -> None:
        self._closed()
        super().connection_lost(exc)


class _Connection(BoundedConnection):
    """One client's, with bounds."""

    __slots__ = ()

    def __init__(self, server: web.Server, closed: Callable[[], None], idle_s: float) -> None:
        super().__init__(
            server,
            closed,
            idle_s=idle_s,
            line_bytes=MAX_LINE,
            fields=MAX_FIELDS,
            logger=logger,
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP: aiohttp would repeat it, with its own name and version."""
        answer = web.Response(status=status, text="This is no request that can be answered.\n")
        answer.headers.update(DRESS)
        answer.headers[hdrs.SERVER] = "authproxy"
        answer.force_close()
        return answer


def _answer(status: str, code: str, text: str) -> bytes:
    return _REFUSED.format(status=status, code=code, length=len(text), text=text).encode()
