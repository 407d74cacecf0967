"""The server behind the listening sockets: makes client connections and ends them."""

import asyncio
import contextlib
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from authproxy.exchange import Observer
from authproxy.policy.access.client_limits import ConnectionCounts
from authproxy.policy.access.networks import Address
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.tasks import Tasks
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.client.connection import ClientConnection
from authproxy.wire.interfaces import OpenConnection
from authproxy.wire.listening.acceptor import Acceptor
from authproxy.wire.listening.room import Room, count_open_files, file_limit
from authproxy.wire.listening.tls import Context
from authproxy.wire.listening.without_tls import WrongPorts, lacks_tls, meet
from authproxy.wire.loops import Loops
from authproxy.wire.recorder import Recorder
from authproxy.wire.relay.hints import Explainer
from authproxy.wire.status import Kind, ServerStatus
from authproxy.wire.upstream.pool import Pool
from authproxy.wire.upstream.pools import Pools

if TYPE_CHECKING:
    from authproxy.wire.listening.proxy_protocol import Door

logger = logging.getLogger(__name__)

LONGEST_TICK_S = 1.0
DRAIN_TICK_S = 0.1
"""How often what is still open is asked to end."""
MAKE_ROOM_AFTER_S = 1.0
"""A client that has been idle for so long may be sent away for another one."""
ARRIVE_S = 1.0
"""At the end, for connections that are accepted, but still in their handshake."""
LAST_WORDS_S = 0.4
"""For what is said to those whose time is up."""
CUT_S = 0.4
"""How long connections that were cut have to say that they are lost, so that observers hear it."""


class ListeningSocket:
    """One socket that connections come to."""

    def __init__(self, acceptor: Acceptor, among: list["ListeningSocket"]) -> None:
        self._acceptor = acceptor
        self._among = among

    def close(self) -> None:
        """Those who have connected are taken, nobody else. Closes the socket."""
        self._leave()
        self._acceptor.close()

    def release(self) -> socket.socket:
        """Take nobody more; the socket goes on listening, for the caller to do with it."""
        self._leave()
        return self._acceptor.release()

    def _leave(self) -> None:
        if self in self._among:
            self._among.remove(self)

    def __repr__(self) -> str:
        return f"<ListeningSocket {self._acceptor!r}>"


