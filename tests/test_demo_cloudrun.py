"""The front end over real TLS: its own answers byte for byte, and streams in both directions."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from authproxy.demo import pages
from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.cloudrun import ALT_SVC, Seen
from authproxy.demo.iap import CLIENT_ID
from authproxy.demo.keys import SigningKey
from authproxy.demo.world import World

CHUNK = b"x" * 65536


class App:
    """Answers as the test wants; remembers the request that it got."""

    def __init__(self) -> None:
        self.answer: web.StreamResponse | Exception | None = None
        self.fields: list[tuple[str, str]] = []
        self.going = asyncio.Event()
        self.let_go = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.fields = [(name.decode(), value.decode()) for name, value in request.raw_headers]
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        if request.headers.get("Upgrade") == "websocket":
            return await self._echo_messages(request)
        return await self._echo_chunks(request)

    async def _echo_messages(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def _echo_chunks(self, request: web.Request) -> web.StreamResponse:
        """Answers while the request is still coming."""
        response = web.StreamResponse()
        await response.prepare(request)
        self.going.set()
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        return response


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def world(app: App) -> AsyncIterator[World]:
    async with World(app=app) as world:
        yield world


@asynccontextmanager
async def connection(
    world: World,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(
        "localhost", world.cloud_run.port, ssl=world.client_context()
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def head(world: World, target: str = "/path", **fields: str) -> bytes:
    """A request head; underscores in names become hyphens."""
    lines = {"Host": f"localhost:{world.cloud_run.port}", **fields}
    text = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"GET {target} HTTP/1.1\r\n{text}\r\n".encode()


def bearer(world: World, **changes: object) -> str:
    return f"Bearer {world.mint(**changes)}"  # type: ignore[arg-type]  # -- passed on as it is


async def ask(world: World, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own."""
    async with connection(world) as (reader, writer):
        writer.write(request)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:-2])
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(lines[0].split()[1]), headers, body


def session_for(world: World, headers: Mapping[str, str] | None = None) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=world.client_context())
    return aiohttp.ClientSession(
        world.url, connector=connector, headers=headers or {"Authorization": bearer(world)}
    )


async def ended(world: World, count: int = 1) -> Seen:
    """The last record, once `count` requests have ended."""
    cloud_run = world.cloud_run
    await cloud_run.until(lambda: len([s for s in cloud_run.seen if s.ended]) >= count)
    return cloud_run.seen[-1]


async def test_no_token_gets_the_403_page(world: World) -> None:
    status, headers, body = await ask(world, head(world, "/path?a=1"))

    assert 403 == status
    assert pages.forbidden("/path").body.encode() == body
    assert "text/html; charset=utf-8" == headers["content-type"]
    assert "www-authenticate" not in headers


@pytest.mark.parametrize(
    "changes",
    [
        {"life_s": -1},
        {"audience": "https://other.example"},
        {"key": SigningKey()},
        {"claims": {"iss": "https://evil.example"}},
    ],
    ids=["expired", "wrong audience", "wrong signature", "wrong issuer"],
)
async def test_bad_tokens_get_the_401_page(world: World, changes: dict[str, object]) -> None:
    status, headers, body = await ask(world, head(world, Authorization=bearer(world, **changes)))

    assert 401 == status
    assert pages.unauthorized("/path").body.encode() == body
    assert pages.INVALID_TOKEN.lower() == headers["www-authenticate"]


@pytest.mark.parametrize("value", ["Bearer ya29.access-token", "Basic dTpw", "nonsense"])
async def test_what_is_no_id_token_gets_the_401_page(world: World, value: str) -> None:
    status, _, body = await ask(world, head(world, Authorization=value))

    assert 401 == status
    assert pages.unauthorized("/path").body.encode() == body


async def test_several_authorization_headers_get_the_401_page(world: World) -> None:
    token = bearer(world)

    status, _, _ = await ask(world, head(world, Authorization=token, authorization=token))

    assert 401 == status


async def test_caller_without_the_role_gets_the_403_page(world: World) -> None:
    value = bearer(world, email="robot@authproxy-demo.iam.gserviceaccount.com")

    status, headers, body = await ask(world, head(world, Authorization=value))

    assert 403 == status
    assert pages.forbidden("/path").body.encode() == body
    assert "www-authenticate" not in headers


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("other.example", "/"),
        ("localhost", "/"),
        (None, "/healthz"),
        (None, "/eventlog"),
        (None, "/_ah/start?x=1"),
    ],
)
async def test_unknown_hosts_and_reserved_paths_get_the_404_page(
    world: World, host: str | None, target: str
) -> None:
    fields = {"Authorization": bearer(world)} | ({"Host": host} if host else {})

    status, _, body = await ask(world, head(world, target, **fields))

    assert 404 == status
    assert pages.not_found().body.encode() == body
    assert 272 == len(body)


