"""What a client of the data path says and hears, byte by byte, and what it waits for."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trustme

from authproxy.wire.client.connection import ClientConnection
from tests.support.proxying import RunningProxy
from tests.support.secrecy import overhear_answer

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def get(target: str, *fields: str, method: str = "GET", host: str = "localhost") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(body: bytes, *fields: str) -> bytes:
    return get("/", f"Content-Length: {len(body)}", *fields, method="POST") + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next answer's head and its body, whose length the head says."""
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = await reader.readexactly(length)
        overhear_answer(head + body)
        return head, body


async def read_rest(reader: asyncio.StreamReader) -> bytes:
    """All that still comes; ConnectionResetError if the connection was cut off."""
    async with asyncio.timeout(10):
        return overhear_answer(await reader.read(-1))


async def answer_of(port: int) -> bytes:
    """All that comes for LAST_GET, by a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LAST_GET)
    answer = await read_rest(reader)
    writer.close()
    return answer


async def was_cut(reader: asyncio.StreamReader) -> bool:
    """Does the connection end with a reset, so that nobody takes what came for whole?"""
    try:
        await read_rest(reader)
    except ConnectionResetError:
        return True
    return False


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what only shows in a state."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- there is no event to wait for
            await asyncio.sleep(0.001)


async def accepted(proxy: RunningProxy) -> ClientConnection:
    """The proxy's side of the only open client connection."""
    await until(lambda: bool(proxy.server.connections))
    (connection,) = proxy.server.connections
    assert isinstance(connection, ClientConnection)
    return connection


def tls_contexts(name: str = "localhost") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The service's side, with a certificate for `name`, and the side that trusts it."""
    authority = trustme.CA()
    service = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(service)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return service, trusting


@asynccontextmanager
async def tls_connection() -> AsyncIterator[asyncio.Transport]:
    """The client's side of a connection in TLS, by the transports of the running loop."""
    server_side, client_side = tls_contexts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_connection(
        asyncio.Protocol, "127.0.0.1", port, ssl=client_side, server_hostname="localhost"
    )
    try:
        yield transport
    finally:
        transport.abort()
        server.close()
