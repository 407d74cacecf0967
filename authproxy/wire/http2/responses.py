"""Answers of a service: they pass as they came, as long as nothing in them must be changed.

The header blocks are read all the same, for the status; what must change, `AnswerWriter` writes.
"""

from collections.abc import Sequence
from typing import Final

from authproxy.errors import UpstreamError
from authproxy.exchange import ResponseHead
from authproxy.policy.google.rejection import LOWEST_STATUS, is_token_rejection
from authproxy.policy.google.sign_in import REDIRECTS
from authproxy.policy.messages.cors import ALLOW_ORIGIN, settle
from authproxy.policy.messages.headers import HINT
from authproxy.policy.messages.http2.call import Pair
from authproxy.wire.admission.admission import NOWHERE
from authproxy.wire.http2 import call_refusals
from authproxy.wire.http2.calls import Calls
from authproxy.wire.http2.framing.frames import (
    CONTINUATION,
    END_STREAM,
    GOAWAY,
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
from authproxy.wire.http2.headers.answer_writer import NO_CORS, AnswerWriter
from authproxy.wire.http2.headers.blocks import plain_field, plain_fields
from authproxy.wire.http2.headers.response_blocks import ResponseBlock, ResponseBlockReader
from authproxy.wire.http2.interfaces import Between
from authproxy.wire.http2.settings_sync import Agreement
from authproxy.wire.http2.streams import Stream
from authproxy.wire.http2.validity import answer_length, length_fault, misplaced
from authproxy.wire.interim import InterimCount
from authproxy.wire.relay.cookies import cookie_lines
from authproxy.wire.relay.hints import Explainer

_REFUSABLE: Final = frozenset([*range(100, 200), *range(LOWEST_STATUS, 1000)])
"""Statuses in whose place the client may get an answer of our own."""
_LISTS: Final = 4
"""An answer's header block, decoded, may be this many times `limits.head_bytes`."""


class Answers:
    """Receives the service's frames."""

    def __init__(self, splice: Between, calls: Calls, agreement: Agreement) -> None:
        self._splice = splice
        self._calls = calls
        self._agreement = agreement
        self._reader = ResponseBlockReader()
        self._max_list = _LISTS * splice.server.limits.head_bytes
        self._writer = AnswerWriter(max_list=self._max_list)

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        stream = self._calls.streams.get(stream_id)
        if stream is None:
            return self._stray_data(stream_id, length)
        stream.silent_s = 0.0
        wanted = stream.answer_length
        got = stream.answer_bytes + length - padding
        if wanted < 0:
            fault = "" if stream.exchange.status else "content before the head"
        else:
            last = bool(flags & END_STREAM)
            fault = "" if got == wanted else length_fault(got, wanted, is_last=last)
        if fault or stream.service_ended:
            self._malformed(stream_id, stream, fault)
            return self._stray_data(stream_id, length)
        stream.answer_bytes = got
        self._calls.own.window -= length
        if flags & END_STREAM:
            self._calls.service_ended(stream_id, stream)
        return None

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        if kind == PUSH_PROMISE:
            raise ConnectionFault(
                Failure.PROTOCOL_ERROR, "a push, although pushes are switched off"
            )
        parsed = self._reader.read(block)
        stream = self._calls.streams.get(stream_id)
        if stream is None:
            return self._stray_block(parsed, stream_id)
        is_usual = parsed.is_usual and not (flags & END_STREAM or stream.exchange.status)
        fault = "" if is_usual else parsed.fault or misplaced(parsed, flags, stream)
        if fault or stream.service_ended:
            self._malformed(stream_id, stream, fault)
            return self._dropped(parsed)
        if parsed.status in _REFUSABLE:
            look = self._count_interim if parsed.status < 200 else self._replace
            look(parsed, flags, stream_id, stream)
            if stream_id in self._calls.refused:
                return self._dropped(parsed)
        return self._pass_on(parsed, flags, stream_id, stream, block)

    def _pass_on(
        self, parsed: ResponseBlock, flags: int, stream_id: int, stream: Stream, block: bytes
    ) -> bytes | None:
        hint = self._note(parsed, stream_id, stream)
        admission, writer, teller = stream.admission, self._writer, self._calls.teller
        home = NOWHERE if admission is None else admission.home
        if parsed.home is not home:
            writer.look(parsed, home)
        frames = None
        if (
            writer.rewrites
            or not parsed.may_pass
            or hint
            or stream.cors
            or (teller is not None and teller.hears_answers)
        ):
            frames = self._write(parsed, flags, stream_id, stream, block, hint)
        if flags & END_STREAM:
            self._calls.service_ended(stream_id, stream)
        return frames

    def _write(
        self,
        parsed: ResponseBlock,
        flags: int,
        stream_id: int,
        stream: Stream,
        block: bytes,
        hint: bytes,
    ) -> bytes | None:
        """What the client gets of a block that may have to change; None: it passes as it came."""
        home, writer = stream.home, self._writer
        more, cors = plain_field(HINT, hint) if hint else b"", NO_CORS
        # Interim answers and trailers have no need of it.
        if parsed.status >= 200:
            if stream.cors:
                cors = settle(stream.cors, parsed.find(ALLOW_ORIGIN), home)
            if parsed.sets_cookies:
                more += _cookies(stream, parsed.fields(max_bytes=self._max_list))
        frames = writer.write(parsed, block, flags, stream_id, home, more=more, cors=cors)
        teller = self._calls.teller
        if teller is not None and teller.hears_answers:
            sent = writer.describe(parsed, home, more=more, cors=cors)
            teller.answer_block(stream.exchange, parsed, sent, self._max_list)
        return frames

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        if kind > CONTINUATION:
            # RFC 9113 5.5: extensions are a matter of one hop, and what is not known is dropped.
            # ALTSVC and ORIGIN would speak of the service's names, not of the client's.
            return b""
        if kind == SETTINGS:
            return self._agreement.service_says(flags, payload)
        if kind == GOAWAY:
            return self._goaway(payload)
        if kind == WINDOW_UPDATE:
            return self._window_update(stream_id, payload)
        if kind == RST_STREAM:
            self._check_made(stream_id)
            stream = self._calls.streams.get(stream_id)
            if stream is None:
                return b""
            return self._taken_back(stream_id, stream, payload)
        return None

    def allow_table(self, size: int) -> None:
        """The service has confirmed what the client says about the size of its table."""
        self._reader.allow_table(size)
        self._writer.allow_table(size, max_size=self._reader.max_size)

    def take_due_update(self) -> bytes:
        """What the next block for the client must begin with."""
        return self._writer.take_due_update()

    def _goaway(self, payload: bytes) -> bytes:
        """RFC 9113 6.8: no GOAWAY takes back what one before it has said."""
        last_id = int.from_bytes(payload[:4], "big") & STREAM_MASK
        last_id = self._calls.last_taken_id = min(last_id, self._calls.last_taken_id)
        return frame(GOAWAY, 0, 0, last_id.to_bytes(4, "big") + payload[4:])

    def _window_update(self, stream_id: int, payload: bytes) -> bytes | None:
        is_nothing = not int.from_bytes(payload, "big") & STREAM_MASK
        if stream_id == 0:
            if is_nothing:
                raise ConnectionFault(Failure.PROTOCOL_ERROR, "a window update of nothing")
            return None
        self._check_made(stream_id)
        stream = self._calls.streams.get(stream_id)
        if stream is not None and is_nothing:
            self._malformed(stream_id, stream, "a window update of nothing")
        return b"" if stream is None or is_nothing else None

    def _check_made(self, stream_id: int) -> None:
        """Was there such a call? Raises ConnectionFault (RFC 9113 5.1)."""
        if stream_id > self._splice.requests.last_sent_id or not stream_id & 1:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a frame for a call that does not exist")

    def _malformed(self, stream_id: int, stream: Stream, fault: str) -> None:
        """Nothing of it may pass (RFC 9113 8.1.1); both ends hear that it is over."""
        failure = Failure.PROTOCOL_ERROR
        if not fault:
            fault, failure = "a frame behind the end of the answer", Failure.STREAM_CLOSED
        self._splice.to_service(rst_stream(stream_id, failure))
        self._calls.fail(stream_id, stream, call_refusals.malformed_answer(fault))

    def _stray_block(self, parsed: ResponseBlock, stream_id: int) -> bytes | None:
        """Of a call that is over."""
        self._check_made(stream_id)
        is_valid = not (parsed.fault or parsed.has_blanks or self._writer.rewrites)
        if is_valid and stream_id in self._calls.taken_back:
            return None  # it crossed with the client's reset, whose table learns from it
        return self._dropped(parsed)

    def _dropped(self, parsed: ResponseBlock) -> bytes:
        """It does not reach the client, who must not miss what it does to its table."""
        self._writer.drop(parsed)
        return b""

    def _note(self, parsed: ResponseBlock, stream_id: int, stream: Stream) -> bytes:
        """What there is to say about it to the client, if anything."""
        stream.silent_s = 0.0
        hint, exchange, status = b"", stream.exchange, parsed.status
        if parsed.rpc_status is not None:
            self._calls.recorder.rpc_status(exchange, parsed.rpc_status)
        if not exchange.status and status >= 200:
            self._calls.recorder.answered(exchange, status)
            stream.head = parsed
            stream.answer_length = answer_length(parsed, exchange.head.method)
            if self._calls.mcp.kept:
                self._calls.follow(stream_id, stream, parsed)
            if status >= LOWEST_STATUS:
                hint = _find_hint(self._splice.server.explainer, stream, self._head(parsed))
        return hint

    def _replace(self, parsed: ResponseBlock, flags: int, stream_id: int, stream: Stream) -> None:
        """What its client can make nothing of is answered by ourselves.

        Also: where Google did not like the token, the next call shall have a new one.
        """
        splice, exchange = self._splice, stream.exchange
        admission, token = stream.admission, stream.token
        if admission is None or token is None or stream.is_answered:
            return
        upstream = admission.service
        head = self._head(parsed)
        if is_token_rejection(head):
            admission.tokens.reject(token)
        explainer = splice.server.explainer
        instead: UpstreamError | None = None
        if parsed.status in REDIRECTS:
            home = stream.home
            instead = explainer.find_instead(exchange, upstream, token, head, home)
        if instead is None:
            instead = explainer.find_refusal(
                exchange, upstream, token, head, begun=b"", path=stream.target
            )
        if instead is not None:
            if not (flags & END_STREAM and stream.client_ended):
                splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            self._calls.refuse(stream_id, stream, instead)

    def _count_interim(
        self, parsed: ResponseBlock, _flags: int, stream_id: int, stream: Stream
    ) -> None:
        """An interim answer came; a call that gets nothing else is refused."""
        stream.interim = stream.interim or InterimCount()
        try:
            size = sum(len(name) + len(value) for name, value, _, _ in parsed.entries)
            stream.interim.add(stream.exchange.request_id, size)
        except UpstreamError as error:
            self._splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            self._calls.fail(stream_id, stream, error)

    def _head(self, parsed: ResponseBlock) -> ResponseHead:
        fields = parsed.fields(max_bytes=self._max_list)
        return ResponseHead(parsed.status, b"", [(name, value, b"") for name, value in fields])

    def _taken_back(self, stream_id: int, stream: Stream, payload: bytes) -> bytes | None:
        instead, failure = None, int.from_bytes(payload, "big")
        if failure != Failure.NO_ERROR or not stream.service_ended:
            why = f"the service reset the stream, code {failure}"
            instead = self._calls.reset_by_service(stream_id, stream, why)
            self._calls.recorder.left(stream.exchange, "service", why)
        self._calls.forget(stream_id)
        self._calls.ended(stream_id, stream)
        return instead

    def _stray_data(self, stream_id: int, length: int) -> bytes:
        """Of a call that is over: nobody else gives this part of the connection's window back."""
        self._check_made(stream_id)
        if length:
            self._splice.to_service(window_update(0, length))
        return b""


def _cookies(stream: Stream, fields: Sequence[Pair]) -> bytes:
    """Those that an answer with `fields` carries besides."""
    if stream.admission is None:
        return b""
    upstream = stream.admission.service
    return plain_fields(cookie_lines(upstream, fields, stream.home, stream.target))


def _find_hint(explainer: Explainer, stream: Stream, head: ResponseHead) -> bytes:
    """What there is to say to the client about `head`, should it be a refusal of Google's."""
    if stream.admission is None or stream.token is None:
        return b""
    upstream = stream.admission.service
    return explainer.find_hint(
        stream.exchange, upstream, stream.token, head, begun=b"", path=stream.target
    )
