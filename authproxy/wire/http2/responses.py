"""What a service sends: it passes as it came, as long as nothing in it must be changed.

The header blocks are read all the same, for the status. Should one of them need a change (a
Location that names the service, a cookie), the client is told to forget its table, and from then on
every block of this connection is written anew, without a table.
"""

from authproxy.errors import UpstreamError
from authproxy.exchange import ResponseHead
from authproxy.policy.google.rejection import LOWEST_STATUS, is_token_rejection
from authproxy.policy.google.sign_in import REDIRECTS
from authproxy.policy.messages.cors import ALLOW_ORIGIN, settle
from authproxy.policy.messages.headers import HINT
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.rewriting import LOCAL_FIELDS, local_value
from authproxy.policy.messages.site_data import FIELDS as COOKIE_FIELDS
from authproxy.wire.http2 import call_refusals
from authproxy.wire.http2.calls import Calls
from authproxy.wire.http2.framing.frames import (
    CONTINUATION,
    END_STREAM,
    GOAWAY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    SMALLEST_MAX_FRAME,
    STREAM_MASK,
    WINDOW_UPDATE,
    ConnectionFault,
    Failure,
    block_frames,
    frame,
    rst_stream,
    window_update,
)
from authproxy.wire.http2.headers.blocks import EMPTY_TABLE, plain_field, plain_fields, table_update
from authproxy.wire.http2.headers.response_blocks import Glance, GlanceReader
from authproxy.wire.http2.ports import Between
from authproxy.wire.http2.settings_sync import Agreement
from authproxy.wire.http2.streams import Stream
from authproxy.wire.http2.validity import answer_length, length_fault, misplaced
from authproxy.wire.interim import InterimCount
from authproxy.wire.relay.cookies import cookie_lines

NOTHING: frozenset[bytes] = frozenset()
NO_CORS = b"", NOTHING
_REFUSABLE = frozenset([*range(100, 200), *range(LOWEST_STATUS, 1000)])
"""Statuses in whose place the client may get an answer of our own."""
_LISTS = 4
"""An answer's header block, decoded, may be this many times `limits.head_bytes`."""


