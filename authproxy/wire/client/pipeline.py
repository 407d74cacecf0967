"""The requests of one connection: whose turn it is, and which were sent ahead (RFC 9112 9.3.2)."""

from collections import deque

from authproxy.wire.client.interfaces import Answered
from authproxy.wire.http1.request_reader import RequestReader
from authproxy.wire.read_holds import QUEUE, ReadHolds
from authproxy.wire.relay.relay import Relay


class Pipeline:
    """Answers go out in the order of the requests, so one is under way at a time.

    While others wait, no more is read.
    """

    __slots__ = ("_holds", "_is_advancing", "_reader", "current", "waiting")

    def __init__(self, reader: RequestReader, holds: ReadHolds) -> None:
        self._reader = reader
        self._holds = holds
        self.current: Relay | None = None
        """Whose turn it is."""
        self.waiting: deque[Relay] = deque()
        self._is_advancing = False

    @property
    def count(self) -> int:
        """Requests that have not ended."""
        return len(self.waiting) + (self.current is not None)

    def add(self, relay: Relay, client: Answered) -> None:
        """Start it, or let it wait for those before it, or for a client that reads nothing."""
        if self.current is None and not self.waiting and not client.is_congested:
            self.current = relay
            relay.start()
        else:
            self.waiting.append(relay)
            self._reader.waiting = len(self.waiting)
            self._holds.set(QUEUE, True)

    def advance(self, client: Answered) -> None:
        """Start what waits. A loop: a thousand refusals in a row must not recurse."""
        if self._is_advancing:
            return
        self._is_advancing = True
        while self.current is None and self.waiting and not client.is_congested:
            relay = self.current = self.waiting.popleft()
            if not self.waiting:
                self._holds.set(QUEUE, False)
            relay.start()
            if not self.waiting:
                self._reader.go_on()
            if self.current is not None:
                self.current.flush()
        self._is_advancing = False

    def leave(self) -> list[Relay]:
        """The client is gone; those that have not ended, in order."""
        relays = [*([self.current] if self.current else []), *self.waiting]
        self.current, self.waiting = None, deque()
        return relays

    def __repr__(self) -> str:
        return f"<Pipeline [{self.current or 'idle'}, {len(self.waiting)} queued]>"