async def test_whoever_comes_from_outside_an_internal_ingress_gets_the_404_page(
    world: World,
) -> None:
    world.cloud_run.ingress = "internal"

    status, _, body = await ask(world, head(world, Authorization=bearer(world)))

    assert (404, pages.not_found().body.encode()) == (status, body)


async def test_behind_identity_aware_proxy_tokens_are_for_its_client(world: World) -> None:
    world.cloud_run.put_behind_iap(METADATA_EMAIL)
    for_iap = f"Bearer {world.mint(audience=CLIENT_ID)}"

    refused = await ask(world, head(world, Authorization=bearer(world)))
    admitted = await ask(world, head(world, Authorization=for_iap))

    assert (401, b"Invalid IAP credentials: Invalid bearer token. Invalid JWT audience.") == (
        refused[0],
        refused[2],
    )
    assert ("true", "google frontend", "text/html") == tuple(
        refused[1][name] for name in ("x-goog-iap-generated-response", "server", "content-type")
    )
    assert 200 == admitted[0]


async def test_target_that_is_an_asterisk_is_checked_too(world: World) -> None:
    request = head(world, "*").replace(b"GET", b"OPTIONS")

    status, _, body = await ask(world, request)

    assert 403 == status
    assert pages.forbidden("*").body.encode() == body


async def test_every_answer_is_signed_by_the_front_end(world: World, app: App) -> None:
    app.answer = web.Response(text="hello", headers={"Server": "mine"})

    own = (await ask(world, head(world)))[1]
    apps = (await ask(world, head(world, Authorization=bearer(world))))[1]

    for headers in (own, apps):
        assert "google frontend" == headers["server"]
        assert ALT_SVC.lower() == headers["alt-svc"]
        assert re.fullmatch("[0-9a-f]{32};o=1", headers["x-cloud-trace-context"])


async def test_app_and_client_get_the_same_trace(world: World, app: App) -> None:
    app.answer = web.Response(text="hello")

    _, headers, _ = await ask(world, head(world, Authorization=bearer(world)))

    trace = headers["x-cloud-trace-context"].partition(";")[0]
    assert dict(app.fields)["X-Cloud-Trace-Context"].startswith(f"{trace}/")
    assert dict(app.fields)["Traceparent"].startswith(f"00-{trace}-")


async def test_cookies_make_an_answer_private(world: World, app: App) -> None:
    app.answer = web.Response(headers={"Set-Cookie": "a=1", "Cache-Control": "public"})

    _, headers, _ = await ask(world, head(world, Authorization=bearer(world)))

    assert "private" == headers["cache-control"]


async def test_app_gets_the_token_without_its_signature(world: World, app: App) -> None:
    app.answer = web.Response()
    value = bearer(world)

    await ask(world, head(world, X_Serverless_Authorization=value, Authorization="Basic dTpw"))

    assert [
        f"{value.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE",
        "Basic dTpw",
    ] == [value for name, value in app.fields if name.lower().endswith("authorization")]


async def test_app_can_verify_the_token_in_authorization(world: World, app: App) -> None:
    app.answer = web.Response()
    value = bearer(world)

    await ask(world, head(world, Authorization=value))

    assert value == dict(app.fields)["Authorization"]


async def test_request_is_recorded_as_it_came_without_signatures(world: World, app: App) -> None:
    app.answer = web.Response(status=201)
    value = bearer(world)
    port = world.cloud_run.port

    await ask(world, head(world, "/a%2Fb//../;x?q=%41", X_ODD_case="1", Authorization=value))
    seen = await ended(world)

    assert b"/a%2Fb//../;x?q=%41" == seen.target
    assert (
        (b"Host", f"localhost:{port}".encode()),
        (b"X-ODD-case", b"1"),
        (b"Authorization", f"{value.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE".encode()),
    ) == seen.headers
    assert ("GET", METADATA_EMAIL, 201, "answered") == (
        seen.method,
        seen.principal,
        seen.status,
        seen.ended,
    )
    assert ["1"] == seen.header("x-odd-CASE")
    assert "<Seen GET 201 answered>" == repr(seen)


async def test_record_says_why_a_token_was_not_believed(world: World) -> None:
    await ask(world, head(world, Authorization=bearer(world, life_s=-1)))

    assert "it has expired" == (await ended(world)).reason


@pytest.mark.parametrize(
    ("status", "body"), [(429, b"Rate exceeded."), (503, pages.no_instance(503).body.encode())]
)
async def test_no_instance_can_be_pretended(world: World, status: int, body: bytes) -> None:
    world.cloud_run.no_instance = status

    without_token = await ask(world, head(world))
    with_token = await ask(world, head(world, Authorization=bearer(world)))

    assert 403 == without_token[0]
    assert (status, body) == (with_token[0], with_token[2])


async def test_large_bodies_are_refused_when_asked_for(world: World) -> None:
    world.cloud_run.limits_bodies = True
    length = str(32 * 1024 * 1024 + 1)

    status, _, body = await ask(
        world, head(world, Authorization=bearer(world), Content_Length=length)
    )

    assert 413 == status
    assert pages.too_large().body.encode() == body


