"""Requests of a client: header blocks are written anew for the service, all else passes."""

from authproxy.errors import AuthProxyError, Refused
from authproxy.exchange import Token
from authproxy.wire import refusals
from authproxy.wire.admission.admission import NotAdmitted
from authproxy.wire.admission.token_wait import fetch_token
from authproxy.wire.http2 import call_refusals
from authproxy.wire.http2.call_refusals import ServiceMoved
from authproxy.wire.http2.calls import Calls, turn_away
from authproxy.wire.http2.framing.frames import (
    ACK,
    CONTINUATION,
    END_STREAM,
    GOAWAY,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    STREAM_MASK,
    WINDOW_UPDATE,
    ConnectionFault,
    Failure,
    frame,
    rst_stream,
    window_update,
)
from authproxy.wire.http2.framing.settings import MAX_STREAMS
from authproxy.wire.http2.headers.request_blocks import Block, RequestBlocks
from authproxy.wire.http2.headers.request_writer import RequestWriter
from authproxy.wire.http2.interfaces import Between
from authproxy.wire.http2.settings_sync import Agreement
from authproxy.wire.http2.streams import Stream
from authproxy.wire.http2.validity import length_fault


class Requests:
    """Receives the client's frames."""

    def __init__(self, splice: Between, calls: Calls, agreement: Agreement) -> None:
        self._splice = splice
        self._caller = splice.caller
        self._calls = calls
        self._agreement = agreement
        limits = splice.server.limits
        self._limits = limits
        self._blocks = RequestBlocks(limits)
        self._writer = RequestWriter(self._blocks, self._caller.general_checks)
        self._on_hold: tuple[Block, int, int, bytes] | None = None
        self.last_id = 0
        """The highest stream that the client has opened."""
        self.last_sent_id = 0
        """The highest of those that the service has heard of."""

    # What the scanner finds.

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        stream = self._calls.streams.get(stream_id)
        if stream is None:
            return self._stray_data(stream_id, length)
        stream.silent_s = 0.0
        got = stream.received_bytes + length - padding
        ended = bool(flags & END_STREAM)
        fault = length_fault(got, stream.request_length, is_last=ended)
        if fault or stream.client_ended:
            self._malformed(stream_id, stream, fault)
            return self._stray_data(stream_id, length)
        stream.received_bytes = got
        limit = self._limits.body_bytes
        if limit and got > limit:
            self._splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            self._calls.fail(stream_id, stream, refusals.body_too_large(limit))
            return self._stray_data(stream_id, length)
        if ended:
            self._calls.client_ended(stream_id, stream)
        elif length == padding:
            self._splice.guard.note_control()
        return None

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        known = self._blocks.known.get(block) or self._blocks.find(block)
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
            return self._agreement.client_says(flags, payload)
        if kind == PING and self._splice.upstream is None and not flags & ACK:
            self._splice.to_client(frame(PING, ACK, 0, payload))
            return b""
        if kind == GOAWAY:
            return b""  # it speaks of streams that the service opens, and it opens none
        if kind == PRIORITY and stream_id in self._calls.refused:
            return b""
        return None

    # Header blocks.

    def _open(self, known: Block, flags: int, stream_id: int, priority: bytes) -> bytes:
        splice, calls = self._splice, self._calls
        beyond = stream_id > calls.last_taken_id
        if calls.is_draining or beyond or len(calls.streams) >= MAX_STREAMS:
            calls.forget(stream_id)
            splice.to_client(rst_stream(stream_id, Failure.REFUSED_STREAM))
            return b""
        caller, recorder = self._caller, calls.recorder
        call = known.call or self._blocks.understand(known, caller.refusal)
        exchange = recorder.begin(caller.address, call.head, call.facts.host or b"")
        ended = bool(flags & END_STREAM)
        stream = Stream(exchange, client_ended=ended)
        calls.streams[stream_id] = stream
        if call.wants_events and not ended:
            calls.mcp.expect(stream_id)
        refusal = known.refusal
        if refusal is None and ended and known.length > 0:
            fault = length_fault(0, known.length, is_last=True)
            refusal = call_refusals.malformed_request(fault)
        if refusal is not None:
            calls.refuse(stream_id, stream, refusal)
            return b""
        stream.request_length = known.length
        try:
            found = stream.admission = splice.admit(call)
        except NotAdmitted as refused:
            if isinstance(refused, ServiceMoved):
                turn_away(calls, splice, stream_id, "authproxy")
                return b""
            stream.cors = refused.cors
            recorder.not_admitted(exchange, refused.address, refused.host or exchange.host)
            calls.refuse(stream_id, stream, refused.refusal)
            return b""
        upstream, stream.cors = found.service, found.cors
        recorder.admitted(exchange, upstream.name, found.address, found.host, found.key)
        token = found.tokens.current()
        if token is None:
            recorder.waits(exchange, "token")
            self._on_hold = known, flags, stream_id, priority
            splice.stop_looking()
            fetch_token(found, self, splice.server.tasks)
            return b""
        return self._send(known, flags, stream_id, priority, token)

    def token_came(self, token: Token) -> None:
        """There is one for the call on hold, which its client may have taken back."""
        held, stream = self._take_held()
        if held is None:
            return
        if stream is None:
            self._splice.go_on(b"")
            return
        self._calls.recorder.token_came(stream.exchange)
        if stream.admission is not None:
            stream.admission = self._caller.settled(stream.admission)
        self._splice.go_on(self._send(*held, token))

    def no_token(self, error: AuthProxyError) -> None:
        """There is none for the call on hold."""
        held, stream = self._take_held()
        if held is None:
            return
        if stream is not None:
            self._calls.refuse(held[2], stream, error)
        self._splice.go_on(b"")

    def _take_held(self) -> tuple[tuple[Block, int, int, bytes] | None, Stream | None]:
        """The call on hold, and what is open of it."""
        held, self._on_hold = self._on_hold, None
        if held is None or self._splice.is_over:
            return None, None
        return held, self._calls.streams.get(held[2])

    def _send(
        self, known: Block, flags: int, stream_id: int, priority: bytes, token: Token
    ) -> bytes:
        stream = self._calls.streams[stream_id]
        stream.token = token
        self.last_sent_id = stream_id
        admission = stream.admission
        assert admission is not None  # noqa: S101 -- for the type checker: it has a token
        recorder, teller = self._calls.recorder, self._calls.teller
        recorder.sent(stream.exchange, token.principal)
        if teller is None:
            return self._writer.write(known, flags, stream_id, priority, admission, token)
        own = [(name.lower(), value) for name, value in recorder.own_fields(stream.exchange)]
        if recorder.sending and stream.exchange in recorder.wanted:
            teller.sent(stream.exchange, self._writer.describe(known, admission, token, own))
        return self._writer.write(known, flags, stream_id, priority, admission, token, own)

    def _trailers(self, known: Block, flags: int, stream_id: int) -> bytes:
        stream = self._calls.streams.get(stream_id)
        upstream = self._splice.upstream
        if stream is None or upstream is None:
            self._check_closed(stream_id)
            return b""
        got = stream.received_bytes
        fault = length_fault(got, stream.request_length, is_last=True)
        if not flags & END_STREAM:
            fault = "trailers that do not end the request, or a second head"
        if fault or stream.client_ended:
            self._malformed(stream_id, stream, fault if not stream.client_ended else "")
            return b""
        try:
            frames = self._writer.write_trailers(known, stream_id, upstream.rules, stream.home)
        except Refused as refusal:
            self._malformed(stream_id, stream, refusal.message)
            return b""
        self._calls.client_ended(stream_id, stream)
        return frames

    # Everything else.

    def allow_table(self, size: int) -> None:
        """The client has confirmed what the service says about the size of its table."""
        self._writer.allow_table(size)

    def _malformed(self, stream_id: int, stream: Stream, fault: str) -> None:
        failure = Failure.PROTOCOL_ERROR
        if not fault:
            fault, failure = "a frame behind the end of the request", Failure.STREAM_CLOSED
        self._calls.break_off(stream_id, stream, fault, failure)

    def _check_opened(self, stream_id: int) -> None:
        """Has the client opened this stream? Raises ConnectionFault (RFC 9113 5.1)."""
        if stream_id > self.last_id or not stream_id & 1:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a frame on a stream that is not open")

    def _check_closed(self, stream_id: int) -> None:
        """Did we or the service close it, so that this frame has only crossed with that?

        Raises ConnectionFault (RFC 9113 5.1).
        """
        if stream_id not in self._calls.refused:
            raise ConnectionFault(Failure.STREAM_CLOSED, "a frame on a stream that is closed")

    def _stray_data(self, stream_id: int, length: int) -> bytes:
        """DATA of a stream that is over, or never was."""
        self._check_opened(stream_id)
        self._check_closed(stream_id)
        if length:
            # Nobody else gives this part of the connection's window back.
            self._splice.to_client(window_update(0, length))
        else:
            self._splice.guard.note_control()
        return b""

    def _window_update(self, stream_id: int, payload: bytes) -> bytes | None:
        is_nothing = not int.from_bytes(payload, "big") & STREAM_MASK
        if stream_id == 0:
            if is_nothing:
                raise ConnectionFault(Failure.PROTOCOL_ERROR, "a window update of nothing")
            return self._calls.own.give_back(payload)
        self._check_opened(stream_id)
        stream = self._calls.streams.get(stream_id)
        if stream is None:
            self._calls.own.grow(stream_id, int.from_bytes(payload, "big") & STREAM_MASK)
            return b""
        if is_nothing:
            self._malformed(stream_id, stream, "a window update of nothing")
            return b""
        return None

    def _reset(self, stream_id: int) -> bytes | None:
        self._check_opened(stream_id)
        stream = self._calls.streams.get(stream_id)
        if stream is None:
            self._calls.own.forget(stream_id)
            return b""
        if not stream.is_answered:
            self._splice.guard.note_reset()
        self._calls.recorder.left(stream.exchange, "client")
        self._calls.take_back(stream_id, stream)
        return None
