"""HTTP/2 for the pretend Cloud Run, on the same port, as the real front end has it.

Each stream is to the server behind it a connection of HTTP/1.1 with one request. What gRPC has as
trailers, the app writes as fields of its answer (`Grpc-Status`): here they go behind the body.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from authproxy.wire.http1.chunks import Chunks
from authproxy.wire.http1.heads import parse_field, parse_status_line

ALPN = ("h2", "http/1.1")
Pair = tuple[bytes, bytes]

_HOP_BY_HOP = frozenset([b"connection", b"keep-alive", b"transfer-encoding", b"upgrade"])
_TRAILERS = frozenset([b"grpc-status", b"grpc-message", b"grpc-status-details-bin"])
_MAX_PENDING = 64 * 1024
"""Bytes of an answer that wait for the client's window until the app is told to wait as well."""


class ByAlpn(asyncio.Protocol):
    """A new connection: what the client has chosen takes it over."""

    def __init__(
        self, make_handler: Callable[[], asyncio.Protocol], connections: "set[Http2Connection]"
    ) -> None:
        """`make_handler` gives what speaks HTTP/1.1; `connections`: where those of HTTP/2 are."""
        self._make_handler = make_handler
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        if chosen == "h2":
            protocol: asyncio.Protocol = Http2Connection(self._make_handler, self._connections)
        else:
            protocol = self._make_handler()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


class Http2Connection(asyncio.Protocol):
    """One client. Each of its streams gets a handler of its own."""

    def __init__(
        self, make_handler: Callable[[], asyncio.Protocol], connections: "set[Http2Connection]"
    ) -> None:
        self._make_handler = make_handler
        self._connections = connections
        self._streams: dict[int, Stream] = {}
        config = H2Configuration(client_side=False, header_encoding=None)
        self.h2 = H2Connection(config)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- for the type checker
        self.transport = transport
        self._connections.add(self)
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.h2.receive_data(data):
                self._take(event)
        except ProtocolError:
            self.flush()  # h2's GOAWAY
            self.close()
        else:
            self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._connections.discard(self)
        for stream in list(self._streams.values()):
            stream.lost(exc or ConnectionResetError("the client left"))

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data and self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def ended(self, stream_id: int) -> None:
        self._streams.pop(stream_id, None)

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            stream = Stream(self, event.stream_id or 0, self._make_handler())
            self._streams[stream.stream_id] = stream
            stream.begin([(bytes(name), bytes(value)) for name, value in event.headers or ()])
        elif isinstance(event, WindowUpdated):
            for stream in list(self._streams.values()):
                stream.flush()
        elif isinstance(event, DataReceived | StreamEnded | StreamReset):
            self._tell(event, self._streams.get(event.stream_id or 0))

    def _tell(
        self, event: DataReceived | StreamEnded | StreamReset, stream: "Stream | None"
    ) -> None:
        if isinstance(event, DataReceived):
            size = event.flow_controlled_length or 0
            if stream is not None:
                stream.received(event.data or b"", size)
            else:
                self.h2.acknowledge_received_data(size, event.stream_id or 0)
        elif stream is not None and isinstance(event, StreamEnded):
            stream.received_all()
        elif stream is not None:
            stream.lost(ConnectionResetError("the client took the call back"))

    def __repr__(self) -> str:
        return f"<Http2Connection [{len(self._streams)} streams]>"


