"""Both sides of HTTP/2: a client that says what frames it likes, a service that notes what came."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hpack
import trustme

from authproxy.wire.http2.framing.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    block_frames,
    frame,
    read_header,
)
from tests.support.proxying import RunningProxy

Pair = tuple[bytes, bytes]


def call_of(*more: Pair, path: bytes = b"/", host: bytes = b"localhost") -> list[Pair]:
    """A GET, or what `more` makes of it."""
    return [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", host),
        *more,
    ]


@dataclass(frozen=True)
class Frame:
    kind: int
    flags: int
    stream_id: int
    payload: bytes


@dataclass
class Answer:
    fields: list[Pair] = field(default_factory=list)
    body: bytes = b""
    trailers: list[Pair] = field(default_factory=list)
    reset: int | None = None
    """The code of the RST_STREAM that ended it, if one did."""

    def take(self, fields: list[Pair]) -> None:
        (self.trailers if self.fields else self.fields).extend(fields)

    def get(self, name: bytes) -> bytes | None:
        return next((value for n, value in self.fields if n == name), None)


class Client:
    """Says exactly what a test wants, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.seen: list[Frame] = []
        self.settings = 0
        """How many times the other side has sent settings; each is confirmed."""

    def say(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    def greet(self, settings: bytes = b"") -> None:
        self.say(PREFACE, frame(SETTINGS, 0, 0, settings))

    def headers(self, stream_id: int, fields: Sequence[Pair], *, ended: bool = True) -> bytes:
        return block_frames(
            self.encoder.encode(fields),
            flags=END_STREAM if ended else 0,
            stream_id=stream_id,
            max_frame=16384,
        )

    def call(self, stream_id: int, *more: Pair, path: bytes = b"/", ended: bool = True) -> None:
        self.say(self.headers(stream_id, call_of(*more, path=path), ended=ended))

    async def next_frame(self) -> Frame:
        """The next frame; IncompleteReadError or ConnectionError at the end."""
        async with asyncio.timeout(10):
            head = await self.reader.readexactly(9)
            high, low, kind, flags, stream_id = read_header(head)
            payload = await self.reader.readexactly(high << 8 | low)
        found = Frame(kind, flags, stream_id, payload)
        self.seen.append(found)
        if kind == SETTINGS and not flags & ACK:
            self.settings += 1
            self.say(frame(SETTINGS, ACK, 0))
        return found

    async def frame_of(self, kind: int) -> Frame:
        """The next frame of this kind."""
        while (found := await self.next_frame()).kind != kind:
            if found.kind in (HEADERS, CONTINUATION):
                self.decoder.decode(found.payload, raw=True)
        return found

    async def answer(self, stream_id: int) -> Answer:
        """What comes on a stream until it ends; of other streams only the header tables learn."""
        answer = Answer()
        block = b""
        while True:
            found = await self.next_frame()
            mine = found.stream_id == stream_id
            if found.kind in (HEADERS, CONTINUATION):
                block += found.payload
                if found.flags & END_HEADERS:
                    fields = [(n, v) for n, v in self.decoder.decode(block, raw=True)]
                    block = b""
                    if mine:
                        answer.take(fields)
            elif mine and found.kind == DATA:
                answer.body += found.payload
            elif mine and found.kind == RST_STREAM:
                answer.reset = int.from_bytes(found.payload, "big")
                return answer
            if mine and found.kind in (DATA, HEADERS) and found.flags & END_STREAM:
                return answer

    async def goodbye(self) -> tuple[int, int, bytes]:
        """The last stream, code and reason of the GOAWAY that comes."""
        payload = (await self.frame_of(GOAWAY)).payload
        return (
            int.from_bytes(payload[:4], "big"),
            int.from_bytes(payload[4:8], "big"),
            payload[8:],
        )

    async def rest(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read(-1)


@asynccontextmanager
async def http2_client(proxy: RunningProxy, *, greets: bool = True) -> AsyncIterator[Client]:
    reader, writer = await proxy.connect()
    client = Client(reader, writer)
    if greets:
        client.greet()
    try:
        yield client
    finally:
        writer.transport.abort()


@dataclass
class Call:
    """A request that the service got."""

    connection: "Served"
    stream_id: int
    fields: list[Pair]
    body: bytes = b""
    trailers: list[Pair] = field(default_factory=list)
    reset: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def get(self, name: bytes) -> bytes | None:
        return next((value for n, value in self.fields if n == name), None)

    def answer(self, body: bytes = b"ok", *more: Pair, status: bytes = b"200") -> None:
        """A whole answer that fits the window."""
        h2 = self.connection.h2
        h2.send_headers(self.stream_id, [(b":status", status), *more], end_stream=not body)
        if body:
            h2.send_data(self.stream_id, body, end_stream=True)
        self.connection.flush()


Handler = Callable[[Call], Awaitable[None]]


async def ok(call: Call) -> None:
    """Answer when the request has come in whole."""
    await call.ended.wait()
    if call.reset is None:
        call.answer()


class Served:
    """One connection that the service accepted."""

    def __init__(self, service: "Service", writer: asyncio.StreamWriter) -> None:
        config = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self.h2 = h2.connection.H2Connection(config)
        self.service = service
        self.writer = writer
        self.calls: dict[int, Call] = {}
        self.events: list[h2.events.Event] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data and not self.writer.transport.is_closing():
            self.writer.write(data)

    async def serve(self, reader: asyncio.StreamReader) -> None:
        wanted = self.service.settings
        values = {h2.settings.SettingCodes(number): value for number, value in wanted.items()}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=values)
        self.h2.initiate_connection()
        self.flush()
        while data := await reader.read(65536):
            try:
                for event in self.h2.receive_data(data):
                    self.events.append(event)
                    self._take(event)
            except h2.exceptions.ProtocolError:
                self.flush()  # its GOAWAY
                return
            self.flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event)
        elif isinstance(event, h2.events.DataReceived):
            self.calls[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.calls[event.stream_id].trailers = [(bytes(n), bytes(v)) for n, v in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            self.calls[event.stream_id].ended.set()
        elif isinstance(event, h2.events.StreamReset):
            call = self.calls[event.stream_id]
            call.reset = int(event.error_code)
            call.ended.set()
        elif isinstance(event, h2.events.SettingsAcknowledged) and 1 in self.service.settings:
            self.h2.decoder.max_allowed_table_size = self.service.settings[1]

    def _begin(self, event: h2.events.RequestReceived) -> None:
        call = Call(self, event.stream_id, [(bytes(n), bytes(v)) for n, v in event.headers])
        self.calls[event.stream_id] = call
        self.service.calls.append(call)
        task = asyncio.get_running_loop().create_task(self._handle(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, call: Call) -> None:
        try:
            await self.service.handler(call)
        except h2.exceptions.ProtocolError:
            if self.h2.state_machine.state is not h2.connection.ConnectionState.CLOSED:
                raise  # else the client said GOAWAY, and h2 lets nobody answer any more

    async def end(self) -> None:
        self.writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass
class Service:
    handler: Handler
    settings: dict[int, int]
    port: int = 0
    trust: ssl.SSLContext | None = None
    calls: list[Call] = field(default_factory=list)
    connections: list[Served] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'http' if self.trust is None else 'https'}://localhost:{self.port}"

    @property
    def authority(self) -> bytes:
        return f"localhost:{self.port}".encode()


def h2_trust(authority: trustme.CA) -> ssl.SSLContext:
    """The side that trusts `authority` and speaks HTTP/2 only."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    trusting.set_alpn_protocols(["h2"])
    return trusting


@asynccontextmanager
async def http2_service(
    handler: Handler = ok,
    *,
    tls: bool = False,
    authority: trustme.CA | None = None,
    settings: dict[int, int] | None = None,
    port: int = 0,
) -> AsyncIterator[Service]:
    """A service on a port of localhost, a free one unless told; `handler` runs for each call as its
    fields are in."""
    service = Service(handler, settings or {})
    certificate = None
    if tls:
        authority = authority or trustme.CA()
        certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(certificate)
        certificate.set_alpn_protocols(["h2"])
        service.trust = h2_trust(authority)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = Served(service, writer)
        service.connections.append(served)
        try:
            await served.serve(reader)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            await served.end()

    server = await asyncio.start_server(accept, "127.0.0.1", port, ssl=certificate)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        for served in service.connections:
            await served.end()
        await asyncio.sleep(0)
