"""Tells observers of calls, at the right moment; used when one of them asks.

Frames are looked at before they have come in whole. So a call can be over, as far as the record
goes, while the last of its content still passes; and it can be on its way before there is a
connection. What is told waits for that.
"""

from collections.abc import Callable, Iterable, Mapping

from authproxy.errors import AuthProxyError
from authproxy.exchange import Exchange, Field, ResponseHead, SentHead, make_field, read_fields
from authproxy.policy.messages.http2.call import Pair
from authproxy.times import Opening
from authproxy.wire.http2.framing.scanner import Receiver, Scanner
from authproxy.wire.http2.headers.response_blocks import ResponseBlock
from authproxy.wire.http2.streams import Stream
from authproxy.wire.mcp_replies import Telling
from authproxy.wire.recorder import Recorder
from authproxy.wire.replies import answer


class Teller:
    """For one connection."""

    def __init__(self, recorder: Recorder, streams: Mapping[int, Stream]) -> None:
        """`streams`: the open calls."""
        self._recorder = recorder
        self._streams = streams
        self._is_connected = False
        self._unsent: dict[Exchange, SentHead] = {}
        """Heads that wait for the connection."""
        self._over: dict[Exchange, tuple[int, int]] = {}
        """Calls that have ended, but for content that still passes; with the bytes of it."""
        self.hears_answers = bool(recorder.heads or recorder.trailers)
        """Somebody asks for what `answer_block` tells."""
        self.up = Content(recorder.request_piece, self._passed) if recorder.request_pieces else None
        self.down = Content(recorder.answer_piece, self._passed) if recorder.answer_pieces else None

    def sent(self, exchange: Exchange, sent: SentHead) -> None:
        """Its head was written."""
        if self._is_connected:
            self._recorder.head_sent(exchange, sent._replace(at_s=exchange.sent_s))
        else:
            self._unsent[exchange] = sent

    def connected(self, opening: Opening) -> None:
        """What was written goes out now."""
        self._is_connected = True
        unsent, self._unsent = self._unsent, {}
        for exchange, sent in unsent.items():
            self._recorder.head_sent(exchange, sent._replace(opening=opening, at_s=exchange.sent_s))

    def answer_block(
        self, exchange: Exchange, parsed: ResponseBlock, sent: Iterable[Pair], max_bytes: int
    ) -> None:
        """A head, or trailers, as they came and as they were `sent` on."""
        recorder = self._recorder
        if parsed.status >= 200 and recorder.heads:
            came = response_head(parsed.status, parsed.pairs, max_bytes=max_bytes)
            written = response_head(parsed.status, sent, max_bytes=max_bytes)
            recorder.answer_head(exchange, came, written)
        elif not parsed.status and recorder.trailers:
            trailers = response_head(0, parsed.pairs, max_bytes=max_bytes)
            recorder.answer_trailers(exchange, trailers.headers)

    def ended(self, exchange: Exchange, from_client: int, to_client: int) -> None:
        """As `Recorder.ended`."""
        if self._unsent:
            self._unsent.pop(exchange, None)
        if (self.up is not None or self.down is not None) and self._is_passing(exchange):
            self._over[exchange] = from_client, to_client
        else:
            self._recorder.ended(exchange, from_client, to_client)

    def closed(self) -> None:
        """Nothing more will pass."""
        over, self._over = self._over, {}
        for exchange, counted in over.items():
            self._recorder.ended(exchange, *counted)

    def listen(self, up: Scanner, down: Scanner) -> None:
        """Hear what these let pass, from the client and from the service."""
        for scanner, content in ((up, self.up), (down, self.down)):
            if content is not None:
                scanner.content = content
                scanner.receiver = _Announcing(scanner.receiver, self._streams, content)

    def _is_passing(self, exchange: Exchange) -> bool:
        return any(way is not None and way.exchange is exchange for way in (self.up, self.down))

    def _passed(self, exchange: Exchange) -> None:
        if exchange in self._over and not self._is_passing(exchange):
            self._recorder.ended(exchange, *self._over.pop(exchange))

    def __repr__(self) -> str:
        return f"<Teller [{len(self._unsent)} heads, {len(self._over)} ends wait]>"


class Content:
    """Content of DATA frames, on its way in one direction."""

    __slots__ = ("_left", "_passed", "_tell", "exchange")

    def __init__(
        self, tell: Callable[[Exchange, bytes], None], passed: Callable[[Exchange], None]
    ) -> None:
        self._tell = tell
        self._passed = passed
        self.exchange: Exchange | None = None
        """Whose content passes at the moment."""
        self._left = 0

    def expect(self, exchange: Exchange, size: int) -> None:
        """A frame begins, with so much content."""
        self.exchange, self._left = (exchange, size) if size else (None, 0)

    def add(self, payload: bytes) -> None:
        """More of that frame passes, padding behind its content included."""
        exchange, data = self.exchange, payload[: self._left]
        if exchange is None or not data:
            return
        self._left -= len(data)
        self._tell(exchange, data)
        if not self._left:
            self.drop()

    def drop(self) -> None:
        """Nothing more of that frame passes."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            self._passed(exchange)

    def __repr__(self) -> str:
        return f"<Content [{self._left} bytes to pass]>"


class _Announcing:
    """A receiver of frames that says whose content comes, before it is decided whether it passes:
    that may end the call."""

    __slots__ = ("_content", "_receiver", "_streams", "block", "control")

    def __init__(self, receiver: Receiver, streams: Mapping[int, Stream], content: Content) -> None:
        self._receiver = receiver
        self._streams = streams
        self._content = content
        self.block = receiver.block
        self.control = receiver.control

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._content.expect(stream.exchange, length - padding)
        substitute = self._receiver.data(flags, stream_id, length, padding)
        if substitute is not None:
            self._content.drop()
        return substitute


def response_head(status: int, pairs: Iterable[Pair], *, max_bytes: int) -> ResponseHead:
    """An answer's head or, with a status of 0, its trailers; without pseudo-header fields.

    One byte of a block can stand for kilobytes: what is beyond the bound is left out.
    """
    found: list[Field] = []
    for name, value in pairs:
        max_bytes -= len(name) + len(value)
        if max_bytes < 0:
            break
        if name[:1] != b":":
            found.append(make_field(name, value))
    return ResponseHead(status, b"", found, "2")


def own_answer(
    error: AuthProxyError, exchange: Exchange, *, cors: bytes, telling: Telling | None = None
) -> tuple[ResponseHead, bytes]:
    """Head and body of an answer of our own; `cors`: finished lines, or none; `telling`: as
    `replies.answer` has it."""
    made = answer(error, exchange.head, exchange.request_id, telling)
    fields = [make_field(name.encode(), value.encode("latin-1")) for name, value in made.lines]
    return ResponseHead(made.status, b"", [*fields, *read_fields(cors)], "2"), made.body
