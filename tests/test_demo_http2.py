"""The pretend Cloud Run speaks HTTP/2 too: the same answers by either, and gRPC besides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import httpx
import pytest
from aiohttp import web
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from authproxy.demo import sample
from authproxy.demo.http2 import Http2Connection
from authproxy.demo.world import World
from tests.support.program import Program
from tests.support.talking import until

MIB = 1024 * 1024


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


@asynccontextmanager
async def client_of(world: World, *, http2: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    token = world.mint(audience=world.cloud_run.url)
    async with httpx.AsyncClient(
        base_url=world.cloud_run.url,
        verify=world.client_context(),
        http1=not http2,
        http2=http2,
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=20,
    ) as client:
        yield client


VARYING = ("date", "x-cloud-trace-context", "connection", "transfer-encoding", "keep-alive")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/status/200", b""),
        ("HEAD", "/download?bytes=9", b""),
        ("GET", "/status/204", b""),
        ("GET", "/status/304", b""),
        ("GET", "/download?bytes=300000", b""),
        ("GET", "/download?bytes=300000&chunked=1", b""),
        ("GET", "/clock?count=2&every=0", b""),
        ("GET", "/cookies", b""),
        ("GET", "/redirect", b""),
        ("GET", "/_ah/x", b""),
        ("POST", "/upload", b"x" * 200_000),
        ("PUT", "/upload", b""),
        ("DELETE", "/status/200", b""),
    ],
)
async def test_either_version_gets_the_same(
    world: World, method: str, path: str, body: bytes
) -> None:
    told = []
    for http2 in (True, False):
        async with client_of(world, http2=http2) as client:
            answer = await client.request(method, path, content=body)
        fields = [(n, v) for n, v in answer.headers.multi_items() if n not in VARYING]
        text = answer.content if not path.startswith("/clock") else b"%d" % len(answer.content)
        told.append((answer.status_code, fields, text))
        assert ("HTTP/2" if http2 else "HTTP/1.1") == answer.http_version

    assert told[0] == told[1]


async def test_a_body_that_comes_in_pieces_arrives_whole(world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(50_000)

    async with client_of(world) as client:
        answer = await client.post("/upload", content=pieces())

    assert 40 * 50_000 == answer.json()["bytes"]


async def test_many_streams_at_once_on_one_connection(world: World) -> None:
    async with client_of(world) as client:
        sizes = [n * 10_000 for n in range(40)]
        answers = await asyncio.gather(*(client.get(f"/download?bytes={n}") for n in sizes))

        assert 1 == world.cloud_run.connections
    assert sizes == [len(answer.content) for answer in answers]
    assert 1 == len({seen.client_port for seen in world.cloud_run.seen})
    assert {"answered"} == {seen.ended for seen in world.cloud_run.seen}


async def test_without_a_token_the_page_is_the_same(world: World) -> None:
    async with client_of(world) as client:
        answer = await client.get("/whoami", headers={"Authorization": ""})

    assert (403, "Google Frontend") == (answer.status_code, answer.headers["server"])


async def test_the_app_waits_for_a_client_that_does_not_read() -> None:
    written = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(300):
            await response.write(bytes(MIB // 10))
            written += MIB // 10
        return response

    async with (
        World(app=pour) as world,
        client_of(world) as client,
        client.stream("GET", "/") as answer,
    ):
        await until(lambda: written > 0)
        for _ in range(100):
            await asyncio.sleep(0)  # turns in which it could go on
        assert written < 18 * MIB  # httpx has a window of 16 MiB
        total = sum([len(piece) async for piece in answer.aiter_bytes()])

    assert 300 * (MIB // 10) == total


async def test_a_call_that_is_taken_back_is_seen_as_aborted(world: World) -> None:
    async with channel_to(world) as channel:
        call = channel.stream_stream("/demo.Echo/Chat")()
        await call.write(b"one")
        assert b"one" == await call.read()
        call.cancel()
        await world.cloud_run.until(lambda: world.cloud_run.seen[0].ended == "aborted")


async def test_dropped_connections_are_reset(world: World) -> None:
    async with client_of(world) as client:
        await client.get("/status/200")
        world.cloud_run.drop_connections()
        await until(lambda: world.cloud_run.connections == 0)
        with pytest.raises(httpx.ReadError):
            await client.get("/status/200")

        assert 200 == (await client.get("/status/200")).status_code


async def test_what_is_not_http2_ends_the_connection(world: World) -> None:
    context = world.client_context()
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("localhost", world.cloud_run.port, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" + bytes(50))
    async with asyncio.timeout(10):
        came = await reader.read(-1)
    writer.close()

    assert came.startswith(b"\0\0\x2a\x04")  # its settings, and then the end
    assert "<Http2Connection [0 streams]>" == repr(Http2Connection(asyncio.Protocol, set()))


@asynccontextmanager
async def channel_to(world: World) -> AsyncIterator[aio.Channel]:
    """Through authproxy."""
    async with (
        Program(
            world.cloud_run.url,
            *("--ca-file", str(world.ca_file), "--credentials", "metadata", "-l", "127.0.0.1:0"),
            environ=world.environment,
        ) as program,
        aio.insecure_channel(program.url.removeprefix("http://")) as channel,
    ):
        yield channel


async def test_grpc_finds_the_sample_s_services_by_way_of_authproxy(world: World) -> None:
    async with channel_to(world) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        checked = await stub.Check(health_pb2.HealthCheckRequest())
        said = await channel.unary_unary("/demo.Echo/Say")(b"hello")
        call = channel.stream_stream("/demo.Echo/Chat")()
        answers = []
        for word in (b"one", b"two" * 50_000, b"three"):
            await call.write(word)
            answers.append(await call.read())
        await call.done_writing()
        end = await call.read()
        with pytest.raises(aio.AioRpcError) as caught:
            await channel.unary_unary("/demo.Nothing/Say")(b"")
        world.cloud_run.gate.invokers.clear()
        with pytest.raises(aio.AioRpcError) as refused:
            await channel.unary_unary("/demo.Echo/Say")(b"")

    assert health_pb2.HealthCheckResponse.SERVING == checked.status
    assert (b"hello", [b"one", b"two" * 50_000, b"three"], aio.EOF) == (said, answers, end)
    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()
    assert grpc.StatusCode.PERMISSION_DENIED == refused.value.code()
    assert "it lacks roles/run.invoker." in (refused.value.details() or "")


async def test_messages_that_come_compressed_go_back_so(world: World) -> None:
    roots = grpc.ssl_channel_credentials(world.ca_file.read_bytes())
    world.cloud_run.gate.invokers.add("allUsers")
    message = b"a" * 1000
    async with aio.secure_channel(
        f"localhost:{world.cloud_run.port}", roots, compression=grpc.Compression.Gzip
    ) as channel:
        answer = await channel.unary_unary("/demo.Echo/Say")(message, timeout=10)

    assert message == answer


@pytest.mark.parametrize("path", ["/demo.Echo/Say", "/grpc.health.v1.Health/Check"])
async def test_who_does_not_speak_grpc_finds_nothing_there(world: World, path: str) -> None:
    async with client_of(world) as client:
        assert 404 == (await client.post(path)).status_code
    assert "application/grpc" == sample.GRPC
