import asyncio
import logging
from functools import partial
from ipaddress import IPv4Address

import pytest
from aiohttp import web

from authproxy.admin.listener import MAX_CONNECTIONS, BoundedConnection
from authproxy.admin.views import View, as_json
from tests.support.admin import Admin, admin_listener
from tests.support.talking import until


async def _say(_request: object) -> object:
    return as_json("good")


VIEWS = [View(path="/", handler=_say, is_open=True)]  # type: ignore[arg-type]  # -- takes any


async def speak(admin: Admin) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", admin.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read(-1)
    writer.close()
    return answer


async def test_strangers_are_sent_away_before_they_say_anything() -> None:
    async with admin_listener(VIEWS) as admin:
        admin.peer.append(IPv4Address("192.0.2.1"))
        reader, writer = await asyncio.open_connection("127.0.0.1", admin.port)
        answer = await reader.read(-1)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"X-Authproxy-Error: address_not_allowed" in answer


async def test_those_who_hold_all_places_leave_room_for_others_and_give_theirs_back() -> None:
    async with admin_listener(VIEWS) as admin:
        held = [
            await asyncio.open_connection("127.0.0.1", admin.port) for _ in range(MAX_CONNECTIONS)
        ]
        await until(lambda: admin.listener.connections == MAX_CONNECTIONS)
        one_more = await speak(admin)
        for _, writer in held:
            writer.close()
        await until(lambda: admin.listener.connections == 0)
        after = await speak(admin)

    assert one_more.startswith(b"HTTP/1.1 503 ")
    assert after.startswith(b"HTTP/1.1 200 ")


async def test_the_end_does_not_wait_for_those_who_say_nothing() -> None:
    async with asyncio.timeout(5), admin_listener(VIEWS) as admin:
        _, writer = await asyncio.open_connection("127.0.0.1", admin.port)
        await speak(admin)
    writer.close()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: loc"], ids=["nothing", "a half"])
async def test_who_does_not_finish_a_head_is_sent_away(said: bytes) -> None:
    async with asyncio.timeout(10), admin_listener(VIEWS, idle_s=0.05) as admin:
        reader, writer = await asyncio.open_connection("127.0.0.1", admin.port)
        writer.write(said)

        assert b"" == await reader.read(-1)
        writer.close()


async def answer(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="ok")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"200"),
        (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 1000), b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n" % (b"X: y\r\n" * 9), b"400"),
    ],
)
async def test_heads_have_bounds_and_the_end_is_told(head: bytes, status: bytes) -> None:
    ended = asyncio.Event()
    make = partial(BoundedConnection, web.Server(answer), ended.set)
    server = await asyncio.get_running_loop().create_server(
        lambda: make(idle_s=5, line_bytes=1000, fields=8, logger=logging.getLogger("test")),
        "127.0.0.1",
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(head)
    async with asyncio.timeout(10):
        said = await reader.readuntil(b"\r\n")
        writer.close()
        await ended.wait()
    server.close()

    assert status == said.split(b" ")[1]
