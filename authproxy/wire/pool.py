"""The kept-alive connections to one service, and the line of exchanges that wait for one.

An exchange takes an idle connection at once if there is one. Else it stands in line, and a
connection is opened unless enough are on their way already. Whatever becomes free first, a new
connection or one that another exchange gave back, goes to whoever waits longest.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import deque
from typing import Protocol

from authproxy.errors import AuthProxyError, Code, UpstreamError
from authproxy.tasks import Tasks
from authproxy.values import Origin
from authproxy.wire import refusals
from authproxy.wire.service import ServiceConnection

logger = logging.getLogger(__name__)

HAPPY_EYEBALLS_DELAY_S = 0.25  # RFC 8305 8 recommends it
SETTLE_S = 0.5
"""How long connections that are on their way may take when the pool closes, before they are
cancelled: at the wrong moment asyncio's race of addresses would leak the socket that won it."""


class Waiter(Protocol):
    """Stands in line for a connection."""

    def connected(self, connection: ServiceConnection, /) -> None: ...

    def not_connected(self, error: AuthProxyError, /) -> None: ...


class Pool:
    """Opens, lends, takes back and closes connections to one origin."""

    def __init__(
        self,
        origin: Origin,
        *,
        ssl_context: ssl.SSLContext | None,
        limit: int,
        connect_timeout_s: float,
        idle_timeout_s: float,
        head_bytes: int,
        max_headers: int,
    ) -> None:
        self.origin = origin
        self.head_bytes = head_bytes
        self.max_headers = max_headers
        self._ssl = ssl_context
        self._limit = limit
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._idle: deque[ServiceConnection] = deque()
        self._waiting: deque[Waiter] = deque()
        self._connecting = 0
        self._open = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self._tasks = Tasks()
        self._closed = False

    def take(self) -> ServiceConnection | None:
        """An idle connection, the one used last first, so that the others can grow old."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and not connection.transport.is_closing():
                return connection
        return None

    def wait(self, waiter: Waiter) -> None:
        """Stand in line; `waiter` hears `connected` or `not_connected`, as a rule later."""
        if self._closed:
            waiter.not_connected(_shutting_down())
            return
        self._waiting.append(waiter)
        self._open_more()

    def leave(self, waiter: Waiter) -> None:
        """Give up waiting; a connection that is on its way stays for the next one."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def put(self, connection: ServiceConnection) -> None:
        """Take back a connection on which the exchange ended in good order."""
        if self._closed or not connection.usable:
            connection.close()
        elif self._waiting:
            self._waiting.popleft().connected(connection)
        else:
            connection.idle_s = 0.0
            self._idle.append(connection)

    def opened(self) -> None:
        """A connection stands; `lost` is heard for it when it ends."""
        self._open += 1

    def lost(self, connection: ServiceConnection) -> None:
        """A connection ended, or left the pool for a tunnel: there is room for another."""
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_more()

    def tick(self, seconds: float) -> None:
        """Close what has been idle for too long; called now and then."""
        for connection in list(self._idle):
            connection.idle_s += seconds
            if connection.idle_s > self._idle_timeout_s:
                connection.close()

    async def close(self) -> None:
        """Close the idle connections; lent ones close when they come back."""
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._settled.wait()
        await self._tasks.cancel()
        for connection in list(self._idle):
            connection.close()
        while self._waiting:
            self._waiting.popleft().not_connected(_shutting_down())

    def _open_more(self) -> None:
        while (
            self._connecting < len(self._waiting)
            and self._open + self._connecting < self._limit
            and not self._closed
        ):
            self._connecting += 1
            self._settled.clear()
            self._tasks.spawn(self._connect(), name=f"connect to {self.origin}")

    async def _connect(self) -> None:
        try:
            connection = await self._open_connection()
        except UpstreamError as error:
            if self._waiting:
                self._waiting.popleft().not_connected(error)
        else:
            # Nobody waits any more: it will have been idle when somebody takes it.
            connection.reused = not self._waiting
            self.put(connection)
        finally:
            self._connecting -= 1
            if not self._connecting:
                self._settled.set()
            self._open_more()

    async def _open_connection(self) -> ServiceConnection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, connection = await loop.create_connection(
                    lambda: ServiceConnection(self),
                    self.origin.host,
                    self.origin.port,
                    ssl=self._ssl,
                    server_hostname=self.origin.host if self._ssl else None,
                    happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY_S,
                )
        except Exception as error:
            raise _translate(error, self.origin, self._connect_timeout_s) from error
        if not connection.is_usable:
            # Without this word whoever waits would see us connect again and again.
            raise refusals.service_gone("it closed the connection as soon as that stood")
        return connection

    def __repr__(self) -> str:
        busy = self._open - len(self._idle)
        return (
            f"<Pool {self.origin} [{busy} busy, {len(self._idle)} idle,"
            f" {self._connecting} connecting | {len(self._waiting)} waiting]>"
        )


def _shutting_down() -> UpstreamError:
    return UpstreamError("authproxy is shutting down.", code=Code.SHUTTING_DOWN, sent=False)


def _translate(error: Exception, origin: Origin, timeout_s: float) -> UpstreamError:
    """The one place where failures to connect become ours."""
    code = Code.CONNECT_FAILED
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"The certificate of {origin} is not trusted: {error.verify_message}."
        hint = "If the service uses a private CA, name its certificate with --ca-file."
    elif isinstance(error, ssl.SSLError):
        message = f"The TLS handshake with {origin} failed."
        hint = "Is this the right port, and does the service speak TLS on it?"
    elif isinstance(error, TimeoutError):
        code = Code.UPSTREAM_TIMEOUT
        message = f"{origin} did not accept a connection within {timeout_s:g} seconds."
        hint = "Is the address right, and does a firewall or a missing egress route stand between?"
    elif isinstance(error, socket.gaierror | UnicodeError):
        message = f"The host name {origin.host} cannot be resolved."
        hint = "Check the URL for a typo, and the DNS of this machine."
    else:
        message = f"{origin} cannot be reached."
        hint = "Is the service running, and are its address and port right?"
    # aiofastnet's errors of TLS carry no text of their own.
    detail = str(error) or repr(error)
    return UpstreamError(message, code=code, sent=False, hint=hint, detail=detail)
