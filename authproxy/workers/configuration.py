"""A configuration on its way from the parent to a worker, with its listening sockets."""

import base64
import pickle
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from authproxy.errors import ConfigError, Problem
from authproxy.reporting import AuthorizerSettings
from authproxy.runtime.open_sockets import Sockets
from authproxy.settings import ListenerSettings, Settings
from authproxy.workers.common_memory import DESCRIPTORS
from authproxy.workers.worker_channel import MAX_DESCRIPTORS, Message

MAX_SOCKETS = MAX_DESCRIPTORS - DESCRIPTORS
"""Memory that all have comes by the same message, at a worker's start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One, with the sockets of each listener, as the parent has them."""

    settings: Settings
    sockets: Sockets

    def message(self) -> Message:
        # Only the parent says this, and only to a process that it has started. It answers for the
        # authorizer itself.
        theirs = self.settings.model_copy(update={"authorizer": AuthorizerSettings()})
        settings = base64.b64encode(pickle.dumps(theirs)).decode()
        counts = [len(each) for each in self.sockets]
        return {"settings": settings, "sockets": counts}

    @property
    def descriptors(self) -> list[int]:
        """They go with the message."""
        return [sock.fileno() for sockets in self.sockets for sock in sockets]

    def check(self) -> None:
        """Raises ConfigError."""
        count = len(self.descriptors)
        if count > MAX_SOCKETS:
            message = (
                f"there are {count} listening sockets, and with workers there can be"
                f" {MAX_SOCKETS}; use fewer listeners, or workers = 1"
            )
            raise ConfigError([Problem(where="configuration", key="workers", message=message)])


class GivenSockets:
    """The same in the worker: `open` gives each listener the sockets that came for it."""

    def __init__(self) -> None:
        self._given: list[tuple[ListenerSettings, list[socket.socket]]] = []

    def take(self, message: Message, descriptors: Sequence[int]) -> Settings:
        """What came. Closes what was left of the time before."""
        self.close()
        settings: Settings = pickle.loads(base64.b64decode(message["settings"]))  # noqa: S301 -- from our parent
        rest = iter(descriptors)
        for listener, count in zip(settings.every_listener, message["sockets"], strict=True):
            sockets = [socket.socket(fileno=next(rest)) for _ in range(count)]
            for sock in sockets:
                sock.setblocking(False)
                sock.set_inheritable(False)
            self._given.append((listener, sockets))
        return settings

    def open(self, listener: ListenerSettings, own: Sequence[socket.socket]) -> list[socket.socket]:
        """The ones that came for this address, and are not among our `own` yet."""
        known = {sock.getsockname(): sock for sock in own}
        same = [each for each in self._given if each[0].listen == listener.listen]
        new = (each for each in same if each[1][0].getsockname() not in known)
        found = next(new, None)
        if found is None:  # several listeners at one Unix socket
            return [known[sock.getsockname()] for sock in same[0][1]]
        self._given.remove(found)
        return found[1]

    def close(self) -> None:
        """Those that nobody has asked for: they are open already."""
        for _, sockets in self._given:
            for sock in sockets:
                sock.close()
        self._given.clear()

    def __repr__(self) -> str:
        return f"<GivenSockets [{len(self._given)} listeners]>"
