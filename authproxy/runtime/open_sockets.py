"""The sockets on which clients connect: which of them stay when the configuration is another.

Whoever answers the clients is a `ClientServer`: this process, or others of ours.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from authproxy.observe.stream import Send
from authproxy.policy.access.client_limits import ClientLimits
from authproxy.runtime.listeners import Gate
from authproxy.runtime.sources import Sources
from authproxy.settings import LimitSettings, ListenerSettings, Settings
from authproxy.system import offers
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.listening.sockets import listener_url, open_listener
from authproxy.wire.listening.tls import Context, ListenerTls
from authproxy.wire.status import PoolStatus, ServerStatus

if TYPE_CHECKING:
    from authproxy.inspector.assembly import Recording
    from authproxy.observe.metrics.exchanges import ExchangeMetrics
    from authproxy.observe.metrics.histogram import Counts

Sockets = Sequence[Sequence[socket.socket]]
"""Of each listener, in the order of the settings."""


class ListeningAt(Protocol):
    """One socket that connections come to."""

    def close(self) -> None:
        """Those who have connected are taken, nobody else. Closes the socket."""

    def release(self) -> object:
        """Take nobody more; the socket goes on listening, for the caller to do with it."""


class ClientServer(Protocol):
    """Common part of both: of `wire.listening.server.ProxyServer`, which answers by this process,
    and of `OtherServers`."""

    @property
    def draining(self) -> bool:
        """No connection is accepted any more."""

    def listen(
        self, sock: socket.socket, rules: ListenerRules, tls: Context | None = None
    ) -> ListeningAt:
        """Take the connections that come to `sock`."""

    def listen_behind(
        self, sock: socket.socket, rules: ListenerRules, tls: Context | None = None
    ) -> ListeningAt:
        """As `listen`, where connections begin with the PROXY protocol's header."""

    def drain(self) -> None:
        """Take no more connections; what is in flight is the last."""

    def cut(self) -> None:
        """Close everything at once."""

    async def shutdown(self, patience_s: float) -> None:
        """Wait `patience_s` seconds for what is in flight, then cut it."""

    def status(self) -> ServerStatus:
        """How it stands at this moment."""


class OtherServers(ClientServer, Protocol):
    """Other processes that answer the clients, as `authproxy.workers.crew.Crew` has them. They use
    the same configuration. Their `status` is the sum of what they have said, without pools."""

    @property
    def serves(self) -> bool:
        """At least one of them takes connections."""

    @property
    def pids(self) -> set[int]:
        """Their processes, those included that have ended and are not waited for."""

    def count_into(self, exchanges: "ExchangeMetrics", lag: "Counts") -> None:
        """Add what they count to these. To be said before they are started."""

    def record_into(self, recording: "Recording") -> None:
        """Have it hear of their exchanges. To be said before they are started."""

    async def refresh(self) -> None:
        """Have them say how they stand. Who does not answer for a second is not waited for."""

    def pool(self, service: str, own: PoolStatus) -> PoolStatus:
        """The sum of their pools for this service. `own` is that of this process, which nobody
        uses."""

    async def start(self, settings: Settings, sockets: Sockets, sources: Sources) -> None:
        """They take connections when this returns; tokens they get of `sources`.

        Raises StartError and ConfigError.
        """

    async def prepare(self, settings: Settings, sockets: Sockets) -> None:
        """Have them build another one, beside what they use. Raises ConfigError."""

    async def switch(self) -> None:
        """Have them use what they have prepared."""

    def drop(self) -> None:
        """What was prepared does not come into use."""

    def leave(self) -> None:
        """They are not ready any more, but still take requests."""

    def reopen_logs(self) -> None:
        """The log file may have been moved away."""

    def client_limits(self, limits: LimitSettings) -> ClientLimits:
        """Counters of clients, for this process, that count with theirs."""

    def whole(self, send: Send) -> Send:
        """`send`, for a log where they write, too: by whole lines."""


Open = Callable[[ListenerSettings, Sequence[socket.socket]], list[socket.socket]]
"""Opens the sockets of a listener, beside those that there are. Raises StartError. May block."""


