"""One proxy between a client and a service that say exactly the frames of a row, for many rows."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import hpack

from authproxy.exchange import Exchange
from authproxy.wire.http2.framing.frames import (
    ACK,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    frame,
    read_header,
)
from tests.support.http2 import Frame
from tests.support.proxying import RunningProxy, proxying

Result = TypeVar("Result")
PATIENCE_S = 10


@dataclass
class End:
    """One end of a connection: what it has heard, and a way to say something."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[Frame] = field(default_factory=list)
    is_closed: bool = False
    confirms: bool = True

    async def listen(self, changed: asyncio.Condition) -> None:
        """Note every frame until the end."""
        try:
            while True:
                high, low, kind, flags, stream_id = read_header(await self.reader.readexactly(9))
                payload = await self.reader.readexactly(high << 8 | low)
                self.heard.append(Frame(kind, flags, stream_id, payload))
                if kind == SETTINGS and not flags & ACK and self.confirms:
                    self.writer.write(frame(SETTINGS, ACK, 0))
                if kind == PING and not flags & ACK:
                    self.writer.write(frame(PING, ACK, 0, payload))
                async with changed:
                    changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.is_closed = True
            async with changed:
                changed.notify_all()

    def resets(self) -> list[tuple[int, int]]:
        """Stream and code of each RST_STREAM."""
        return [
            (f.stream_id, int.from_bytes(f.payload, "big"))
            for f in self.heard
            if f.kind == RST_STREAM
        ]

    def goaways(self) -> list[int]:
        """The code of each GOAWAY."""
        return [int.from_bytes(f.payload[4:8], "big") for f in self.heard if f.kind == GOAWAY]

    def heads(self) -> list[list[tuple[bytes, bytes]]]:
        """Each header block, decoded."""
        decoder = hpack.Decoder()
        return [
            [(bytes(n), bytes(v)) for n, v in decoder.decode(f.payload, raw=True)]
            for f in self.heard
            if f.kind == HEADERS and f.flags & END_HEADERS
        ]

    def statuses(self) -> list[bytes]:
        return [dict(head)[b":status"] for head in self.heads() if head[0][0] == b":status"]

    def of(self, kind: int, stream_id: int = 1) -> list[Frame]:
        return [f for f in self.heard if f.kind == kind and f.stream_id == stream_id]


class Between:
    """Runs in a thread of its own, so that rows may be plain functions."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Condition()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.service: End | None = None
        """The latest connection that the service accepted."""
        self.greeting = b""
        self.proxy: RunningProxy
        self._thread = threading.Thread(target=self._run, name="proxy between the rows' ends")

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with proxying(f"http://localhost:{port}") as self.proxy:
            self._ready.set()
            await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert PREFACE == await reader.readexactly(len(PREFACE))
        end = End(reader, writer)
        writer.write(frame(SETTINGS, 0, 0) + self.greeting)
        self._listen(end)
        self.service = end

    def _listen(self, end: End) -> None:
        task = self._loop.create_task(end.listen(self._changed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run in the proxy's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    @contextmanager
    def client(self, said: bytes = b"", *, greets: bool = True) -> Iterator[End]:
        """A new connection of a client, which says `said` at once."""

        async def connect() -> End:
            self.service = None
            while not self.proxy.heard.came.empty():
                self.proxy.heard.came.get_nowait()
            reader, writer = await self.proxy.connect()
            end = End(reader, writer)
            writer.write((PREFACE + frame(SETTINGS, 0, 0) if greets else b"") + said)
            self._listen(end)
            return end

        async def leave(end: End) -> None:
            end.writer.transport.abort()
            if self.service is not None:
                self.service.writer.transport.abort()

        end = self.do(connect())
        try:
            yield end
        finally:
            self.do(leave(end))

    def say(self, end: End, data: bytes) -> None:
        async def write() -> None:
            end.writer.write(data)

        self.do(write())

    def wait(self, *conditions: Any) -> None:
        """Until all of them hold."""

        async def hold() -> None:
            async with asyncio.timeout(PATIENCE_S - 1), self._changed:
                await self._changed.wait_for(lambda: all(condition() for condition in conditions))

        self.do(hold())

    def exchange(self) -> Exchange:
        """The next one that ends."""
        return self.do(self._exchanges())[0]

    async def _exchanges(self) -> Sequence[Exchange]:
        return await self.proxy.heard.wait_for(1)

    def __enter__(self) -> "Between":
        self._thread.start()
        self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
