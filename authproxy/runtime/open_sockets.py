"""The sockets on which clients connect: which of them stay when the configuration is another."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from authproxy.runtime.listeners import Gate
from authproxy.settings import ListenerSettings, Settings
from authproxy.system import offers
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.listening.server import ListeningSocket, ProxyServer
from authproxy.wire.listening.sockets import listener_url, open_listener
from authproxy.wire.listening.tls import ListenerTls


@dataclass(slots=True, eq=False)
class OpenSocket:
    """One that clients connect to, with what connections look into that came by it."""

    sock: socket.socket
    listener: ListenerSettings
    rules: ListenerRules
    listening: ListeningSocket


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Listeners of a configuration, each with its sockets."""

    places: tuple[tuple[ListenerSettings, tuple[socket.socket, ...]], ...]
    new: tuple[socket.socket, ...]
    """Those that were opened for it."""

    def drop(self) -> None:
        """It does not come into use."""
        for sock in self.new:
            sock.close()


class OpenSockets:
    """Listening sockets of one running proxy."""

    def __init__(self) -> None:
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
                    sockets = open_listener(listener.listen, listener.socket_mode, own)
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
        server: ProxyServer,
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
