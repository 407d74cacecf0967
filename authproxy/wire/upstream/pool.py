"""The kept-alive connections to one service, and the line of exchanges that wait for one.

An exchange takes an idle connection at once if there is one. Else it stands in line, and a
connection is opened unless enough are on their way already. Whatever becomes free first, a new
connection or one that another exchange gave back, goes to whoever waits longest.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from authproxy.errors import AuthProxyError, UpstreamError
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.tasks import Tasks
from authproxy.wire import refusals
from authproxy.wire.loops import Loops
from authproxy.wire.status import PoolStatus
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.connector import Connector

logger = logging.getLogger(__name__)

SETTLE_S = 0.25
"""How long connections that are on their way may take when the pool closes, before they are
cancelled: a handshake that breaks off is an error in the service's log."""


class Waiter(Protocol):
    """Waits in the pool's queue for a connection."""

    def connected(self, connection: ServiceConnection, /) -> None:
        """Its turn: `connection` is open, and its own until it is put back or closed. Called at
        most once, on the loop, and never together with `not_connected`."""

    def not_connected(self, error: AuthProxyError, /) -> None:
        """No connection could be opened, or the pool closes, for a reason that clients may be
        told; it is out of the queue."""


@dataclass(slots=True)
class Tries:
    """Counts of tries to open a connection, since the start."""

    opened: int = 0
    failed: int = 0


class Pool:
    """Opens, lends, takes back and closes connections to one origin."""

    def __init__(
        self, connector: Connector, *, limits: LimitSettings, timeouts: TimeoutSettings
    ) -> None:
        self.connector = connector
        self.origin = connector.origin
        self.limits = limits
        self.timeouts = timeouts
        self._idle: dict[ServiceConnection, float] = {}
        """Those that rest and since when, by `_now`; the first has rested longest."""
        self._waiting: OrderedDict[Waiter, None] = OrderedDict()
        self._now = 0.0
        """Seconds, by the ticks."""
        self._connecting = 0
        self._open = 0
        self._tries = Tries()
        self.http2_tries = Tries()
        """Of connections that the pool does not lend; whoever opens them counts."""
        self._waits = 0
        self.loops = Loops()
        self._settled = asyncio.Event()
        self._settled.set()
        self._tasks = Tasks()
        self.beside = Tasks()
        """For those who open connections to the service that the pool does not lend, as for HTTP/2:
        they settle and end with it."""
        self._state: Literal["open", "retired", "closed"] = "open"
        self.before_opening: Callable[[], None] = lambda: None
        """Called before each connection that is opened: there may be too many elsewhere."""

    def lead_to(self, connector: Connector) -> None:
        """Another origin, while no connection was ever asked for."""
        self.connector = connector
        self.origin = connector.origin

    def take(self) -> ServiceConnection | None:
        """An idle connection, the one used last first, so that the others can grow old."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable and not connection.transport.is_closing():
                return connection
        return None

    def wait(self, waiter: Waiter) -> None:
        """Stand in line; `waiter` hears `connected` or `not_connected`, as a rule later."""
        if self._state == "closed":
            waiter.not_connected(refusals.shutting_down())
            return
        self._waits += 1
        self._waiting[waiter] = None
        self._open_more()

    def warm(self) -> None:
        """Open a connection before anybody wants one, if there is none yet."""
        if not (self._state != "open" or self._open or self._connecting):
            self._open_another()

    def leave(self, waiter: Waiter) -> None:
        """Give up waiting; a connection that is on its way stays for the next one."""
        self._waiting.pop(waiter, None)

    def put(self, connection: ServiceConnection) -> None:
        """Take back a connection on which the exchange ended in good order."""
        if self._state == "closed" or not connection.usable:
            connection.close()
        elif self._waiting:
            self._first_in_line().connected(connection)
        elif self._state == "retired":
            connection.close()
        else:
            self._idle[connection] = self._now

    def opened(self, connection: ServiceConnection) -> None:
        """A connection stands; `lost` is heard for it when it ends."""
        self._open += 1
        self._tries.opened += 1
        if self.connector.egress is None:
            connection.is_here = self.loops.opened(connection.transport)

    def lost(self, connection: ServiceConnection) -> None:
        """A connection ended, or left the pool for a tunnel: there is room for another."""
        self._open -= 1
        if connection.is_here:
            self.loops.closed(connection.transport)
        self._idle.pop(connection, None)
        self._open_more()

    def tick(self, seconds: float) -> None:
        """Close what has been idle for too long; called now and then."""
        self._now += seconds
        overdue = []
        for connection, since in self._idle.items():
            if self._now - since <= self.timeouts.service_keep_alive:
                break
            overdue.append(connection)
        for connection in overdue:
            connection.close()

    @property
    def open_count(self) -> int:
        """Connections that stand or are on their way."""
        return self._open + self._connecting

    @property
    def idle_count(self) -> int:
        return len(self._idle)

    def close_idlest(self) -> None:
        """Close the one that has rested longest, if any does; its descriptor is free at once."""
        for connection in self._idle:
            connection.abandon()
            return

    def retire(self) -> None:
        """The service is no more, or is reached in another way: keep nothing that nobody uses.

        Who holds the pool can go on using it, and who waits is served.
        """
        self._state = "retired"
        for connection in list(self._idle):
            connection.close()

    @property
    def is_in_use(self) -> bool:
        """Somebody has, waits for or opens a connection."""
        return bool(self._open or self._connecting or self._waiting or self.beside)

    async def close(self) -> None:
        """Close the idle connections; lent ones close when they come back."""
        self._state = "closed"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await asyncio.gather(self._settled.wait(), self.beside.settle(SETTLE_S))
        await self._tasks.cancel()
        await self.beside.cancel()
        for connection in list(self._idle):
            connection.close()
        while self._waiting:
            self._first_in_line().not_connected(refusals.shutting_down())

    def _open_more(self) -> None:
        while (
            self._connecting < len(self._waiting)
            and self._open + self._connecting < self.limits.connections_per_service
            and self._state != "closed"
        ):
            self._open_another()

    def _open_another(self) -> None:
        self.before_opening()
        self._connecting += 1
        self._settled.clear()
        self._tasks.spawn(self._connect(), name=f"connect to {self.origin}")

    def _first_in_line(self) -> Waiter:
        return self._waiting.popitem(last=False)[0]

    async def _connect(self) -> None:
        try:
            connection = await self._open_connection()
        except UpstreamError as error:
            self._tries.failed += 1
            if self._waiting:
                self._first_in_line().not_connected(error)
            else:
                logger.info("cannot connect yet: %s (%s)", error, error.detail)
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
        connection, opening = await self.connector.open_timed(lambda: ServiceConnection(self))
        connection.opening = opening
        if not connection.is_usable:
            # Without this word whoever waits would see us connect again and again.
            raise connection.early_error or refusals.closed_early()
        return connection

    def status(self) -> PoolStatus:
        """How it stands at this moment."""
        return PoolStatus(
            origin=str(self.origin),
            connecting=self._connecting,
            open=self._open,
            idle=len(self._idle),
            waiting=len(self._waiting),
            limit=self.limits.connections_per_service,
            opened=self._tries.opened,
            failed=self._tries.failed,
            http2_opened=self.http2_tries.opened,
            http2_failed=self.http2_tries.failed,
            waits=self._waits,
        )

    def __repr__(self) -> str:
        now = self.status()
        return (
            f"<Pool {now.origin} [{now.busy} busy, {now.idle} idle,"
            f" {now.connecting} connecting | {now.waiting} waiting]>"
        )
