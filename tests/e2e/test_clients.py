"""The clients that people use: each is pointed at localhost, and the service answers."""

import asyncio
import sys
from pathlib import Path

import httpx
import pytest
import requests
from websockets.asyncio.client import connect

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from tests.support.browser import find_chromium, open_page
from tests.support.program import Program


async def output_of(*command: str | Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(40):
        stdout, _ = await process.communicate()
    return stdout.decode()


async def test_curl_gets_403_directly_and_200_through_the_proxy(
    world: World, proxy: Program
) -> None:
    status = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}")
    directly = await output_of(*status, "--cacert", world.ca_file, f"{world.url}/whoami")
    through = await output_of(*status, f"{proxy.url}/whoami")

    assert (directly, through) == ("403", "200")


async def test_wrong_and_expired_tokens_are_refused_directly(world: World) -> None:
    tokens = [world.mint(audience="https://other.example"), world.mint(life_s=-10)]
    status = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", world.ca_file)
    statuses = [
        await output_of(*status, "-H", f"Authorization: Bearer {token}", world.url)
        for token in tokens
    ]

    assert statuses == ["401", "401"]


async def test_requests_posts_json_and_follows_redirects(proxy: Program) -> None:
    def talk() -> tuple[requests.Response, requests.Response]:
        with requests.Session() as session:
            posted = session.post(f"{proxy.url}/echo", json={"a": 1}, timeout=10)
            redirected = session.get(f"{proxy.url}/redirect", timeout=10)
            return posted, redirected

    posted, redirected = await asyncio.to_thread(talk)

    assert posted.json()["method"] == "POST"
    assert redirected.status_code == 200
    assert redirected.url.startswith(proxy.url)


async def test_httpx_streams_what_comes(proxy: Program) -> None:
    async with httpx.AsyncClient() as client:
        async with client.stream("GET", f"{proxy.url}/download?bytes=300000") as answer:
            size = sum([len(part) async for part in answer.aiter_raw()])
        ticks = client.stream("GET", f"{proxy.url}/clock")
        async with ticks as answer:
            first = await anext(answer.aiter_lines())

    assert size == 300000
    assert first == "id: 1"


async def test_app_sees_a_token_of_the_right_account_and_the_clients_own_authorization(
    world: World, proxy: Program
) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{proxy.url}/whoami", headers={"Authorization": "Basic YTpi"})

    assert METADATA_EMAIL in answer.text
    assert world.cloud_run.seen[-1].principal == METADATA_EMAIL


async def test_websocket_echoes_through_the_proxy(proxy: Program) -> None:
    big = "x" * 200_000
    async with connect(f"ws://localhost:{proxy.port}/ws", max_size=None) as socket:
        await socket.send("hello")
        hello = await socket.recv()
        await socket.send(big)
        echoed = await socket.recv()
        pong = await socket.ping()
        async with asyncio.timeout(10):
            await pong

    assert "hello" in str(hello)
    assert big in str(echoed)


@pytest.mark.outside
async def test_chromium_shows_the_page_and_its_scripts_work(proxy: Program, tmp_path: Path) -> None:
    if find_chromium() is None:
        pytest.fail("needs Chromium; .ci/run installs it")
    async with open_page(proxy.url, tmp_path) as page:
        await page.wait_for("document.getElementById('principal')?.textContent.includes('@')")
        await page.wait_for("document.getElementById('clock').textContent.includes('UTC')")
        await page.evaluate("document.querySelector('#form button').click()")
        await page.wait_for("document.getElementById('log').textContent.includes('hello')")
        principal = await page.evaluate("document.getElementById('principal').textContent")

    assert principal == METADATA_EMAIL


async def test_python_that_knows_nothing_of_google_uses_the_proxy(proxy: Program) -> None:
    code = f"import urllib.request as u; print(u.urlopen('{proxy.url}/whoami').status)"
    assert await output_of(sys.executable, "-c", code) == "200\n"
