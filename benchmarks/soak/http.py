"""A small HTTP/1.1 client over a bare connection, which can read as slowly as it likes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

READ = 64 * 1024


class WrongError(Exception):
    """An answer was not what it had to be; the text says how."""


@dataclass(frozen=True, slots=True)
class Line:
    """A connection to the proxy."""

    host: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, target: str, *, body: memoryview | None = None) -> "Answer":
        """Send a request, POST if it has a body, and read the answer's head."""
        method = "GET" if body is None else "POST"
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\n"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        self.writer.write(f"{head}\r\n".encode())
        for start in range(0, len(body or b""), READ):
            assert body is not None
            self.writer.write(body[start : start + READ])
            await self.writer.drain()
        return await self._answer()

    async def _answer(self) -> "Answer":
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.rstrip().split("\r\n")
        if not status_line.startswith("HTTP/1.1 200 "):
            said = await self.reader.read(500)
            raise WrongError(f"was answered {status_line}: {said!r}")
        fields = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        return Answer(self.reader, fields)

    def cut(self) -> None:
        """End it with a reset."""
        self.writer.transport.abort()


@dataclass(frozen=True, slots=True)
class Answer:
    """Its head is in, its body is still to be read."""

    reader: asyncio.StreamReader
    fields: dict[str, str]

    async def pieces(self, most: int = READ) -> AsyncIterator[bytes]:
        """The body, piece by piece. Raises EOFError when it is cut."""
        if "content-length" in self.fields:
            async for piece in self._exactly(int(self.fields["content-length"]), most):
                yield piece
            return
        if self.fields.get("transfer-encoding") != "chunked":
            raise WrongError(f"has no end: {self.fields}")
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            async for piece in self._exactly(size, most):
                yield piece
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)

    async def whole(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def _exactly(self, left: int, most: int) -> AsyncIterator[bytes]:
        while left:
            piece = await self.reader.read(min(left, most))
            if not piece:
                raise EOFError(f"{left} bytes are missing")
            left -= len(piece)
            yield piece


@asynccontextmanager
async def connected(port: int, host: str, *, receive: int = 0) -> AsyncIterator[Line]:
    """A connection; `receive` bounds what the kernel takes for it."""
    sock = socket.socket()
    sock.setblocking(False)
    if receive:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    reader, writer = await asyncio.open_connection(sock=sock, limit=READ)
    line = Line(f"{host}.localhost", reader, writer)
    try:
        yield line
    finally:
        line.writer.close()
