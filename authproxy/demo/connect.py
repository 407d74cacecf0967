"""A CONNECT proxy that leads Google's hard-coded host names to the pretend Google.

google-auth's `authorized_user` and generateIdToken flows know only oauth2.googleapis.com and
iamcredentials.googleapis.com. With HTTPS_PROXY set to this, and the private authority trusted, they
run unchanged. The tunnel's other end speaks TLS itself; nothing here reads what passes.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from authproxy.tasks import Tasks

CHUNK = 64 * 1024
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ConnectProxy:
    """Tunnels to the loopback port that `find_port` gives for a host name; refuses all others."""

    def __init__(self, find_port: Callable[[str], int | None]) -> None:
        self.connected: Counter[str] = Counter()
        """Tunnels opened, by host name."""
        self.port = 0
        self._find_port = find_port
        self._tasks = Tasks()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._tasks.cancel()
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.spawn(self._serve(reader, writer), name="demo-connect")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._tunnel(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        finally:
            await _close(writer)

    async def _tunnel(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, _, rest = head.partition(b" ")
        host = rest.partition(b" ")[0].decode("latin-1").rpartition(":")[0].lower()
        port = self._find_port(host) if method == b"CONNECT" else None
        if port is None:
            writer.write(_refusal(host))
            await writer.drain()
            return
        self.connected[host] += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(ESTABLISHED)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(reader, far_writer), name="demo-connect-up")
                pumps.create_task(_pump(far_reader, writer), name="demo-connect-down")
        except* OSError:
            writer.transport.abort()  # a broken tunnel must not look like a finished one
        finally:
            await _close(far_writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _refusal(host: str) -> bytes:
    body = f"the pretend Google does not know {host or 'this request'}\n".encode()
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
