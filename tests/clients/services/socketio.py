"""A Socket.IO server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authproxy.demo.cloudrun import App
from tests.clients.running import HERE, PLACE
from tests.support.behind import Forward, free_port, running


@asynccontextmanager
async def socketio() -> AsyncIterator[App]:
    """A Socket.IO server in a process of its own."""
    port, server = free_port(), HERE / "scripts" / "socketio_server.py"
    async with running(port, str(server), str(port), program=str(PLACE / "bin" / "python")):
        yield Forward(port).handle