class Stream(asyncio.Transport):
    """A request and its answer; to `handler` it is the connection that they come and go by."""

    def __init__(
        self, connection: Http2Connection, stream_id: int, handler: asyncio.Protocol
    ) -> None:
        super().__init__()
        self.stream_id = stream_id
        self._connection = connection
        self._handler: Any = handler
        self._answer = _Answer()
        self._chunked = False
        self._holds_back = False
        self._unread = 0
        """Bytes that came while the handler would not read: the client's window stays smaller."""
        self._is_told_to_wait = False
        self._is_over = self._is_closing = False

    # The request.

    def begin(self, fields: list[Pair]) -> None:
        found = dict(fields)
        lines = [b"%b %b HTTP/1.1" % (found[b":method"], found.get(b":path", b"*"))]
        if b":authority" in found and b"host" not in found:
            lines.append(b"Host: " + found[b":authority"])
        lines += [b"%b: %b" % field for field in fields if not field[0].startswith(b":")]
        self._chunked = b"content-length" not in found and found[b":method"] not in _BODILESS
        if self._chunked:
            lines.append(b"Transfer-Encoding: chunked")
        self._answer.is_bodiless = found[b":method"] == b"HEAD"
        self._handler.connection_made(self)
        self._handler.data_received(b"\r\n".join([*lines, b"", b""]))

    def received(self, data: bytes, size: int) -> None:
        self._unread += size
        if data:
            piece = b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data
            self._handler.data_received(piece)
        if not self._holds_back:
            self._acknowledge()

    def received_all(self) -> None:
        if self._chunked:
            self._handler.data_received(b"0\r\n\r\n")

    def lost(self, exc: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._connection.ended(self.stream_id)
            self._handler.connection_lost(exc)

    def _acknowledge(self) -> None:
        size, self._unread = self._unread, 0
        if size:
            self._connection.h2.acknowledge_received_data(size, self.stream_id)

    # The answer.

    def flush(self) -> None:
        """Send what the client's window lets through, and the end when all has gone."""
        h2, answer = self._connection.h2, self._answer
        if self._is_over or not answer.fields:
            return
        self._send_head()
        while answer.body and (room := h2.local_flow_control_window(self.stream_id)) > 0:
            size = min(room, h2.max_outbound_frame_size, len(answer.body))
            h2.send_data(self.stream_id, bytes(answer.body[:size]))
            del answer.body[:size]
        if answer.is_whole and not answer.body:
            self._end()
        elif self._is_told_to_wait and len(answer.body) < _MAX_PENDING:
            self._is_told_to_wait = False
            self._handler.resume_writing()

    def _send_head(self) -> None:
        """And interim ones before it."""
        for fields in self._answer.take_heads():
            self._connection.h2.send_headers(self.stream_id, fields)

    def _end(self) -> None:
        h2, stream_id = self._connection.h2, self.stream_id
        if self._answer.trailers:
            h2.send_headers(stream_id, self._answer.trailers, end_stream=True)
        else:
            h2.end_stream(stream_id)
        self._is_over = True
        self._connection.ended(stream_id)
        self._handler.close()  # it comes back with `close` when its work is done

    # What a transport has to have.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_over:
            return
        self._answer.feed(bytes(data))
        self.flush()
        if len(self._answer.body) >= _MAX_PENDING and not self._is_told_to_wait:
            self._is_told_to_wait = True
            self._handler.pause_writing()
        self._connection.flush()

    def close(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._answer.is_whole = True  # a body without a length ends here
        self.flush()
        self._connection.flush()
        asyncio.get_running_loop().call_soon(self._closed)

    def _closed(self) -> None:
        if not self._is_over:
            self._connection.h2.reset_stream(self.stream_id, ErrorCodes.INTERNAL_ERROR)
            self._connection.flush()
            self._connection.ended(self.stream_id)
            self._is_over = True
        self._handler.connection_lost(None)

    def abort(self) -> None:
        if self._connection.transport is not None:
            self._connection.transport.abort()

    def is_closing(self) -> bool:
        return self._is_closing or self._is_over

    def pause_reading(self) -> None:
        self._holds_back = True

    def resume_reading(self) -> None:
        self._holds_back = False
        if not self._is_over:
            self._acknowledge()
            self._connection.flush()

    def get_extra_info(self, name: str, default: object = None) -> Any:
        transport = self._connection.transport
        return default if transport is None else transport.get_extra_info(name, default)


_BODILESS = (b"GET", b"HEAD", b"OPTIONS", b"DELETE")


class _Answer:
    """A handler's answer, taken apart."""

    def __init__(self) -> None:
        self.fields: list[Pair] = []
        """Of the final head."""
        self.trailers: list[Pair] = []
        self.body = bytearray()
        self.is_whole = False
        self.is_bodiless = False
        self._heads: list[list[Pair]] = []
        self._begun = b""
        self._left: int | None = None
        self._chunks: Chunks | None = None

    def take_heads(self) -> list[list[Pair]]:
        """Those that have not been taken yet."""
        heads, self._heads = self._heads, []
        return heads

    def feed(self, data: bytes) -> None:
        while data and not self.fields:
            head, end, rest = (self._begun + data).partition(b"\r\n\r\n")
            self._begun = b"" if end else head
            if not end:
                return
            self._read_head(head)
            data = rest
        self._read_body(data)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        status = parse_status_line(first).status
        found = [parse_field(line)[:2] for line in lines]
        fields = [(b":status", b"%d" % status)]
        fields += [field for field in found if field[0] not in _HOP_BY_HOP]
        if status < 200:
            self._heads.append(fields)
            return
        told = dict(found)
        if told.get(b"content-type", b"").startswith(b"application/grpc"):
            self.trailers = [field for field in fields if field[0] in _TRAILERS]
            fields = [field for field in fields if field not in self.trailers]
        self.fields = fields
        self._heads.append(fields)
        self._frame_body(status, told)

    def _frame_body(self, status: int, told: dict[bytes, bytes]) -> None:
        if self.is_bodiless or status in (204, 304):
            self.is_whole = True
        elif told.get(b"transfer-encoding") == b"chunked":
            self._chunks = Chunks(trailer_bytes=65536, trailer_fields=100)
        elif b"content-length" in told:
            self._left = int(told[b"content-length"])
            self.is_whole = not self._left

    def _read_body(self, data: bytes) -> None:
        if self._chunks is None:
            self.body += data
            if self._left is not None:
                self._left -= len(data)
                self.is_whole |= self._left <= 0
            return
        self._chunks.feed(data)
        self.body += b"".join(self._chunks.pieces)
        self._chunks.pieces.clear()
        self.is_whole |= self._chunks.is_over
