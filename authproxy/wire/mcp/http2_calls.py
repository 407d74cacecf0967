"""MCP over HTTP/2: which request a stream carries, and whether its events brought the response.

Frames pass as they came, so what is said in a stream is known only where somebody listens: here,
from the head on, to requests of that form, and to events that answer them.
"""

from collections.abc import Callable
from enum import Enum, auto

from authproxy.errors import AuthProxyError
from authproxy.exchange import Exchange
from authproxy.policy.mcp.forms import Form
from authproxy.policy.mcp.jsonrpc import MAX_BYTES, RpcBody
from authproxy.policy.mcp.response_watch import ResponseWatch
from authproxy.wire.http2.framing.frames import DATA, END_STREAM, frame
from authproxy.wire.http2.framing.scanner import Scanner
from authproxy.wire.mcp.frame_contents import FrameContents
from authproxy.wire.mcp.refusing import NOT_WAITED_WITH, WAIT_S, asked_in
from authproxy.wire.mcp_replies import Telling


class WaitState(Enum):
    """The end of the wait for the rest of a request, by its reason."""

    WHOLE = auto()
    """It has come."""
    LONG_ENOUGH = auto()
    """It is too large, or too slow, or there is no time left."""
    TAKEN_BACK = auto()
    """The client wants no answer any more."""


MAX_WAITING = 64
"""Answers of one connection that wait for their request; one more goes out at once."""
MAX_KEPT = 1024 * 1024
"""Bytes of one connection's requests that are kept at a time."""


class KeptRequest:
    """The body of one request, as far as it is kept."""

    __slots__ = ("_owner", "is_ended", "is_whole", "pieces", "size", "then", "waited_s")

    def __init__(self, owner: "McpCalls") -> None:
        self._owner = owner
        self.pieces: list[bytes] = []
        self.size = 0
        self.is_whole = True
        """Nothing of it has been given up."""
        self.is_ended = False
        self.then: Callable[[WaitState], None] | None = None
        """Hears that nothing more is waited for."""
        self.waited_s = 0.0

    def add(self, data: bytes) -> None:
        if not self.is_whole:
            return
        self.size += len(data)
        self._owner.kept_bytes += len(data)
        self.pieces.append(data)
        if self.size > MAX_BYTES or self._owner.kept_bytes > MAX_KEPT:
            self.give_up()
            self.go_on(WaitState.LONG_ENOUGH)

    def complete(self) -> None:
        self.is_ended = True
        self.go_on(WaitState.WHOLE)

    def cancel(self) -> None:
        self.go_on(WaitState.TAKEN_BACK)

    def give_up(self) -> None:
        """Keep nothing more of it."""
        self._owner.kept_bytes -= sum(map(len, self.pieces))
        self.is_whole, self.pieces = False, []

    def go_on(self, how: WaitState) -> None:
        """Whoever waits for it need not any more."""
        then, self.then = self.then, None
        if then is not None:
            then(how)


class WatchedEvents:
    """The events that answer one request."""

    __slots__ = ("listens", "watch")

    def __init__(self, asked: RpcBody) -> None:
        self.watch = ResponseWatch(asked.ids)
        self.listens = asked.listens

    def add(self, data: bytes) -> None:
        self.watch.feed(data)

    def complete(self) -> None:
        """Nothing: whoever wants to say something has done so before."""

    cancel = complete


