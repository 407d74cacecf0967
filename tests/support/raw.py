"""A service that says exactly the bytes a test wants, and tells what it heard."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

NEVER_PAUSES = 16 * 1024 * 1024
"""As a limit: twice as much is more than a test sends."""

Conversation = Callable[["Call"], Awaitable[None]]


@dataclass
class Call:
    """One connection that the service accepted."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heads: list[bytes]

    async def read_head(self) -> bytes:
        """The next request's head, up to and with the empty line; empty at the end."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        self.heads.append(head)
        return head

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def cut(self) -> None:
        """Break the connection off with a reset."""
        if not self.writer.transport.is_closing():
            self.writer.transport.abort()


@dataclass
class RawService:
    port: int
    tls: bool
    calls: list[Call] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    @property
    def authority(self) -> bytes:
        return f"localhost:{self.port}".encode()


def always(answer: bytes) -> Conversation:
    """Answer every bodiless request on a kept-alive connection with the same bytes."""

    async def talk(call: Call) -> None:
        while await call.read_head():
            await call.say(answer)

    return talk


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def raw_service(
    talk: Conversation | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    limit: int = 64 * 1024,
) -> AsyncIterator[RawService]:
    """Listen on a free port of localhost; each connection is handled by `talk`.

    Its reader pauses above twice `limit` bytes. With aiofastnet and TLS it may then stay so, since
    asyncio's streams resume without what `wire.transport.resume` does.
    """
    service = RawService(0, tls is not None)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        call = Call(reader, writer, service.heads)
        service.calls.append(call)
        try:
            await (talk or always(OK))(call)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, limit=limit)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        for call in service.calls:
            call.cut()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
