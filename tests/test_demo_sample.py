"""The sample app: each of its paths, as a client of the pretend Cloud Run sees it."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.sample import download_chunks
from authproxy.demo.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


@pytest.fixture
async def session(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        world.url,
        connector=aiohttp.TCPConnector(ssl=world.client_context()),
        headers={"Authorization": f"Bearer {world.mint()}"},
    ) as session:
        yield session


async def get_text(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def get_json(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(path, headers={"Accept": "application/json"}) as answer:
        return await answer.json()


async def test_page_needs_nothing_from_elsewhere(session: aiohttp.ClientSession) -> None:
    async with session.get("/") as answer:
        text = await answer.text()
        content_type = answer.headers["Content-Type"]

    assert "text/html; charset=utf-8" == content_type
    assert "<h1>Hello from behind IAM</h1>" in text
    assert "https://" not in text
    assert "http://" not in text.replace("xmlns", "")


async def test_whoami_is_one_line(session: aiohttp.ClientSession) -> None:
    status, text = await get_text(session, "/whoami")

    assert 200 == status
    assert text.startswith(f"{METADATA_EMAIL}  token ")
    assert 1 == text.count("\n")


async def test_whoami_as_json_names_the_token_without_giving_it_away(
    world: World, session: aiohttp.ClientSession
) -> None:
    about = await get_json(session, "/whoami")

    assert (METADATA_EMAIL, world.url, "Authorization", 60) == (
        about["principal"],
        about["audience"],
        about["header"],
        about["life_s"],
    )
    assert about["token"] not in world.mint()


async def test_whoami_of_a_public_service_is_nobody(world: World) -> None:
    world.cloud_run.gate.invokers.add("allUsers")
    connector = aiohttp.TCPConnector(ssl=world.client_context())
    async with aiohttp.ClientSession(world.url, connector=connector) as session:
        text = await get_text(session, "/whoami")
        about = await get_json(session, "/whoami")

    assert (200, "nobody: no token came with this request\n") == text
    assert {"principal": ""} == about


async def test_echo_gives_everything_back_but_the_token(world: World) -> None:
    reader, writer = await asyncio.open_connection(
        "localhost", world.cloud_run.port, ssl=world.client_context()
    )
    token = world.mint()
    fields = [
        ("Host", f"localhost:{world.cloud_run.port}"),
        ("X-Two", "1"),
        ("x-TWO", "2"),
        ("Authorization", f"Bearer {token}"),
        ("Content-Length", "4"),
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    writer.write(f"PUT /echo/a%2Fb//../;x?q=%41 HTTP/1.1\r\n{lines}\r\nbody".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"Content-Length: ([0-9]+)", head)
    assert length is not None
    text = (await reader.readexactly(int(length[1]))).decode()
    writer.close()
    body = json.loads(text)

    assert ("PUT", "/echo/a%2Fb//../;x?q=%41") == (body["method"], body["target"])
    fields[3] = ("Authorization", "Bearer (token)")
    assert [list(field) for field in fields] == body["headers"][: len(fields)]
    assert {"bytes": 4, "sha256": hashlib.sha256(b"body").hexdigest()} == body["body"]
    assert token.split(".")[1] not in text


async def test_clock_ticks_as_often_as_asked(session: aiohttp.ClientSession) -> None:
    async with session.get("/clock?every=0&count=3") as answer:
        content_type = answer.headers["Content-Type"]
        events = (await answer.text()).split("\n\n")

    assert "text/event-stream" == content_type
    assert ["id: 1", "id: 2", "id: 3", ""] == [event.partition("\n")[0] for event in events]
    assert all(event.endswith(" UTC") for event in events[:-1])


async def test_clock_ticks_until_the_client_leaves(
    world: World, session: aiohttp.ClientSession
) -> None:
    async with session.get("/clock?every=0.01") as answer:
        first = await answer.content.readuntil(b"\n\n")
        answer.close()
    await world.cloud_run.until(lambda: world.cloud_run.seen[-1].ended != "")

    assert first.startswith(b"id: 1\ndata: ")
    assert "aborted" == world.cloud_run.seen[-1].ended


async def test_websocket_echoes_text_and_bytes(session: aiohttp.ClientSession) -> None:
    async with session.ws_connect("/ws") as socket:
        await socket.send_str("hello")
        text = await socket.receive_str()
        await socket.send_bytes(b"\x00\xff")
        data = await socket.receive_bytes()

    assert ("hello", b"\x00\xff") == (text, data)


async def test_websocket_path_wants_a_websocket(session: aiohttp.ClientSession) -> None:
    assert (426, "connect with a WebSocket client\n") == await get_text(session, "/ws")


async def test_upload_counts_and_digests(session: aiohttp.ClientSession) -> None:
    data = b"".join(download_chunks(1_000_000))
    async with session.post("/upload", data=data) as answer:
        body = await answer.json()

    assert {"bytes": 1_000_000, "sha256": hashlib.sha256(data).hexdigest()} == body


@pytest.mark.parametrize("size", [0, 1, 65536, 1_000_000])
async def test_download_is_as_long_as_asked(session: aiohttp.ClientSession, size: int) -> None:
    async with session.get(f"/download?bytes={size}") as answer:
        body = await answer.read()

    assert str(size) == answer.headers["Content-Length"]
    assert b"".join(download_chunks(size)) == body
    assert size == len(body)


async def test_download_can_leave_its_length_out(session: aiohttp.ClientSession) -> None:
    async with session.get("/download?bytes=10&chunked=1") as answer:
        assert "chunked" == answer.headers["Transfer-Encoding"]
        assert 10 == len(await answer.read())


async def test_head_of_a_download_says_its_length(session: aiohttp.ClientSession) -> None:
    async with session.head("/download?bytes=10") as answer:
        assert ("10", b"") == (answer.headers["Content-Length"], await answer.read())


def test_no_block_of_a_download_is_like_another() -> None:
    blocks = list(download_chunks(65536 * 50))

    assert 50 == len(set(blocks))


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/status/418", 418, "418\n"),
        ("/status/204", 204, ""),
        ("/status/99", 400, "write /status/CODE with a code from 200 to 599\n"),
        ("/status", 400, "write /status/CODE with a code from 200 to 599\n"),
        ("/slow?s=0", 200, "done\n"),
        ("/slow?s=ages", 400, "s must be a number, zero or more\n"),
        ("/download?bytes=-1", 400, "bytes must be a number, zero or more\n"),
        ("/clock?count=", 400, "count must be a number, zero or more\n"),
        ("/elsewhere?a=1", 404, "the sample app has nothing at /elsewhere\n"),
    ],
)
async def test_texts(session: aiohttp.ClientSession, path: str, status: int, text: str) -> None:
    assert (status, text) == await get_text(session, path)


@pytest.mark.parametrize(
    ("query", "status", "location"),
    [
        ("", 302, "/whoami"),
        ("?to=/echo&status=307", 307, "/echo"),
        ("?to=//other.example/", 302, "//other.example/"),
    ],
)
async def test_redirects(
    session: aiohttp.ClientSession, query: str, status: int, location: str
) -> None:
    async with session.get(f"/redirect{query}", allow_redirects=False) as answer:
        assert (status, location) == (answer.status, answer.headers["Location"])


async def test_absolute_redirect_names_the_service(
    world: World, session: aiohttp.ClientSession
) -> None:
    async with session.get("/redirect?absolute=1", allow_redirects=False) as answer:
        assert f"{world.url}/whoami" == answer.headers["Location"]


async def test_cookies_are_set_and_shown(session: aiohttp.ClientSession) -> None:
    async with session.get("/cookies", headers={"Cookie": "mine=1"}) as answer:
        body = await answer.json()
        cookies = answer.headers.getall("Set-Cookie")

    assert {"cookie": ["mine=1"]} == body
    assert [
        "plain=1; Path=/",
        "secure=2; Path=/; Secure; HttpOnly; SameSite=None",
        "__Host-strict=3; Path=/; Secure; SameSite=Lax",
    ] == cookies
