"""An endpoint counts what it is asked, and breaks as it is told."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from authproxy.demo.endpoint import Endpoint


async def hello(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="hello")


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint("token")


@pytest.fixture
async def url(endpoint: Endpoint) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/", endpoint.guard(hello))
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


async def ask(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url) as answer:
        return answer.status, await answer.text()


async def test_calls_are_counted(endpoint: Endpoint, url: str) -> None:
    assert (200, "hello") == await ask(url)
    assert (200, "hello") == await ask(url)
    assert 2 == endpoint.calls


async def test_it_fails_with_the_status_given_until_it_is_up_again(
    endpoint: Endpoint, url: str
) -> None:
    endpoint.fail_with(503, "later")
    failed = await ask(url)
    shown = repr(endpoint)
    endpoint.up()

    assert (503, "later") == failed
    assert "<Endpoint token [fails 503, 1 calls, 0 mints]>" == shown
    assert (200, "hello") == await ask(url)


async def test_it_resets_connections_while_it_is_down(endpoint: Endpoint, url: str) -> None:
    endpoint.down()

    with pytest.raises(aiohttp.ClientOSError, match="Connection reset by peer"):
        await ask(url)
    assert "<Endpoint token [down, 1 calls, 0 mints]>" == repr(endpoint)

    endpoint.up()

    assert (200, "hello") == await ask(url)


async def test_it_answers_late_when_told_to(endpoint: Endpoint, url: str) -> None:
    endpoint.delay_s = 0.05
    loop = asyncio.get_running_loop()
    start = loop.time()

    assert (200, "hello") == await ask(url)
    assert loop.time() - start >= 0.05
