"""What a service sends: it passes as it came, as long as nothing in it must be changed.

The header blocks are read all the same, for the status. Should one of them need a change (a
Location that names the service), the client is told to forget its table, and from then on every
block of this connection is written anew, without a table.
"""

import time
from typing import TYPE_CHECKING

from authproxy.exchange import ResponseHead
from authproxy.policy.headers import local_location
from authproxy.policy.retry import is_token_rejection
from authproxy.wire.http2.blocks import EMPTY_TABLE, plain_field
from authproxy.wire.http2.frames import (
    ACK,
    END_STREAM,
    GOAWAY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    SMALLEST_MAX_FRAME,
    STREAM_MASK,
    ConnectionFault,
    Failure,
    block_frames,
    frame,
    window_update,
)
from authproxy.wire.http2.glance import Glance, GlanceReader
from authproxy.wire.http2.settings import tame_settings

if TYPE_CHECKING:
    from authproxy.wire.http2.splice import Splice
    from authproxy.wire.http2.streams import Stream

# ALTSVC (RFC 7838) and ORIGIN (RFC 8336): they speak of the service's names, not of the client's.
_ABOUT_ORIGINS = frozenset([0x0A, 0x0C])
_LISTS = 4
"""How many times the size of a head a block may unfold to: answers are the service's business."""


class Answers:
    """Receives the service's frames."""

    def __init__(self, splice: "Splice") -> None:
        self._splice = splice
        self._reader = GlanceReader()
        self._max_list = _LISTS * splice.server.limits.head_bytes
        self._rewrites = False
        self._forgotten = False
        self.last_taken_id = STREAM_MASK
        """The highest stream that the service will answer, after its GOAWAY."""

    def data(self, flags: int, stream_id: int, length: int) -> bytes | None:
        stream = self._splice.calls.streams.get(stream_id)
        if stream is None:
            return self._stray_data(stream_id, length)
        stream.silent_s = 0.0
        stream.exchange.bytes_to_client += length
        if flags & END_STREAM:
            self._splice.calls.service_ended(stream_id, stream)
        return None

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        glance = self._reader.read(block)
        stream = self._splice.calls.streams.get(stream_id)
        if stream is not None and kind != PUSH_PROMISE:
            self._note(glance, flags, stream_id, stream)
        if stream_id in self._splice.calls.refused:
            self._rewrites = True  # the client must not miss what the block does to its table
            return b""
        must_change = glance.must_change
        if must_change is None:
            must_change = self._must_change(glance)
        if not self._rewrites and not must_change:
            return None
        self._rewrites = True
        if kind == PUSH_PROMISE:
            raise ConnectionFault(Failure.INTERNAL_ERROR, "a push after a redirect")
        origins = self._splice.caller.origins if stream is None else stream.origins
        return self._rewritten(glance, flags, stream_id, origins)

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        splice = self._splice
        if kind in _ABOUT_ORIGINS:
            return b""
        if kind == SETTINGS and not flags & ACK:
            splice.service_settings(payload)
            return frame(SETTINGS, 0, 0, tame_settings(payload))
        if kind == GOAWAY and len(payload) >= 4:
            self.last_taken_id = int.from_bytes(payload[:4], "big") & STREAM_MASK
        elif kind == RST_STREAM:
            stream = splice.calls.streams.get(stream_id)
            if stream is not None:
                self._taken_back(stream_id, stream, payload)
            elif stream_id in splice.calls.refused:
                return b""
        return None

    @property
    def _drops_alt_svc(self) -> bool:
        """Only over TLS does any client heed it, and Google's front end puts it on every answer."""
        return self._splice.caller.origins[1].startswith(b"https:")

    def _must_change(self, glance: Glance) -> bool:
        upstream = self._splice.upstream
        service = str(upstream.origin).encode() if upstream is not None else b""
        location = glance.find(b"location")
        glance.must_change = (
            location is not None and local_location(location, service, b"") != location
        ) or (self._drops_alt_svc and glance.find(b"alt-svc") is not None)
        return glance.must_change

    def _note(self, glance: Glance, flags: int, stream_id: int, stream: "Stream") -> None:
        stream.silent_s = 0.0
        exchange = stream.exchange
        status = glance.status
        if not exchange.status and status >= 200:
            exchange.status = status
            exchange.first_byte_s = time.monotonic() - exchange.started
            if status == 401:
                self._note_rejection(glance, stream)
        if flags & END_STREAM:
            self._splice.calls.service_ended(stream_id, stream)

    def _note_rejection(self, glance: Glance, stream: "Stream") -> None:
        """Google did not like the token: the next call shall have a new one."""
        fields = glance.fields(max_bytes=self._max_list)
        head = ResponseHead(401, b"", [(name, value, b"") for name, value in fields])
        upstream = self._splice.upstream
        if upstream is not None and stream.token is not None and is_token_rejection(head):
            upstream.tokens.reject(stream.token)

    def _rewritten(
        self, glance: Glance, flags: int, stream_id: int, origins: tuple[bytes, bytes]
    ) -> bytes:
        parts = []
        size = 0
        for name, value, is_coded in glance.entries:
            if name == b"location":
                value = local_location(glance.find(name) or b"", *origins)
                is_coded = False
            if name != b"alt-svc" or not self._drops_alt_svc:
                parts.append(plain_field(name, value, is_coded=is_coded))
                size += len(parts[-1])
            if size > self._max_list:
                raise ConnectionFault(Failure.COMPRESSION_ERROR, "a header block is too large")
        block = b"".join(parts)
        if not self._forgotten:
            self._forgotten = True
            block = EMPTY_TABLE + block
        return block_frames(
            block, flags=flags & END_STREAM, stream_id=stream_id, max_frame=SMALLEST_MAX_FRAME
        )

    def _taken_back(self, stream_id: int, stream: "Stream", payload: bytes) -> None:
        exchange = stream.exchange
        failure = int.from_bytes(payload, "big")
        if failure != Failure.NO_ERROR or not stream.service_ended:
            exchange.aborted = "service"
            exchange.detail = f"the service reset the stream, code {failure}"
        self._splice.calls.ended(stream_id, stream)

    def _stray_data(self, stream_id: int, length: int) -> bytes | None:
        if stream_id not in self._splice.calls.refused:
            return None  # it crossed with the client's reset, and the client counts it
        if length:
            self._splice.to_service(window_update(0, length))
        return b""
