"""The requests of one connection: whose turn it is, and which were sent ahead (RFC 9112 9.3.2)."""

from collections import deque
from typing import Generic, Protocol, TypeVar

from authproxy.wire.client.interfaces import Answered
from authproxy.wire.http1.request_reader import RequestReader
from authproxy.wire.read_holds import QUEUE, ReadHolds


class Queued(Protocol):
    """A request that is answered when it is its turn."""

    def start(self) -> None:
        """It is."""

    def flush(self) -> None:
        """Send what has been written for it."""


Request = TypeVar("Request", bound=Queued)


class Pipeline(Generic[Request]):
    """Answers go out in the order of the requests, so one is under way at a time.

    While others wait, no more is read.
    """

    __slots__ = ("_holds", "_is_advancing", "_reader", "current", "waiting")

    def __init__(self, reader: RequestReader, holds: ReadHolds) -> None:
        self._reader = reader
        self._holds = holds
        self.current: Request | None = None
        """Whose turn it is."""
        self.waiting: deque[Request] = deque()
        self._is_advancing = False

    @property
    def count(self) -> int:
        """Requests that have not ended."""
        return len(self.waiting) + (self.current is not None)

    def add(self, request: Request, client: Answered) -> None:
        """Start it, or let it wait for those before it, or for a client that reads nothing."""
        if self.current is None and not self.waiting and not client.is_congested:
            self.current = request
            request.start()
        else:
            self.waiting.append(request)
            self._reader.waiting = len(self.waiting)
            self._holds.set(QUEUE, True)

    def advance(self, client: Answered) -> None:
        """Start what waits. A loop: a thousand refusals in a row must not recurse."""
        if self._is_advancing:
            return
        self._is_advancing = True
        while self.current is None and self.waiting and not client.is_congested:
            self._start(self.waiting.popleft())
            self._flush()
        self._is_advancing = False

    def _start(self, request: Request) -> None:
        """Start the one that has waited longest, and read on if it was the last."""
        self.current = request
        if not self.waiting:
            self._holds.set(QUEUE, False)
        request.start()
        if not self.waiting:
            self._reader.go_on()

    def _flush(self) -> None:
        if self.current is not None:
            self.current.flush()

    def leave(self) -> list[Request]:
        """The client is gone; those that have not ended, in order."""
        left = [*([self.current] if self.current is not None else []), *self.waiting]
        self.current, self.waiting = None, deque()
        return left

    def __repr__(self) -> str:
        return f"<Pipeline [{self.current or 'idle'}, {len(self.waiting)} queued]>"
