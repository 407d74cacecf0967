"""The CONNECT proxy leads to what it knows, refuses the rest, and leaves nothing open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from authproxy.demo.connect import ConnectProxy

KNOWN = b"CONNECT known.example:443 HTTP/1.1\r\nHost: known.example:443\r\n\r\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send everything back once the client has finished."""
    writer.write(await reader.read())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def proxy() -> AsyncIterator[ConnectProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    proxy = ConnectProxy({"known.example": port, "dead.example": 1}.get)
    await proxy.start()
    yield proxy
    await proxy.stop()
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def connection(
    proxy: ConnectProxy,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def test_bytes_pass_both_ways(proxy: ConnectProxy) -> None:
    data = bytes(range(256)) * 1000
    async with connection(proxy) as (reader, writer):
        writer.write(KNOWN)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        writer.write_eof()
        received = await reader.read()

    assert b"HTTP/1.1 200 Connection established\r\n\r\n" == head
    assert data == received
    assert {"known.example": 1} == proxy.connected


@pytest.mark.parametrize(
    ("request_head", "name"),
    [
        (b"CONNECT other.example:443 HTTP/1.1\r\n\r\n", b"other.example"),
        (b"GET / HTTP/1.1\r\n\r\n", b"this request"),
    ],
)
async def test_others_are_refused(proxy: ConnectProxy, request_head: bytes, name: bytes) -> None:
    async with connection(proxy) as (reader, writer):
        writer.write(request_head)
        answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert answer.endswith(b"\r\n\r\nthe pretend Google does not know " + name + b"\n")


async def test_client_that_leaves_early_hurts_nobody(proxy: ConnectProxy) -> None:
    async with connection(proxy) as (_, writer):
        writer.write(b"CONNECT known")

    await test_bytes_pass_both_ways(proxy)


async def test_dead_end_closes_the_connection(proxy: ConnectProxy) -> None:
    async with connection(proxy) as (reader, writer):
        writer.write(b"CONNECT dead.example:443 HTTP/1.1\r\n\r\n")

        assert b"" == await reader.read()


async def test_stopping_breaks_open_tunnels_off(proxy: ConnectProxy) -> None:
    async with connection(proxy) as (reader, writer):
        writer.write(KNOWN)
        await reader.readuntil(b"\r\n\r\n")

        await proxy.stop()

        assert b"" == await reader.read()