async def test_client_is_told_to_continue_only_after_it_was_admitted(world: World) -> None:
    expect = {"Expect": "100-continue", "Content_Length": "2"}
    async with connection(world) as (reader, writer):
        writer.write(head(world, **expect, Authorization=bearer(world)))
        admitted = await reader.readuntil(b"\r\n\r\n")
    async with connection(world) as (reader, writer):
        writer.write(head(world, **expect))
        refused = await reader.readuntil(b"\r\n")

    assert b"HTTP/1.1 100 Continue\r\n\r\n" == admitted
    assert b"HTTP/1.1 403 Forbidden\r\n" == refused


async def test_answer_streams_while_the_request_still_comes(world: World) -> None:
    async with connection(world) as (reader, writer):
        request = head(world, Authorization=bearer(world), Transfer_Encoding="chunked")
        writer.write(request + b"3\r\none\r\n")
        await reader.readuntil(b"\r\n\r\n")
        first = await reader.readexactly(8)
        writer.write(b"3\r\ntwo\r\n")
        second = await reader.readexactly(8)
        writer.write(b"0\r\n\r\n")
        end = await reader.readexactly(5)

    assert (b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n") == (first, second, end)


async def test_compressed_request_body_is_not_touched(world: World) -> None:
    async with connection(world) as (reader, writer):
        request = head(
            world, Authorization=bearer(world), Content_Encoding="gzip", Content_Length="7"
        )
        writer.write(request + b"notgzip")
        await reader.readuntil(b"\r\n\r\n")

        assert b"7\r\nnotgzip\r\n" == await reader.readexactly(12)


async def test_websocket_passes(world: World) -> None:
    async with session_for(world) as session, session.ws_connect("/ws") as socket:
        await socket.send_str("hello")
        message = await socket.receive()

    assert (WSMsgType.TEXT, "hello") == (message.type, message.data)


async def test_websocket_without_token_is_refused(world: World) -> None:
    async with session_for(world, {"X-None": "1"}) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect("/ws")

    assert 403 == caught.value.status


async def test_client_that_leaves_is_recorded(world: World, app: App) -> None:
    async with connection(world) as (_, writer):
        writer.write(head(world, Authorization=bearer(world), Content_Length="1"))
        await app.going.wait()

    assert "aborted" == (await ended(world)).ended


@pytest.mark.parametrize("then", ["ends", "says more", "hears of it"])
async def test_client_that_leaves_while_it_is_answered_is_no_error(
    caplog: pytest.LogCaptureFixture, then: str
) -> None:
    """`curl` that is interrupted shows no traceback of the pretend Cloud Run."""

    async def lose(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        assert request.transport is not None
        request.transport.abort()  # the moment between a reset and the news of it
        if then == "hears of it":
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        if then != "ends":
            await response.write(b"more")
        return response

    async with World(app=lose) as world:
        async with connection(world) as (reader, writer):
            writer.write(head(world, Authorization=bearer(world)))
            with suppress(ConnectionError):
                await reader.read()

        assert "aborted" == (await ended(world)).ended

    assert [] == [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


async def test_connection_of_the_app_s_own_that_is_lost_is_its_failure(
    world: World, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.answer = ConnectionRefusedError("its database")

    assert 500 == (await ask(world, head(world, Authorization=bearer(world))))[0]
    assert "ConnectionRefusedError: its database" in caplog.text


async def test_app_that_fails_is_recorded(world: World, app: App) -> None:
    app.answer = RuntimeError("broken")

    status, _, _ = await ask(world, head(world, Authorization=bearer(world)))

    assert (500, "failed") == (status, (await ended(world)).ended)


async def test_app_may_raise_its_answer(world: World, app: App) -> None:
    app.answer = web.HTTPFound("/elsewhere")

    status, headers, _ = await ask(world, head(world, Authorization=bearer(world)))

    assert (302, "/elsewhere") == (status, headers["location"])


async def test_connection_is_kept_and_known_by_its_port(world: World, app: App) -> None:
    app.answer = None
    async with session_for(world) as session:
        for _ in range(2):
            async with session.get("/") as answer:
                await answer.read()
        ports = {seen.client_port for seen in world.cloud_run.seen}
        open_now = world.cloud_run.connections

    assert (1, 1) == (len(ports), open_now)


async def test_dropped_connections_are_reset(world: World) -> None:
    async with connection(world) as (reader, writer):
        writer.write(head(world))
        await reader.readuntil(b"\r\n\r\n")
        world.cloud_run.drop_connections()
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_stopped_service_comes_back_on_its_port(world: World) -> None:
    port = world.cloud_run.port
    await world.cloud_run.stop()
    with pytest.raises(OSError, match=r"Connect call failed"):
        await ask(world, head(world))
    assert 0 == world.cloud_run.connections

    await world.cloud_run.start()

    assert port == world.cloud_run.port
    assert 403 == (await ask(world, head(world)))[0]