class McpCalls:
    """MCP calls of one connection, which may have none of them."""

    __slots__ = ("_answers", "_down", "_events", "_requests", "_up", "kept", "kept_bytes")

    _up: Scanner
    _down: Scanner

    def __init__(self) -> None:
        self._requests: FrameContents | None = None
        self._answers: FrameContents | None = None
        self.kept: dict[int, KeptRequest] = {}
        """By stream; of most connections always empty."""
        self._events: dict[int, WatchedEvents] = {}
        self.kept_bytes = 0

    def attach(self, up: Scanner, down: Scanner) -> None:
        """`up`: what comes from the client; `down`: from the service."""
        self._up, self._down = up, down

    def expect(self, stream_id: int) -> None:
        """The request that has just begun may be one of them."""
        kept = self.kept[stream_id] = KeptRequest(self)
        self._requests = self._requests or FrameContents(self._up)
        self._requests.expect(stream_id, kept)

    # Answers of ours.

    def wait(
        self,
        stream_id: int,
        form: Form | None,
        error: AuthProxyError,
        then: Callable[[WaitState], None],
    ) -> bool:
        """Shall `error` wait for the rest of the request? If so, `then` is called once."""
        kept = self.kept.get(stream_id)
        if kept is None or form is not Form.CALL or error.code in NOT_WAITED_WITH:
            return False
        if kept.is_ended or not kept.is_whole or len(self._waiting()) >= MAX_WAITING:
            return False
        kept.then = then
        return True

    @property
    def is_waiting(self) -> bool:
        """An answer of ours waits for the rest of its request."""
        return bool(self._waiting())

    def tick(self, seconds: float) -> None:
        """Time passed: whoever has waited too long waits no more."""
        for kept in self._waiting():
            kept.waited_s += seconds
            if kept.waited_s > WAIT_S:
                kept.go_on(WaitState.LONG_ENOUGH)

    def end_waits(self, how: WaitState) -> None:
        """Nobody waits any more."""
        for kept in self._waiting():
            kept.go_on(how)

    def _waiting(self) -> list[KeptRequest]:
        return [each for each in self.kept.values() if each.then is not None]

    def telling(self, exchange: Exchange, stream_id: int, form: Form | None) -> Telling | None:
        """How a client is to be told of a refusal; None: as everybody."""
        if form is None:
            return None
        asked = self._asked(exchange, stream_id) if form is Form.CALL else RpcBody()
        return None if asked is None else Telling(form=form, asked=asked)

    def _asked(self, exchange: Exchange, stream_id: int) -> RpcBody | None:
        kept = self.kept.get(stream_id)
        if kept is None or not (kept.is_ended and kept.is_whole):
            return RpcBody()
        return asked_in(exchange.head, kept.pieces)

    # Answers of the service's.

    def follow(self, exchange: Exchange, stream_id: int) -> None:
        """The answer to this request is a stream of events."""
        asked = self._asked(exchange, stream_id) if stream_id in self.kept else None
        if asked is None or not asked.ids:
            return
        self._answers = self._answers or FrameContents(self._down)
        events = self._events[stream_id] = WatchedEvents(asked)
        self._answers.expect(stream_id, events)

    def last_events(
        self, stream_id: int, error: AuthProxyError, exchange: Exchange, *, room: int
    ) -> tuple[bytes, int]:
        """Frames that end a stream of events with `error`, and the bytes of their content; nothing
        where that cannot be said, or need not be. `room`: for so many bytes the client has some.
        """
        events = self._events.get(stream_id)
        if events is None or not events.watch.wants_error:
            return b"", 0
        said = events.watch.errors(error, exchange.request_id)
        if len(said) > room:
            return b"", 0
        return frame(DATA, END_STREAM, stream_id, said), len(said)

    def listens(self, stream_id: int) -> bool:
        """It only waits for events, and is between two of them."""
        events = self._events.get(stream_id)
        return events is not None and events.listens and events.watch.wants_error

    def drop(self, stream_id: int) -> None:
        """The stream is over."""
        kept = self.kept.pop(stream_id, None)
        if kept is not None and self._requests is not None:
            kept.give_up()
            self._requests.drop(stream_id)
        if self._events.pop(stream_id, None) is not None and self._answers is not None:
            self._answers.drop(stream_id)

    def __repr__(self) -> str:
        return f"<McpCalls [{len(self.kept)} requests, {self.kept_bytes} bytes]>"
