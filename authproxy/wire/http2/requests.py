"""What a client sends: header blocks are written anew for the service, all else passes."""

from typing import TYPE_CHECKING

from authproxy.errors import Refused
from authproxy.exchange import Token
from authproxy.policy.calls import (
    Call,
    Pair,
    call_fields,
    check_call,
    read_call,
    trailer_fields,
    trim,
)
from authproxy.policy.headers import ServiceRules
from authproxy.wire import refusals
from authproxy.wire.http2.blocks import BlockReader, BlockWriter
from authproxy.wire.http2.frames import (
    ACK,
    CONTINUATION,
    END_STREAM,
    HAS_PRIORITY,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    SMALLEST_MAX_FRAME,
    WINDOW_UPDATE,
    ConnectionFault,
    Failure,
    block_frames,
    frame,
    rst_stream,
    window_update,
)
from authproxy.wire.http2.settings import DEFAULT_TABLE, MAX_STREAMS
from authproxy.wire.http2.streams import Stream

if TYPE_CHECKING:
    from authproxy.wire.http2.splice import Splice

MAX_KNOWN = 32
MAX_KNOWN_BYTES = 4096
"""Blocks that are remembered, and the largest of them: clients choose them, memory has a bound."""


class Block:
    """What a client's block means, and what it became."""

    __slots__ = ("call", "changes", "fields", "refusal", "rules", "target", "token", "written")

    def __init__(self, fields: list[Pair]) -> None:
        self.fields = fields
        self.call: Call | None = None
        self.target = b""
        """As the service sees it."""
        self.refusal: Refused | None = None
        self.token: Token | None = None
        self.rules: ServiceRules | None = None
        self.changes = -1
        self.written = b""
        """For the service, with `token`; good while its table has seen `changes`."""


