from pathlib import Path

import pytest
from aiohttp import web

from authproxy.mcp.channel import UNREACHED, Address, Http, broken_off, open_client
from tests.support.mcp_server import broken, mcp_server

HERE = Address(shown="https://service.example/mcp", target="/mcp")


async def test_a_cookie_of_session_affinity_comes_back(tmp_path: Path) -> None:
    async def affine(_request: web.Request) -> web.StreamResponse:
        affinity = "GAESA=abc; path=/; Secure; HttpOnly"
        return web.Response(headers={"Set-Cookie": affinity})

    async with mcp_server(tmp_path) as (server, http):
        server.instead.append(affine)
        for _ in range(2):
            async with http.request("POST", "/mcp", {}, b'{"method": "a"}'):
                pass

    assert [None, "GAESA=abc"] == [fields.get("Cookie") for _, fields, _ in server.came]


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    async def away(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "https://elsewhere.example/"})

    async with mcp_server(tmp_path) as (server, http):
        server.instead.append(away)
        async with http.request("POST", "/mcp", {}, b"{}") as response:
            assert 307 == response.status
    assert "<Http https://server.example/mcp>" == repr(http)


async def test_a_connection_that_ends_raises_what_callers_expect(tmp_path: Path) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        return broken(request)

    async with mcp_server(tmp_path) as (server, http):
        server.instead.append(cut)
        with pytest.raises(UNREACHED):
            async with http.request("POST", "/mcp", {}, b"{}"):
                pass


async def test_nobody_there_raises_the_same(tmp_path: Path) -> None:
    async with open_client(str(tmp_path / "nowhere")) as client:
        with pytest.raises(UNREACHED):
            async with Http(client, HERE).request("GET", "/mcp", {}):
                pass


def test_who_waits_is_told_that_the_answer_is_lost() -> None:
    assert str(broken_off(HERE)).startswith("The connection to https://service.example/mcp ended")
