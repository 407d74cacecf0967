"""The inspector at other places than 127.0.0.1: an IPv6 address, and a Unix socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from authproxy.demo.world import World
from tests.support.behind import free_port
from tests.support.browser import ENGINES
from tests.support.inspecting import KEY, service
from tests.support.program import Program, run_to_end
from tests.support.tailing import Command


@dataclass
class Place:
    address: str
    """As `tail` and `status` are given it."""
    proxy: Program
    environ: dict[str, str]

    async def ask(self, path: str) -> None:
        async with aiohttp.ClientSession() as session, session.get(self.proxy.url + path) as answer:
            assert 200 == answer.status


@asynccontextmanager
async def inspected_at(address: str) -> AsyncIterator[Place]:
    key = {"AUTHPROXY_ADMIN_KEY": "env:KEY", "KEY": KEY}
    async with World(app=service) as world:
        environ = world.environment | key
        arguments = ("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0")
        async with Program(
            world.url, *arguments, "--admin", address, "--inspect", environ=environ
        ) as proxy:
            yield Place(address, proxy, environ)


def place_for(kind: str, folder: Path) -> str:
    return f"[::1]:{free_port()}" if kind == "IPv6" else f"unix:{folder / 'admin.sock'}"


@pytest.mark.parametrize("kind", ["IPv6", "Unix"])
async def test_commands_find_it_there(kind: str, tmp_path: Path) -> None:
    async with inspected_at(place_for(kind, tmp_path)) as place:
        await place.ask("/before")
        async with Command("tail", place.address, "--json", environ=place.environ) as tail:
            await tail.hear("/before")
            await place.ask("/while")
            await tail.hear("/while")
        code, said, _ = await run_to_end("status", place.address, environ=place.environ)

    assert 0 == code
    assert "hello" in said or "localhost" in said


async def test_a_unix_socket_has_the_whole_inspector(tmp_path: Path) -> None:
    async with inspected_at(place_for("Unix", tmp_path)) as place:
        await place.ask("/seen")
        connector = aiohttp.UnixConnector(place.address.removeprefix("unix:"))
        headers = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            async with session.get("http://localhost/api/exchanges") as answer:
                listed = await answer.json()
            async with session.get("http://localhost/api/exchanges/stream?since=x-1") as answer:
                said = await answer.content.readuntil(b"event: reset")
            async with session.get("http://localhost/") as answer:
                text = await answer.text()

    assert ["/seen"] == [row["target"] for row in listed["exchanges"]]
    assert b"event: hello" in said
    assert "<title>authproxy</title>" in text


@pytest.mark.outside
@pytest.mark.timeout(120)
@pytest.mark.parametrize("engine", list(ENGINES))
async def test_the_page_is_live_at_an_ipv6_address(engine: str, tmp_path: Path) -> None:
    async with (
        inspected_at(place_for("IPv6", tmp_path)) as place,
        ENGINES[engine](f"http://{place.address}/?key={KEY}", tmp_path / "profile") as page,
    ):
        await page.wait_for("document.querySelector('#connection')?.textContent == 'live'")
        await place.ask("/over-ipv6")
        await page.wait_for("document.querySelector('.row .c-target')?.textContent == '/over-ipv6'")
        said = await page.evaluate(
            "fetch('/api/exchanges/pause', {method: 'POST'}).then(a => a.status)"
        )

    assert 200 == said