def open_ours(listener: ListenerSettings, own: Sequence[socket.socket]) -> list[socket.socket]:
    return open_listener(listener.listen, listener.socket_mode, own)


@dataclass(slots=True, eq=False)
class OpenSocket:
    """One that clients connect to, with what connections look into that came by it."""

    sock: socket.socket
    listener: ListenerSettings
    rules: ListenerRules
    listening: ListeningAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Listeners of a configuration, each with its sockets."""

    places: tuple[tuple[ListenerSettings, tuple[socket.socket, ...]], ...]
    new: tuple[socket.socket, ...]
    """Those that were opened for it."""

    @property
    def sockets(self) -> Sockets:
        """Of each listener."""
        return tuple(sockets for _, sockets in self.places)

    def drop(self) -> None:
        """It does not come into use."""
        for sock in self.new:
            sock.close()


class OpenSockets:
    """Listening sockets of one running proxy."""

    def __init__(self, open_new: Open = open_ours) -> None:
        self._open_new = open_new
        self._open: list[OpenSocket] = []
        self._left: WeakKeyDictionary[ListenerRules, ListenerSettings] = WeakKeyDictionary()
        """Of sockets that were closed, while there are connections that came by them."""

    def plan(self, settings: Settings) -> Plan:
        """Opens what is not open yet, beside what is. Raises StartError. May block."""
        places, new = [], list[socket.socket]()
        free = list(self._open)
        try:
            for listener in settings.every_listener:
                at = (each.listener for each in free if each.listener.listen == listener.listen)
                same = next(at, None)  # several may ask for any free port
                sockets = [each.sock for each in free if each.listener is same]
                if not sockets:
                    own = [*(each.sock for each in free), *new]
                    sockets = self._open_new(listener, own)
                    new += [sock for sock in sockets if sock not in own]
                free = [each for each in free if each.sock not in sockets]
                places.append((listener, tuple(sockets)))
        except BaseException:
            for sock in new:
                sock.close()
            raise
        return Plan(places=tuple(places), new=tuple(new))

    def left_by(self, plan: Plan) -> dict[ListenerRules, ListenerSettings]:
        """Rules of those who came by a listener that is no more, or will be no more."""
        planned = {sock for _, sockets in plan.places for sock in sockets}
        gone = {each.rules: each.listener for each in self._open if each.sock not in planned}
        return dict(self._left) | gone

    def use(
        self,
        plan: Plan,
        rules: Sequence[ListenerRules],
        gate: Gate,
        tls: ListenerTls | None,
        server: ClientServer,
    ) -> list[tuple[str, ListenerSettings]]:
        """Listen as planned, by these `rules`, and no more where nothing is planned.

        Returns each listener with its URL.
        """
        before, opened = {each.sock: each for each in self._open}, []
        self._left.update(self.left_by(plan))
        self._open = []
        for (listener, sockets), new in zip(plan.places, rules, strict=True):
            context = _context_of(tls) if listener.listen.path is None else None
            for sock in sockets:
                known = before.pop(sock, None)
                if known is not None:
                    known.listening.release()
                live = gate.put(new, None if known is None else known.rules)
                listen = server.listen_behind if listener.proxy_protocol else server.listen
                self._open.append(OpenSocket(sock, listener, live, listen(sock, live, context)))
                if sock.family != offers.UNIX:
                    gate.opened(live, sock.getsockname()[1])
                elif known is not None and known.listener.socket_mode != listener.socket_mode:
                    _set_mode(listener)
            url = listener_url(listener.listen, sockets[0], tls=context is not None)
            opened.append((url, listener))
        for gone in before.values():
            gone.listening.close()
        return opened

    def __repr__(self) -> str:
        return f"<OpenSockets [{len(self._open)} open, {len(self._left)} left]>"


def _context_of(tls: ListenerTls | None) -> Callable[[], ssl.SSLContext] | None:
    return None if tls is None else lambda: tls.context


def _set_mode(listener: ListenerSettings) -> None:
    path = listener.listen.path
    if path is not None and not listener.listen.is_abstract:
        with contextlib.suppress(OSError):  # somebody has removed it
            path.chmod(listener.socket_mode)