class ProxyServer:
    """All client connections of one process, whatever listener they came in by."""

    def __init__(
        self,
        *,
        observers: Sequence[Observer],
        limits: LimitSettings,
        timeouts: TimeoutSettings,
        pools: Sequence[Pool],
        counts: ConnectionCounts,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`counts`: says which client has one connection too many; `now`: Google's time."""
        self.limits = limits
        self.timeouts = timeouts
        self._listening: list[ListeningSocket] = []
        self._connections: dict[OpenConnection, Address | None] = {}
        self._counts = counts
        self._none_open = asyncio.Event()
        self._none_open.set()
        self.draining = False
        self.tasks = Tasks()
        self.recorder = Recorder(observers)
        self.loops = Loops()
        self._pools = Pools(self.loops, self._close_idle_service_connection)
        self._pools.use(pools)
        self.room = Room(lambda: len(self._connections), self._send_idle_away)
        self._arrivals = Tasks()
        self._doors: list[Door] = []
        """Of the PROXY protocol, those included that let nobody in any more."""
        self.explainer = Explainer(now=now)
        self.wrong_ports = WrongPorts()

    def use(self, limits: LimitSettings, timeouts: TimeoutSettings, pools: Sequence[Pool]) -> None:
        """Another configuration: new connections are bounded by `limits`, and `pools` are those of
        its services. What is under way ends as it began."""
        self.limits, self.timeouts = limits, timeouts
        self._pools.use(pools)

    def find_room(self) -> None:
        """Let in as many as there are descriptors for. Raises StartError where that is nobody."""
        self.room.fit(file_limit(), count_open_files())

    def listen(
        self, sock: socket.socket, rules: ListenerRules, tls: Context | None = None
    ) -> ListeningSocket:
        """Take the connections that come to `sock`, which is the server's from now on.

        To end that for this socket alone, close what is returned; connections that came by it stay.
        """

        def take(client: socket.socket, _peername: object) -> None:
            self._arrivals.spawn(self._arrive(client, rules, tls), name="new connection")

        acceptor = Acceptor(sock, take, self.room)
        acceptor.go_on()
        return self._until_closed(acceptor)

    async def _arrive(self, sock: socket.socket, rules: ListenerRules, tls: Context | None) -> None:
        patience_s = self.timeouts.head if tls is not None else None
        try:
            with contextlib.suppress(OSError, MemoryError):  # a failed handshake is the client's
                is_plain = tls is not None and await lacks_tls(sock, self.timeouts.head)
                if is_plain:
                    self.wrong_ports.note_without_tls(sock)
                    tls = patience_s = None
                how = partial(meet, rules=rules, loops=self.loops, lacks_tls=is_plain)
                with self.room.handshake() if tls is not None else contextlib.nullcontext():
                    await asyncio.get_running_loop().connect_accepted_socket(
                        partial(ClientConnection, self, how),
                        sock,
                        ssl=tls() if tls is not None else None,
                        ssl_handshake_timeout=patience_s,
                    )
                return
            sock.close()
        except asyncio.CancelledError:
            sock.close()
            raise
        finally:
            self.room.arrived()

    def listen_behind(
        self, sock: socket.socket, rules: ListenerRules, tls: Context | None = None
    ) -> ListeningSocket:
        """As `listen`, for a socket whose connections begin with the PROXY protocol's header."""
        from authproxy.wire.listening.proxy_protocol import open_door  # few listeners do

        def accept(client: Address, lacks_tls: bool, *, is_proxy: bool = False) -> ClientConnection:
            if lacks_tls:
                self.wrong_ports.note_without_tls(sock)
            how = partial(meet, rules=rules, loops=self.loops, client=client)
            how = partial(how, lacks_tls=lacks_tls, is_proxy=is_proxy)
            return ClientConnection(self, how)

        door = open_door(
            sock,
            factory=accept,
            for_itself=partial(accept, is_proxy=True),
            context=tls,
            trusted=rules.trusted,
            deadline_s=self.timeouts.head,
            room=self.room,
        )
        self._doors = [each for each in self._doors if not each.is_empty]
        self._doors.append(door)
        return self._until_closed(door.acceptor)

    def _until_closed(self, acceptor: Acceptor) -> ListeningSocket:
        listening = ListeningSocket(acceptor, self._listening)
        self._listening.append(listening)
        return listening

    def opened(self, connection: OpenConnection, client: Address | None) -> str | None:
        """Something open; why it is one too many, if it is, for the log."""
        self._connections[connection] = client
        self._none_open.clear()
        return self._counts.opened(client)

    def closed(self, connection: OpenConnection) -> None:
        if connection in self._connections:
            self._counts.closed(self._connections.pop(connection))
        if not self._connections:
            self._none_open.set()
        if self.room.is_awaited:
            self.room.freed()

    def tick(self, seconds: float) -> None:
        """Let everything open know that time passed: one timer for all, none per request."""
        for connection in list(self._connections):
            connection.tick(seconds, self.timeouts)
        self._pools.tick(seconds)
        if self.room.is_awaited:
            self.room.freed()

    async def keep_ticking(self) -> None:
        """Tick until cancelled, often enough for the shortest timeout."""
        before = time.monotonic()
        while True:
            own = self.timeouts
            shortest_s = min(own.head, own.keep_alive, own.first_byte, own.stream_idle)
            await asyncio.sleep(min(LONGEST_TICK_S, min(shortest_s, self._pools.shortest_s) / 4))
            now = time.monotonic()
            try:
                self.tick(now - before)
            except Exception:
                logger.exception("the check for timeouts failed")
            before = now

    @property
    def in_flight(self) -> int:
        return sum(connection.in_flight for connection in self._connections)

    def drain(self) -> None:
        """Take no more connections; what is in flight is the last on those there are."""
        self.draining = True
        for listening in list(self._listening):
            listening.close()
        for connection in list(self._connections):
            connection.drain()

    def cut(self) -> None:
        """Close everything at once."""
        for connection in list(self._connections):
            connection.cut()

    async def _let_in(self) -> None:
        """Those who have connected may have asked already; but they must be quick."""
        doors, self._doors = self._doors, []
        waits = [each.settle(ARRIVE_S) for each in doors]
        await asyncio.gather(self._arrivals.settle(ARRIVE_S), *waits)
        await asyncio.gather(self._arrivals.cancel(), *(each.close() for each in doors))

    async def shutdown(self, patience_s: float) -> None:
        """Wait `patience_s` seconds for what is in flight, then cut it."""
        self.drain()
        await self._let_in()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._wind_down()
        for connection in list(self._connections):
            connection.time_is_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._wind_down()
        self.cut()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CUT_S):
                await self._none_open.wait()
        await self.tasks.cancel()
        await self._pools.close()

    async def _wind_down(self) -> None:
        """Ask those that are open to end, until none is."""
        before = time.monotonic()
        while self._connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_TICK_S):
                    await self._none_open.wait()
            now = time.monotonic()
            self.tick(now - before)
            before = now
            self.drain()

    def _send_idle_away(self) -> None:
        """Close the connections that have been idle for longest, so that others come in."""
        idle = [each for each in self._connections if each.idle_s > MAKE_ROOM_AFTER_S]
        idle.sort(key=lambda each: each.idle_s, reverse=True)
        for connection in idle[: 1 + len(idle) // 4]:
            connection.drain()

    def _close_idle_service_connection(self) -> None:
        """There are no more of them than there may be clients."""
        most = self.room.most
        if most is not None and self._pools.open_count >= most:
            self._pools.close_idlest()

    @property
    def connections(self) -> tuple[OpenConnection, ...]:
        """What is open, oldest first."""
        return tuple(self._connections)

    def status(self) -> ServerStatus:
        """How it stands at this moment, its pools included."""
        kinds: Counter[Kind] = Counter()
        exchanges: Counter[Kind] = Counter()
        for connection in self._connections:
            kinds[connection.kind] += 1
            exchanges[connection.kind] += connection.in_flight
        return ServerStatus(
            http1=kinds["http1"],
            http2=kinds["http2"],
            tunnels=kinds["tunnel"],
            arriving=self.room.arriving,
            most=self.room.most,
            accepted=self.room.accepted,
            handshakes=self.room.handshakes,
            handshakes_failed=self.room.handshakes_failed,
            exchanges=exchanges.total(),
            streams=exchanges["http2"],
            begun=self.recorder.begun,
            draining=self.draining,
            pools=tuple(pool.status() for pool in self._pools.current),
        )

    def __repr__(self) -> str:
        state = "draining" if self.draining else "serving"
        return f"<ProxyServer [{state}, {len(self._connections)} connections]>"
