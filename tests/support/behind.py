"""An application in a process of its own, behind the pretend Cloud Run."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from authproxy.tasks import Tasks
from tests.support.program import clean_environment

APPS = Path(__file__).parent / "apps"
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp's client would add by itself."""
_NOT_SENT = frozenset(["connection", "expect", "transfer-encoding"])
_NOT_RETURNED = frozenset(["connection", "date", "server", "transfer-encoding"])
_OF_A_WEBSOCKET = frozenset(
    [
        *("connection", "upgrade", "sec-websocket-key", "sec-websocket-version"),
        *("sec-websocket-extensions", "sec-websocket-protocol"),
    ]
)
_UNLIMITED = aiohttp.ClientTimeout(total=None)


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
    """What the container's end of Cloud Run does: hand requests on to the application's port.

    Piece by piece, both ways.
    """

    def __init__(self, port: int) -> None:
        self._at = f"127.0.0.1:{port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            try:
                return await self._bridge(request)
            except aiohttp.WSServerHandshakeError as refusal:
                return web.Response(status=refusal.status)
        async with (
            aiohttp.ClientSession(auto_decompress=False, timeout=_UNLIMITED) as session,
            session.request(
                request.method,
                URL(f"http://{self._at}{request.raw_path}", encoded=True),
                headers=_passed(request.headers, _NOT_SENT),
                data=request.content if request.body_exists else None,
                skip_auto_headers=_AUTOMATIC,
                allow_redirects=False,
            ) as answer,
        ):
            fields = _passed(answer.headers, _NOT_RETURNED)
            passed = web.StreamResponse(status=answer.status, reason=answer.reason, headers=fields)
            await passed.prepare(request)
            async for piece in answer.content.iter_any():
                await passed.write(piece)
            await passed.write_eof()
            return passed

    async def _bridge(self, request: web.Request) -> web.StreamResponse:
        protocols = request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
        wanted = [protocol for protocol in protocols if protocol]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                URL(f"http://{self._at}{request.raw_path}", encoded=True),
                headers=_passed(request.headers, _OF_A_WEBSOCKET),
                protocols=wanted,
                max_msg_size=0,
            ) as there,
        ):
            here = web.WebSocketResponse(
                protocols=[there.protocol] if there.protocol else (), max_msg_size=0
            )
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


def _passed(fields: CIMultiDictProxy[str], left_out: frozenset[str]) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in fields.items() if name.lower() not in left_out
    )


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: Socket, to: Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await to.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await to.send_bytes(message.data)