class Answers:
    """Receives the service's frames."""

    def __init__(self, splice: Between, calls: Calls, agreement: Agreement) -> None:
        self._splice = splice
        self._calls = calls
        self._agreement = agreement
        self._reader = GlanceReader()
        self._max_list = _LISTS * splice.server.limits.head_bytes
        self._rewrites = False
        self._forgotten = False
        self.due_update = b""
        """What the next block that the client is sent must begin with, should it be one of ours."""
        self.last_taken_id = STREAM_MASK
        """The highest stream that the service will answer, after its GOAWAY."""

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        stream = self._calls.streams.get(stream_id)
        if stream is None:
            return self._stray_data(stream_id, length)
        stream.silent_s = 0.0
        exchange, wanted = stream.exchange, stream.answer_length
        got = stream.answer_bytes + length - padding
        if wanted < 0:
            fault = "" if exchange.status else "content before the head"
        else:
            fault = length_fault(got, wanted, is_last=bool(flags & END_STREAM))
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
        glance = self._reader.read(block)
        stream = self._calls.streams.get(stream_id)
        if stream is None:
            return self._stray_block(glance, stream_id)
        fault = glance.fault or misplaced(glance, flags, stream)
        if fault or stream.service_ended:
            self._malformed(stream_id, stream, fault)
            return self._dropped(glance)
        if glance.status in _REFUSABLE:
            look = self._count_interim if glance.status < 200 else self._replace
            look(glance, flags, stream_id, stream)
            if stream_id in self._calls.refused:
                return self._dropped(glance)
        return self._pass_on(glance, flags, stream_id, stream, block)

    def _pass_on(
        self, glance: Glance, flags: int, stream_id: int, stream: Stream, block: bytes
    ) -> bytes | None:
        hint = self._note(glance, flags, stream_id, stream)
        home = stream.home
        if glance.home is not home:
            glance.home, glance.must_change = home, self._must_change(glance, home)
            glance.sets_cookies = any(entry[0] in COOKIE_FIELDS for entry in glance.entries)
        more = plain_field(HINT, hint) if hint else b""
        cors, gives_way = NO_CORS
        # Interim answers and trailers have no need of it.
        if glance.status >= 200:
            cors, gives_way = _cors(glance, stream, home) if stream.cors else NO_CORS
            more += self._cookies(glance, stream, home) if glance.sets_cookies else b""
        if not self._rewrites and not glance.must_change and not cors:
            if glance.resizes:
                self.due_update = b""
            # A literal at the end touches no table, so nothing else need be written anew.
            return _as_frames(block + more, flags, stream_id) if more else None
        self._rewrites = True
        more += plain_fields(cors)
        return _as_frames(self._rewritten(glance, home, gives_way) + more, flags, stream_id)

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
            self._taken_back(stream_id, stream, payload)
        return None

    def allow_table(self, size: int) -> None:
        """The service has confirmed what the client says about the size of its table."""
        self._reader.allow_table(size)
        if size < self._reader.max_size and not self._forgotten:
            # RFC 9113 4.3.1: so must begin what the client is sent next, even if it is of our own.
            self.due_update = table_update(size)

    def take_due_update(self) -> bytes:
        due, self.due_update = self.due_update, b""
        return due

    def _goaway(self, payload: bytes) -> bytes:
        """RFC 9113 6.8: no GOAWAY takes back what one before it has said."""
        last_id = int.from_bytes(payload[:4], "big") & STREAM_MASK
        self.last_taken_id = min(last_id, self.last_taken_id)
        return frame(GOAWAY, 0, 0, self.last_taken_id.to_bytes(4, "big") + payload[4:])

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

    def _stray_block(self, glance: Glance, stream_id: int) -> bytes | None:
        """Of a call that is over."""
        self._check_made(stream_id)
        is_valid = not (glance.fault or glance.has_blanks or self._rewrites)
        if is_valid and stream_id in self._calls.taken_back:
            return None  # it crossed with the client's reset, whose table learns from it
        return self._dropped(glance)

    def _dropped(self, glance: Glance) -> bytes:
        """It does not reach the client, who must not miss what it does to its table."""
        if glance.pushed or glance.resizes:
            self._rewrites = True
        return b""

    def _must_change(self, glance: Glance, home: Home) -> bool:
        return glance.has_blanks or any(
            _must_go(entry[0], home)
            or (entry[0] in LOCAL_FIELDS and local_value(entry[0], entry[1], home) != entry[1])
            for entry in glance.entries
        )

    def _cookies(self, glance: Glance, stream: Stream, home: Home) -> bytes:
        upstream = self._splice.upstream
        if upstream is None:
            return b""
        fields = glance.fields(max_bytes=self._max_list)
        return plain_fields(cookie_lines(upstream, fields, home, stream.target))

    def _note(self, glance: Glance, flags: int, stream_id: int, stream: Stream) -> bytes:
        """What there is to say about it to the client, if anything."""
        stream.silent_s = 0.0
        hint = b""
        exchange = stream.exchange
        status = glance.status
        if not exchange.status and status >= 200:
            self._splice.server.recorder.answered(exchange, status)
            stream.head = glance
            stream.answer_length = answer_length(glance, exchange.head.method)
            if status >= LOWEST_STATUS:
                hint = self._find_hint(glance, stream)
        if flags & END_STREAM:
            self._calls.service_ended(stream_id, stream)
        return hint

    def _find_hint(self, glance: Glance, stream: Stream) -> bytes:
        upstream, token = self._splice.upstream, stream.token
        if upstream is None or token is None:
            return b""
        exchange = stream.exchange
        return self._splice.server.explainer.find_hint(
            exchange, upstream, token, self._head(glance), begun=b"", path=stream.target
        )

    def _replace(self, glance: Glance, flags: int, stream_id: int, stream: Stream) -> None:
        """What its client can make nothing of is answered by ourselves.

        Also: where Google did not like the token, the next call shall have a new one.
        """
        splice, exchange = self._splice, stream.exchange
        upstream, token = splice.upstream, stream.token
        if upstream is None or token is None or stream.is_answered:
            return
        head = self._head(glance)
        if is_token_rejection(head):
            upstream.tokens.reject(token)
        explainer = splice.server.explainer
        instead: UpstreamError | None = None
        if glance.status in REDIRECTS:
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

    def _count_interim(self, glance: Glance, _flags: int, stream_id: int, stream: Stream) -> None:
        """An interim answer came; a call that gets nothing else is refused."""
        stream.interim = stream.interim or InterimCount()
        try:
            size = sum(len(name) + len(value) for name, value, _, _ in glance.entries)
            stream.interim.add(stream.exchange.request_id, size)
        except UpstreamError as error:
            self._splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            self._calls.fail(stream_id, stream, error)

    def _head(self, glance: Glance) -> ResponseHead:
        fields = glance.fields(max_bytes=self._max_list)
        return ResponseHead(glance.status, b"", [(name, value, b"") for name, value in fields])

    def _rewritten(self, glance: Glance, home: Home, drop: frozenset[bytes]) -> bytes:
        parts = []
        size = 0
        for entry in glance.entries:
            name, value = entry[0], entry[1].strip(b" \t")
            if name in drop or _must_go(name, home):
                continue
            if name in LOCAL_FIELDS:
                local = local_value(entry[0], entry[1], home)
                if local is None:
                    continue
                value = local
            parts.append(plain_field(name, value))
            size += len(parts[-1])
            if size > self._max_list:
                raise ConnectionFault(Failure.COMPRESSION_ERROR, "a header block is too large")
        block = b"".join(parts)
        if not self._forgotten:
            self._forgotten = True
            self.due_update = b""
            block = EMPTY_TABLE + block
        return block

    def _taken_back(self, stream_id: int, stream: Stream, payload: bytes) -> None:
        exchange = stream.exchange
        failure = int.from_bytes(payload, "big")
        if failure != Failure.NO_ERROR or not stream.service_ended:
            why = f"the service reset the stream, code {failure}"
            self._splice.server.recorder.left(exchange, "service", why)
        self._calls.forget(stream_id)
        self._calls.ended(stream_id, stream)

    def _stray_data(self, stream_id: int, length: int) -> bytes:
        """Of a call that is over: nobody else gives this part of the connection's window back."""
        self._check_made(stream_id)
        if length:
            self._splice.to_service(window_update(0, length))
        return b""


def _must_go(name: bytes, home: Home) -> bool:
    # Only over TLS does any client heed Alt-Svc, and Google's front end puts it on every answer.
    return name == HINT or (name == b"alt-svc" and home.client.startswith(b"https:"))


def _cors(glance: Glance, stream: Stream, home: Home) -> tuple[bytes, frozenset[bytes]]:
    """The lines for a page of an allowed origin, and the fields that give way to them."""
    return settle(stream.cors, glance.find(ALLOW_ORIGIN), home)


def _as_frames(block: bytes, flags: int, stream_id: int) -> bytes:
    return block_frames(
        block, flags=flags & END_STREAM, stream_id=stream_id, max_frame=SMALLEST_MAX_FRAME
    )
