"""What a service sends: it passes as it came, as long as nothing in it must be changed.

The header blocks are read all the same, for the status. Should one of them need a change (a
Location that names the service), the client is told to forget its table, and from then on every
block of this connection is written anew, without a table.
"""

import time
from typing import TYPE_CHECKING

from authproxy.exchange import ResponseHead
from authproxy.policy.calls import Pair
from authproxy.policy.headers import local_location
from authproxy.policy.retry import is_token_rejection
from authproxy.wire.http2.blocks import EMPTY_TABLE, BlockReader, plain_block
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
from authproxy.wire.http2.settings import MAX_TABLE, tame_settings

if TYPE_CHECKING:
    from authproxy.wire.http2.splice import Splice
    from authproxy.wire.http2.streams import Stream

MAX_KNOWN = 32
MAX_KNOWN_BYTES = 4096
_LISTS = 4
"""How many times the size of a head a block may unfold to: answers are the service's business."""


class Block:
    """What a block of the service's says."""

    __slots__ = ("fields", "must_change", "status")

    def __init__(self, fields: list[Pair], service: bytes) -> None:
        self.fields = fields
        self.status = _status(fields)
        """0 for trailers."""
        self.must_change = any(
            (name == b"location" and value[: len(service)].lower() == service) or name == b"alt-svc"
            for name, value in fields
        )


class Answers:
    """Receives the service's frames."""

    def __init__(self, splice: "Splice") -> None:
        self._splice = splice
        self._reader = BlockReader(max_list=_LISTS * splice.server.limits.head_bytes)
        # What a client may allow; it is the one who checks that the service keeps to it.
        self._reader.allow_table(MAX_TABLE)
        self._known: dict[bytes, Block] = {}
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
        known = self._known.get(block) or self._read(block)
        stream = self._splice.calls.streams.get(stream_id)
        if stream is not None and kind != PUSH_PROMISE:
            self._note(known, flags, stream_id, stream)
        if stream_id in self._splice.calls.refused:
            self._rewrites = True  # the client must not miss what the block does to its table
            return b""
        if not self._rewrites and not known.must_change:
            return None
        self._rewrites = True
        if kind == PUSH_PROMISE:
            raise ConnectionFault(Failure.INTERNAL_ERROR, "a push after a redirect")
        return self._rewritten(known, flags, stream_id)

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        splice = self._splice
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

    def _read(self, block: bytes) -> Block:
        before = self._reader.changes
        known = Block(self._reader.read(block), self._splice.caller.origins[0].lower())
        if self._reader.changes != before:
            self._known.clear()
        elif len(block) <= MAX_KNOWN_BYTES:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[block] = known
        return known

    def _note(self, known: Block, flags: int, stream_id: int, stream: "Stream") -> None:
        stream.silent_s = 0.0
        exchange = stream.exchange
        status = known.status
        if not exchange.status and status >= 200:
            exchange.status = status
            exchange.first_byte_s = time.monotonic() - exchange.started
            if status == 401:
                self._note_rejection(known, stream)
        if flags & END_STREAM:
            self._splice.calls.service_ended(stream_id, stream)

    def _note_rejection(self, known: Block, stream: "Stream") -> None:
        """Google did not like the token: the next call shall have a new one."""
        head = ResponseHead(401, b"", [(name, value, b"") for name, value in known.fields])
        upstream = self._splice.upstream
        if upstream is not None and stream.token is not None and is_token_rejection(head):
            upstream.tokens.reject(stream.token)

    def _rewritten(self, known: Block, flags: int, stream_id: int) -> bytes:
        origins = self._splice.caller.origins
        block = plain_block(
            (name, local_location(value, *origins) if name == b"location" else value)
            for name, value in known.fields
            if name != b"alt-svc"
        )
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


def _status(fields: list[Pair]) -> int:
    value = next((value for name, value in fields if name == b":status"), b"0")
    if len(value) > 3 or not value.isdigit():
        raise ConnectionFault(Failure.PROTOCOL_ERROR, "an answer without a status")
    return int(value)
