"""A protocol that keeps what it hears, on a connection that a Connector opened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authproxy.wire.upstream.connector import Connector


class Ears(asyncio.Protocol):
    """Keeps what it hears."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.data = b""
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # -- aiofastnet's has the methods only

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def opened(connector: Connector, *, http2: bool = False) -> AsyncIterator[Ears]:
    ears = await connector.open(Ears, http2=http2)
    try:
        yield ears
    finally:
        ears.transport.close()
        async with asyncio.timeout(10):
            await ears.lost.wait()