class Requests:
    """Receives the client's frames."""

    def __init__(self, splice: "Splice") -> None:
        self._splice = splice
        limits = splice.server.limits
        self._limits = limits
        # Twice what is allowed: beyond it no answer is possible, since the tables would differ.
        self._reader = BlockReader(max_list=2 * limits.head_bytes)
        self._writer = BlockWriter()
        self._known: dict[bytes, Block] = {}
        self._on_hold: tuple[Block, int, int, bytes] | None = None
        self.last_id = 0
        """The highest stream that the client has opened."""
        self.last_sent_id = 0
        """The highest of those that the service has heard of."""
        self._table = DEFAULT_TABLE

    # What the scanner finds.

    def data(self, flags: int, stream_id: int, length: int) -> bytes | None:
        stream = self._splice.calls.streams.get(stream_id)
        if stream is None or stream.client_ended:
            return self._stray_data(stream_id, length)
        stream.silent_s = 0.0
        stream.exchange.bytes_from_client += length
        limit = self._limits.body_bytes
        if limit and stream.exchange.bytes_from_client > limit:
            self._splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            self._splice.calls.fail(stream_id, stream, refusals.body_too_large(limit))
            return self._stray_data(stream_id, length)
        if flags & END_STREAM:
            self._splice.calls.client_ended(stream_id, stream)
        elif not length:
            self._splice.guard.note_control()
        return None

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        known = self._known.get(block)
        if known is None:
            known = self._read(block)
        if kind == PUSH_PROMISE or not stream_id & 1:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a stream that no client can open")
        if stream_id <= self.last_id:
            return self._trailers(known, flags, stream_id)
        self.last_id = stream_id
        return self._open(known, flags, stream_id, priority)

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        if kind == WINDOW_UPDATE:
            return self._window_update(stream_id, payload)
        if kind == RST_STREAM:
            return self._reset(stream_id)
        self._splice.guard.note_control()
        if kind > CONTINUATION:
            return b""  # RFC 9113 5.5: extensions are a matter of one hop
        if kind == SETTINGS:
            return self._splice.agreement.client_says(flags, payload)
        if kind == PING and not self._splice.has_service and not flags & ACK:
            self._splice.to_client(frame(PING, ACK, 0, payload))
            return b""
        if kind == PRIORITY and stream_id in self._splice.calls.refused:
            return b""
        return None

    # Header blocks.

    def _read(self, block: bytes) -> Block:
        before = self._reader.changes
        known = Block(self._reader.read(block))
        if self._reader.changes != before:
            self._known.clear()
        elif len(block) <= MAX_KNOWN_BYTES:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[block] = known
        return known

    def _understand(self, known: Block) -> Call:
        call = known.call = read_call(known.fields)
        try:
            self._check_size(known.fields, call)
            if not check_call(known.fields):
                known.fields = trim(known.fields)
                call = known.call = read_call(known.fields)
            if call.head.method in _REFUSED:
                raise _REFUSED[call.head.method]()
            if call.head.method == b"OPTIONS" and call.facts.max_forwards == 0:
                raise self._splice.caller.refusal or refusals.last_hop()
        except Refused as refusal:
            known.refusal = refusal
        return call

    def _check_size(self, fields: list[Pair], call: Call) -> None:
        limits = self._limits
        size = sum(len(name) + len(value) + 4 for name, value in fields)
        if size > limits.head_bytes or len(fields) > limits.headers + 4:
            raise refusals.head_too_large()
        if len(call.head.target) > limits.target_bytes:
            raise refusals.target_too_long()

    def _open(self, known: Block, flags: int, stream_id: int, priority: bytes) -> bytes:
        splice = self._splice
        if splice.is_draining or len(splice.calls.streams) >= MAX_STREAMS:
            splice.calls.forget(stream_id)
            splice.to_client(rst_stream(stream_id, Failure.REFUSED_STREAM))
            return b""
        call = known.call or self._understand(known)
        exchange = splice.server.begin_exchange(splice.caller.address, call.head)
        exchange.host = call.facts.host or b""
        ended = bool(flags & END_STREAM)
        stream = Stream(exchange, client_ended=ended)
        splice.calls.streams[stream_id] = stream
        try:
            if known.refusal is not None:
                raise known.refusal
            route = splice.admit(call)
        except Refused as refusal:
            exchange.client, stream.cors = splice.caller.address, splice.caller.cors
            splice.calls.refuse(stream_id, stream, refusal)
            return b""
        upstream = route.service
        exchange.service, exchange.client = upstream.name, splice.caller.address
        if splice.caller.key is not None:
            exchange.key = splice.caller.key.name
        known.target = stream.target = route.sent(call.head.target)
        stream.home, stream.cors = splice.caller.home, splice.caller.cors
        token = upstream.tokens.current()
        if token is None:
            self._on_hold = known, flags, stream_id, priority
            splice.fetch_token(upstream)
            return b""
        return self._send(known, flags, stream_id, priority, token)

    def go_on(self, token: Token) -> bytes:
        """The call that was on hold, as the service gets it; empty if its client took it back."""
        if self._on_hold is None:
            return b""
        held, self._on_hold = self._on_hold, None
        stream = self._splice.calls.streams.get(held[2])
        if stream is None:
            return b""
        self._splice.caller.settle()
        stream.home = self._splice.caller.home
        return self._send(*held, token)

    def drop_held(self) -> int:
        """There is no token for the call on hold; its stream is returned."""
        held, self._on_hold = self._on_hold, None
        return held[2] if held is not None else 0

    def _send(
        self, known: Block, flags: int, stream_id: int, priority: bytes, token: Token
    ) -> bytes:
        stream = self._splice.calls.streams[stream_id]
        stream.token = token
        exchange = stream.exchange
        exchange.principal = token.principal
        exchange.attempts = 1
        self.last_sent_id = stream_id
        same = known.token is token and known.rules is self._splice.rules
        if not same or known.changes != self._writer.changes:
            self._write(known, token)
        return block_frames(
            known.written,
            flags=flags & (END_STREAM | HAS_PRIORITY),
            stream_id=stream_id,
            max_frame=SMALLEST_MAX_FRAME,
            priority=priority,
        )

    def _write(self, known: Block, token: Token) -> None:
        call, splice = known.call, self._splice
        upstream = splice.upstream
        assert call is not None  # noqa: S101 -- for the type checker: an admitted call was read
        assert upstream is not None  # noqa: S101 -- and its service found
        before = self._writer.changes
        fields = call_fields(
            call,
            upstream.rules,
            target=known.target,
            scheme=upstream.origin.scheme.encode(),
            token_line=upstream.token_line(token, call.facts),
            forwarded=splice.caller.forwarded,
            home=splice.caller.home,
        )
        known.written = self._writer.write(fields, keep_path=call.is_grpc)
        known.token, known.rules = token, upstream.rules
        # A block that changes the table means something else when it is sent again.
        known.changes = before if before == self._writer.changes else -1

    def _trailers(self, known: Block, flags: int, stream_id: int) -> bytes:
        stream = self._splice.calls.streams.get(stream_id)
        upstream = self._splice.upstream
        if stream is None or upstream is None or stream_id in self._splice.calls.refused:
            return b""  # they crossed with our or the service's end of the stream
        if stream.client_ended or not flags & END_STREAM:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a second request on a stream")
        try:
            fields = trailer_fields(known.fields, upstream.rules, stream.home)
        except Refused as refusal:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, refusal.message) from refusal
        block = self._writer.write(fields, keep_path=False)
        self._splice.calls.client_ended(stream_id, stream)
        return block_frames(
            block, flags=END_STREAM, stream_id=stream_id, max_frame=SMALLEST_MAX_FRAME
        )

    # Everything else.

    def allow_table(self, size: int) -> None:
        """The client has confirmed what the service says about the size of its table."""
        if size != self._table:
            self._table = size
            self._reader.allow_table(size)
            self._writer.allow_table(size)
            self._known.clear()

    def _stray_data(self, stream_id: int, length: int) -> bytes | None:
        """DATA of a stream that is over, or never was."""
        if stream_id > self.last_id or not stream_id & 1:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "data on a stream that is not open")
        if not length:
            self._splice.guard.note_control()
        if stream_id not in self._splice.calls.refused and stream_id <= self.last_sent_id:
            return None  # it crossed with the service's reset, and the service counts it
        if length:
            # Nobody else gives this part of the connection's window back.
            self._splice.to_client(window_update(0, length))
        return b""

    def _window_update(self, stream_id: int, payload: bytes) -> bytes | None:
        if stream_id == 0:
            return self._splice.calls.give_back(payload)
        if stream_id > self.last_id and stream_id & 1:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a window for a stream that is not open")
        return b"" if stream_id > self.last_sent_id and stream_id & 1 else None

    def _reset(self, stream_id: int) -> bytes | None:
        if stream_id > self.last_id and stream_id & 1:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a reset of a stream that is not open")
        stream = self._splice.calls.streams.get(stream_id)
        if stream is not None:
            if not stream.is_answered:
                self._splice.guard.note_reset()
            stream.exchange.aborted = "client"
            self._splice.calls.ended(stream_id, stream)
        return b"" if stream_id > self.last_sent_id and stream_id & 1 else None


_REFUSED = {b"CONNECT": refusals.connect, b"TRACE": refusals.trace}
