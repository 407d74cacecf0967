import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

import authproxy
from authproxy.embedding.subapp import Authorize
from authproxy.errors import ConfigError
from tests.support.auth_world import AuthWorld, auth_world

YES = {"X-Pass": "yes"}


def passing(request: web.Request) -> bool:
    return request.headers.get("X-Pass") == "yes"


@asynccontextmanager
async def application(
    there: AuthWorld, *, authorize: Authorize = passing, prefix: str = "/api/", **settings: Any
) -> AsyncIterator[str]:
    """Its address, with the prefix."""
    app = web.Application()
    given = {"credentials": there.credentials, "ca_file": there.world.ca_file, **settings}
    app.add_subapp(prefix, authproxy.web(there.url, authorize=authorize, **given))
    async with served(app) as url:
        yield url + prefix.rstrip("/")


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def client(**settings: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers=YES, **settings)


@pytest.mark.parametrize(
    ("authorize", "said"),
    [(None, "authorize: is missing: everybody who"), ("everybody", "authorize: must be a funct")],
)
def test_without_a_rule_of_its_own_it_does_not_start(authorize: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        authproxy.web("https://service.example", authorize=authorize)


def test_settings_of_the_proxy_alone_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"web\(\): allow: has no effect here"):
        authproxy.web("https://service.example", authorize=passing, allow="::1")  # type: ignore[call-arg]  # -- a mistake


async def no(_: web.Request) -> bool:
    return False


async def forgets(_: web.Request) -> bool:
    return None  # type: ignore[return-value]  # -- a mistake


async def says_who(_: web.Request) -> bool:
    return "alice"  # type: ignore[return-value]  # -- another one


async def raises(_: web.Request) -> bool:
    raise web.HTTPUnauthorized


