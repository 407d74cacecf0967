"""The whole proxy within the test's process, with a configuration that the test writes anew."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from authproxy.config.changes import ReloadAnswer
from authproxy.config.loading import load
from authproxy.errors import Problem
from authproxy.exchange import Observer
from authproxy.identity.machine import Machine
from authproxy.observe.stream import open_stream
from authproxy.runtime.process.counters import limits_of_one_process
from authproxy.runtime.proxy import Proxy
from authproxy.runtime.reload import ConfigOrigin
from authproxy.settings import Settings
from authproxy.wire.interfaces import OpenConnection
from authproxy.wire.listening.server import ProxyServer


class Running:
    """A proxy, and the file that it was made of."""

    proxy: Proxy

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> tuple[Settings, Sequence[Problem]]:
        return load(urls=(), file=self.file, flags={}, environ={}), ()

    @property
    def ports(self) -> list[int]:
        return [int(url.rpartition(":")[2]) for url in self.proxy.urls]

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def connections(self) -> Sequence[OpenConnection]:
        """Of clients."""
        server = self.proxy.inside.server_of_clients
        assert isinstance(server, ProxyServer)
        return server.connections

    async def reload(self, text: str) -> ReloadAnswer:
        """Write the file and have it read."""
        self.file.write_text(text)
        async with asyncio.timeout(10):
            return await self.proxy.inside.reload()

    async def connect(self, port: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", port or self.port)

    async def ask(self, request: bytes, port: int = 0) -> bytes:
        """All that comes for one request, on a connection of its own."""
        reader, writer = await self.connect(port)
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.read(-1)
        writer.close()
        return answer


@asynccontextmanager
async def running(
    folder: Path, text: str, *, observers: Sequence[Observer] = ()
) -> AsyncIterator[Running]:
    """Started with `text` as its configuration, in a file in `folder`."""
    found = Running(folder / "authproxy.toml")
    found.file.write_text(text)
    origin = ConfigOrigin(read=found.read, file=found.file)
    with Machine(environ={}) as machine:
        settings, _ = origin.load()
        limits = limits_of_one_process(settings.limits)
        found.proxy = Proxy(settings, open_stream(None), observers, machine, limits, origin=origin)
        async with found.proxy:
            yield found
            found.proxy.cut()
