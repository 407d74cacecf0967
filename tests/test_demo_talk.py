"""The WebSocket client that the demo's guide names."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from authproxy.demo.talk import talk


async def shout(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


@pytest.fixture
async def url() -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/ws", shout)
    async with TestServer(application) as server:
        yield f"ws://127.0.0.1:{server.port}"


async def test_every_line_gets_its_answer(url: str) -> None:
    said: list[str] = []

    code = await talk(f"{url}/ws", ["one\n", "two"], said.append)

    assert (0, ["ONE", "TWO"]) == (code, said)


async def test_refusal_is_said(url: str) -> None:
    said: list[str] = []

    code = await talk(f"{url}/other", [], said.append)

    assert 1 == code
    assert said[0].startswith(f"the WebSocket at {url}/other failed: 404")


async def test_wrong_address_is_said() -> None:
    said: list[str] = []

    code = await talk("localhost", [], said.append)

    assert (2, ["localhost is not an address; write ws://HOST:PORT/ws"]) == (code, said)