@pytest.mark.parametrize(
    ("authorize", "status"),
    [(no, 403), (forgets, 403), (says_who, 403), (raises, 401), (passing, 403)],
)
async def test_nobody_passes_but_those_whom_the_rule_lets_in(
    authorize: Authorize, status: int
) -> None:
    async with (
        auth_world() as there,
        application(there, authorize=authorize) as url,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(f"{url}/echo") as answer:
            assert status == answer.status
            code = answer.headers.get("X-Authproxy-Error")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{url}/ws")

    assert (status == 403) == (code == "not_authorized")
    assert [] == there.at_service


async def test_a_request_gets_the_token_and_what_the_proxy_would_make_of_it() -> None:
    fields = {
        **YES,
        "Authorization": "Basic app",
        "X-Forwarded-For": "192.0.2.1",
        "Connection": "X-Gone, keep-alive",
        "X-Gone": "1",
        "X-Removed": "1",
        "TE": "trailers",
        "X-Serverless-Authorization": "Bearer mine",
        "Accept-Encoding": "br",
        "Cookie": "a=1; b=2",
    }
    async with (
        auth_world() as there,
        application(there, remove_headers="X-Removed", add_headers="X-Added: 1") as url,
        aiohttp.ClientSession() as http,
    ):
        target = URL(f"{url}/echo/%61?q=%20", encoded=True)
        async with http.post(target, headers=fields, data=b"body") as answer:
            about = await answer.json()
        port = there.world.cloud_run.port

    assert ("POST", "/echo/%61?q=%20", 4) == (
        about["method"],
        about["target"],
        about["body"]["bytes"],
    )
    seen = {name.lower(): value for name, value in about["headers"]}
    assert f"localhost:{port}" == seen["host"]
    assert ("Basic app", "br", "a=1; b=2") == (
        seen["authorization"],
        seen["accept-encoding"],
        seen["cookie"],
    )
    assert ("127.0.0.1", "/api", "1") == (
        seen["x-forwarded-for"].split(",")[-1].strip(),
        seen["x-forwarded-prefix"],
        seen["x-added"],
    )
    assert not {"x-gone", "x-removed", "te", "x-pass-not"} & set(seen)
    assert "192.0.2.1" not in json.dumps(about)
    ((_, tokens),) = there.at_service
    assert "mine" not in tokens["x-serverless-authorization"]


async def test_bodies_pass_in_pieces_both_ways() -> None:
    size = 3_000_000

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * (size // 30)

    async with auth_world() as there, application(there) as url, client() as http:
        async with http.post(f"{url}/upload", data=pieces()) as answer:
            sent = (await answer.json())["bytes"]
        got = []
        for query in ("", "&chunked=1"):
            async with http.get(f"{url}/download?bytes={size}{query}") as answer:
                got.append((len(await answer.read()), "Content-Length" in answer.headers))
        async with http.head(f"{url}/download?bytes={size}") as answer:
            length = answer.headers["Content-Length"]
        async with http.get(f"{url}/clock?every=30") as answer:
            event = await answer.content.readuntil(b"\n\n")  # the second one is far away

    assert (size, [(size, True), (size, False)], str(size)) == (sent, got, length)
    assert event.startswith(b"id: 1\n")


async def test_answers_of_every_kind_pass() -> None:
    found = []
    async with auth_world() as there, application(there) as url, client() as http:
        for status in (204, 304, 404, 503):
            async with http.get(f"{url}/status/{status}") as answer:
                found.append((answer.status, answer.headers.get("X-Authproxy-Error")))

    assert [(status, None) for status in (204, 304, 404, 503)] == found


async def test_redirects_stay_below_the_prefix_and_cookies_are_nobody_else_s() -> None:
    async with auth_world() as there, application(there) as url, client() as http:
        leads = []
        for query in ("", "?absolute=1", f"?to={there.stranger.url}/x"):
            async with http.get(f"{url}/redirect{query}", allow_redirects=False) as answer:
                leads.append(answer.headers["Location"])
        async with http.get(f"{url}/cookies") as answer:
            set_cookies = answer.headers.getall("Set-Cookie")
        async with client() as another, another.get(f"{url}/cookies") as answer:
            seen = (await answer.json())["cookie"]

    assert ["/api/whoami", "/api/whoami", f"{there.stranger.url}/x"] == leads
    assert "plain=1; Path=/api" in set_cookies[0]
    assert [] == seen


async def test_websockets_pass_with_their_close() -> None:
    async with auth_world() as there, application(there) as url, client() as http:
        async with http.ws_connect(f"{url}/ws") as socket:
            await socket.send_str("text")
            await socket.send_bytes(b"bytes" * 1000)
            text = await socket.receive_str()
            data = await socket.receive_bytes()
            await socket.ping(b"still there?")
            await socket.close(code=4000, message=b"enough")
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(f"{url}/status/404")

    assert ("text", b"bytes" * 1000, 4000) == (text, data, socket.close_code)
    assert 404 == caught.value.status


async def test_nothing_leads_out_of_it_by_dots() -> None:
    found = []
    async with auth_world() as there, application(there) as url:
        port = int(url.split(":")[2].split("/")[0])
        for path in ("/../echo", "/a/%2e%2e/%2e%2e/echo", "/..%2fecho", "/a/..%5c..%5cecho"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            request = f"GET /api{path} HTTP/1.1\r\nHost: localhost\r\nX-Pass: yes\r\n\r\n"
            writer.write(request.encode())
            found.append((await reader.readline()).split()[1])
            writer.close()
            await writer.wait_closed()

    assert {b"400", b"404"} >= set(found)
    assert [] == there.at_service


async def test_without_a_token_the_answer_is_ours() -> None:
    kinds = ("application/json", "text/html", "text/plain")
    found = []
    async with auth_world() as there:
        there.world.google.token.fail_with(400, '{"error": "invalid_grant"}', "application/json")
        async with application(there) as url, client() as http:
            for accept in kinds:
                async with http.get(f"{url}/echo", headers={"Accept": accept}) as answer:
                    found.append((answer.status, answer.content_type))
                    assert "token_unavailable" == answer.headers["X-Authproxy-Error"]
                    assert "Retry-After" in answer.headers

    assert [(503, kind) for kind in kinds] == found
    assert [] == there.at_service


async def test_a_service_that_is_away_or_slow_is_said_to_be() -> None:
    async with (
        auth_world() as there,
        application(there, timeouts={"stream_idle": 0.2}) as url,
        client() as http,
    ):
        found = []
        for path in ("/slow?s=30", "/echo"):
            async with http.get(url + path) as answer:
                found.append((answer.status, answer.headers["X-Authproxy-Error"]))
            await there.world.cloud_run.stop()

    assert [(504, "upstream_timeout"), (502, "connect_failed")] == found


async def test_half_an_answer_does_not_look_like_a_whole_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    async with (
        auth_world() as there,
        application(there, timeouts={"stream_idle": 0.3}) as url,
        client() as http,
        http.get(f"{url}/clock?every=30") as answer,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()

    assert any("broke off" in record.getMessage() for record in caplog.records)


async def test_when_the_client_leaves_so_does_the_request() -> None:
    """In the middle of an answer, and before it."""
    async with auth_world() as there:
        asked, left = asyncio.Event(), asyncio.Event()

        async def never(_: web.Request) -> web.StreamResponse:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                left.set()
            raise AssertionError

        other = await there.world.add_service("never", app=never, invokers=["allUsers"])
        ca_file = there.world.ca_file
        app = authproxy.web(other.url, authorize=passing, credentials="none", ca_file=ca_file)
        async with served(app) as url, client() as http:
            with pytest.raises(TimeoutError):
                await http.get(url, timeout=aiohttp.ClientTimeout(total=0.3))
            async with asyncio.timeout(10):
                await asked.wait()
                await left.wait()
