"""An application in a process of its own, behind the pretend Cloud Run."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from authproxy.tasks import Tasks
from tests.support.program import clean_environment

APPS = Path(__file__).parent / "apps"
_NOT_PASSED = frozenset(["content-length", "transfer-encoding", "connection", "content-encoding"])


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@asynccontextmanager
async def running(port: int, *command: str, program: str = sys.executable) -> AsyncIterator[None]:
    """`python COMMAND…`, or another program, listening on `port` when entered."""
    process = await asyncio.create_subprocess_exec(
        program,
        *command,
        env=clean_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    tasks = Tasks()
    output = tasks.start(process.stdout.read(), name="output of the application")
    try:
        async with asyncio.timeout(50):
            while not await _listens(port):
                assert process.returncode is None, (await output).decode()
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await output


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


class Forward:
    """What the container's end of Cloud Run does: hand requests on to the application's port."""

    def __init__(self, port: int) -> None:
        self._at = f"127.0.0.1:{port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._bridge(request)
        body = await request.read()
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                URL(f"http://{self._at}{request.raw_path}", encoded=True),
                headers=request.headers,
                data=body,
                allow_redirects=False,
            ) as answer,
        ):
            passed = web.Response(status=answer.status, body=await answer.read())
            for name, value in answer.headers.items():
                if name.lower() not in _NOT_PASSED or name.lower() == "content-encoding":
                    passed.headers.add(name, value)
            return passed

    async def _bridge(self, request: web.Request) -> web.StreamResponse:
        protocols = request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
        wanted = [protocol for protocol in protocols if protocol]
        kept = {"Host", "Origin", "Cookie", "X-Forwarded-Proto"}
        headers = {name: value for name, value in request.headers.items() if name in kept}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"http://{self._at}{request.raw_path}", headers=headers, protocols=wanted
            ) as there,
        ):
            here = web.WebSocketResponse(protocols=[there.protocol] if there.protocol else ())
            await here.prepare(request)
            tasks = Tasks()
            pumps = [
                tasks.start(_pump(here, there), name="to the application"),
                tasks.start(_pump(there, here), name="from the application"),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await tasks.cancel()
            await here.close()
        return here


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: Socket, to: Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await to.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await to.send_bytes(message.data)
