"""Real gRPC clients and servers, with authproxy between them: what the one says the other hears."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
import trustme
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from tests.support.http2 import h2_trust
from tests.support.proxying import FixedTokens, RunningProxy, make_token, proxying
from tests.support.talking import until

MIB = 1024 * 1024
NO_LIMIT = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]
Context = Any
"""grpcio has no types."""
Metadata = list[tuple[str, str | bytes]]


@dataclass
class Echo:
    """Four methods on bytes, one of each kind, and what they were told beside."""

    told: list[Metadata] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def unary(self, request: bytes, context: Context) -> bytes:
        self._note(context)
        await self._begin(context)
        if request == b"fail":
            context.set_trailing_metadata((("why", " asked "), ("why-bin", b"\x00\xff")))
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as you wish: schön")
        if request == b"hang":
            await self._hang()
        return request

    async def collect(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        self._note(context)
        return b",".join([request async for request in requests])

    async def count(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        self._note(context)
        for number in range(int(request)):
            yield b"%d" % number

    async def chat(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        self._note(context)
        async for request in requests:
            yield request.upper()

    def _note(self, context: Context) -> None:
        self.told.append([(name, value) for name, value in context.invocation_metadata() or ()])

    async def _begin(self, context: Context) -> None:
        await context.send_initial_metadata((("begun", "yes"), ("raw-bin", b"\x01\x02")))

    async def _hang(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    def tokens(self) -> list[str | bytes]:
        return [value for told in self.told for name, value in told if name == "authorization"]

    def handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            "test.Echo",
            {
                "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
                "Collect": grpc.stream_unary_rpc_method_handler(self.collect),
                "Count": grpc.unary_stream_rpc_method_handler(self.count),
                "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
            },
        )


@dataclass
class Setup:
    echo: Echo
    proxy: RunningProxy
    channel: aio.Channel
    tokens: FixedTokens
    server: aio.Server

    def unary(self, request: bytes, **more: Any) -> Any:
        return self.channel.unary_unary("/test.Echo/Unary")(request, **more)


@asynccontextmanager
async def grpc_between(
    tokens: FixedTokens | None = None, *, options: Mapping[str, str | int] | None = None
) -> AsyncIterator[Setup]:
    """A gRPC server with TLS, the proxy, and a channel without TLS to it."""
    echo, tokens = Echo(), tokens or FixedTokens(make_token())
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    server = aio.server(options=NO_LIMIT)
    server.add_generic_rpc_handlers((echo.handlers(),))
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection(["test.Echo", health.SERVICE_NAME], server)
    key = certificate.private_key_pem.bytes()
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(key, chain)]))
    await server.start()
    try:
        async with (
            proxying(
                f"https://localhost:{port}",
                tokens=tokens,
                trust=h2_trust(authority),
            ) as proxy,
            aio.insecure_channel(
                f"127.0.0.1:{proxy.port}", options=[*NO_LIMIT, *(options or {}).items()]
            ) as channel,
        ):
            yield Setup(echo, proxy, channel, tokens, server)
    finally:
        await server.stop(None)


async def test_unary_call_with_metadata_both_ways() -> None:
    async with grpc_between() as setup:
        call = setup.unary(b"hello", metadata=(("mine", "a, b"), ("mine-bin", b"\xff\x00")))
        answer = await call
        begun = dict(await call.initial_metadata())
        (exchange,) = await setup.proxy.heard.wait_for(1)

    told = dict(setup.echo.told[0])
    assert b"hello" == answer
    assert ("a, b", b"\xff\x00") == (told["mine"], told["mine-bin"])
    assert told["authorization"] == f"Bearer {setup.tokens.token.value.reveal()}"  # type: ignore[union-attr]  # -- it has one
    assert ("yes", b"\x01\x02") == (begun["begun"], begun["raw-bin"])
    assert (b"/test.Echo/Unary", 200, "tester@example.com") == (
        exchange.head.target,
        exchange.status,
        exchange.principal,
    )


async def test_binary_metadata_of_every_call_of_a_channel_arrives_both_ways() -> None:
    """grpcio sends it as raw bytes to a peer whose SETTINGS offer that, from the second call on."""
    values = [b"abc", b"\x00\r\n\xff", b"", b" blank "]
    async with grpc_between() as setup:
        begun, told = [], []
        for value in values * 3:
            call = setup.unary(b"fail" if value == b"abc" else b"1", metadata=(("k-bin", value),))
            begun.append(dict(await call.initial_metadata())["raw-bin"])
            told.append(dict(setup.echo.told[-1])["k-bin"])
            trailers = dict(await call.trailing_metadata())
            assert (b"\x00\xff" if value == b"abc" else None) == trailers.get("why-bin")

    assert (values * 3, [b"\x01\x02"] * 12) == (told, begun)


async def test_client_streaming() -> None:
    async def requests() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%d" % number

    async with grpc_between() as setup:
        answer = await setup.channel.stream_unary("/test.Echo/Collect")(requests())

    assert b",".join(b"%d" % number for number in range(100)) == answer


async def test_server_streaming() -> None:
    async with grpc_between() as setup:
        call = setup.channel.unary_stream("/test.Echo/Count")(b"500")
        answers = [answer async for answer in call]

    assert [b"%d" % number for number in range(500)] == answers


async def test_bidirectional_streaming_in_lockstep() -> None:
    async with grpc_between() as setup:
        call = setup.channel.stream_stream("/test.Echo/Chat")()
        answers = []
        for word in (b"one", b"two", b"three"):
            await call.write(word)
            answers.append(await call.read())
        await call.done_writing()
        end = await call.read()

    assert ([b"ONE", b"TWO", b"THREE"], aio.EOF) == (answers, end)


@pytest.mark.parametrize("begun", [False, True])
async def test_service_that_dies_in_mid_call_is_as_unavailable_as_without_us(begun: bool) -> None:
    async with grpc_between() as setup:
        call = setup.channel.stream_stream("/test.Echo/Chat")()
        if begun:
            await call.write(b"one")
            assert b"ONE" == await call.read()
        else:
            await until(lambda: bool(setup.echo.told))
        await setup.server.stop(None)
        with pytest.raises(aio.AioRpcError) as caught:
            await call.read()

    assert grpc.StatusCode.UNAVAILABLE == caught.value.code()


@pytest.mark.parametrize("value", ["x ", " x", "  x y  ", " "])
async def test_metadata_with_blanks_around_it_arrives_without_them(value: str) -> None:
    async with grpc_between() as setup:
        await setup.unary(b"1", metadata=(("mine", value), ("empty", "")))
        await setup.unary(b"2", metadata=(("mine", value), ("empty", "")))

    for told in map(dict, setup.echo.told):
        assert (value.strip(), "") == (told["mine"], told["empty"])


async def test_many_calls_at_once_on_one_connection() -> None:
    async with grpc_between() as setup:
        answers = await asyncio.gather(*(setup.unary(b"%d" % n, timeout=30) for n in range(200)))

    assert [b"%d" % n for n in range(200)] == answers


async def test_failure_of_the_service_arrives_with_its_trailers() -> None:
    async with grpc_between() as setup:
        with pytest.raises(aio.AioRpcError) as caught:
            await setup.unary(b"fail")

    assert grpc.StatusCode.FAILED_PRECONDITION == caught.value.code()
    assert "as you wish: schön" == caught.value.details()
    trailers = dict(caught.value.trailing_metadata())
    assert ("asked", b"\x00\xff") == (trailers["why"].strip(), trailers["why-bin"])


async def test_unknown_method_is_the_service_s_own_trailers_only_answer() -> None:
    async with grpc_between() as setup:
        with pytest.raises(aio.AioRpcError) as caught:
            await setup.channel.unary_unary("/test.Echo/Nothing")(b"")

    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()
    assert "authproxy" not in (caught.value.details() or "")


async def test_deadline_ends_the_call_on_both_sides() -> None:
    async with grpc_between() as setup:
        with pytest.raises(aio.AioRpcError) as caught:
            await setup.unary(b"hang", timeout=0.5)
        async with asyncio.timeout(10):
            await setup.echo.cancelled.wait()

    assert grpc.StatusCode.DEADLINE_EXCEEDED == caught.value.code()


async def test_cancelled_call_is_cancelled_at_the_service() -> None:
    async with grpc_between() as setup:
        call = setup.unary(b"hang")
        await until(lambda: bool(setup.echo.told))
        call.cancel()
        async with asyncio.timeout(10):
            await setup.echo.cancelled.wait()
        await setup.proxy.heard.wait_for(1)


@pytest.mark.timeout(300)  # most of the time is the kernel's, and depends on the machine
async def test_message_of_100_mb_passes_both_ways() -> None:
    message = os.urandom(MIB) * 100
    async with grpc_between() as setup:
        answer = await setup.unary(message, timeout=200)

    assert message == answer


async def test_fresh_token_on_every_call_of_a_channel_that_lives_long() -> None:
    tokens = FixedTokens(make_token("eyJ.a.1"))
    async with grpc_between(tokens) as setup:
        await setup.unary(b"1")
        tokens.token = make_token("eyJ.a.2")
        await setup.unary(b"2")
        await setup.unary(b"3")
        connections = len(setup.proxy.server.connections)

    assert ["Bearer eyJ.a.1", "Bearer eyJ.a.2", "Bearer eyJ.a.2"] == setup.echo.tokens()
    assert 1 == connections


async def test_call_waits_for_the_first_token() -> None:
    tokens = FixedTokens()
    async with grpc_between(tokens) as setup:
        calls = [asyncio.ensure_future(call) for call in (setup.unary(b"1"), setup.unary(b"2"))]  # noqa: TID251 -- grpc's calls are awaitables, no coroutines
        await tokens.asked.wait()
        assert [] == setup.echo.told
        tokens.arrives.set_result(make_token("eyJ.a.1"))
        answers = await asyncio.gather(*calls)

    assert [b"1", b"2"] == answers
    assert ["Bearer eyJ.a.1"] * 2 == setup.echo.tokens()


async def test_own_credentials_of_the_client_stay_beside_the_token() -> None:
    async with grpc_between() as setup:
        await setup.unary(b"1", metadata=(("authorization", "Bearer mine"),))

    told = dict(setup.echo.told[0])
    assert "Bearer mine" == told["authorization"]
    assert str(told["x-serverless-authorization"]).startswith("Bearer eyJ")


async def test_refusal_is_a_status_with_a_message() -> None:
    async with grpc_between(options={"grpc.default_authority": "evil.example"}) as setup:
        with pytest.raises(aio.AioRpcError) as caught:
            await setup.unary(b"1")

    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()
    details = caught.value.details() or ""
    assert details.startswith("This proxy does not answer for the host name of this request.")
    assert dict(caught.value.trailing_metadata())["x-authproxy-error"] == "host_not_allowed"
    assert [] == setup.echo.told


async def test_refused_upload_is_a_status_too() -> None:
    """With grpcio's other client: grpc.aio 1.85 loses one such status in six, without us as well,
    and says "Internal error from Core" when its own write fails before it has read the answer."""

    def call(port: int) -> grpc.StatusCode:
        options = [("grpc.default_authority", "evil.example")]
        with (
            grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel,
            pytest.raises(grpc.RpcError) as caught,
        ):
            channel.stream_unary("/test.Echo/Collect")(itertools.repeat(bytes(MIB)), timeout=30)
        code: grpc.StatusCode = caught.value.code()
        return code

    async with grpc_between() as setup:
        code = await asyncio.to_thread(call, setup.proxy.port)

    assert grpc.StatusCode.UNIMPLEMENTED == code


async def test_keep_alive_pings_are_answered_while_a_call_runs() -> None:
    pings = {"grpc.keepalive_time_ms": 100, "grpc.keepalive_timeout_ms": 5000}
    async with grpc_between(options=pings) as setup:
        call = setup.channel.stream_stream("/test.Echo/Chat")()
        for _ in range(4):
            await call.write(b"x")
            assert b"X" == await call.read()
            await asyncio.sleep(0.2)  # twice the time between pings
        await call.done_writing()
        assert aio.EOF == await call.read()


async def test_health_and_reflection_services() -> None:
    async with grpc_between() as setup:
        stub = health_pb2_grpc.HealthStub(setup.channel)
        checked = await stub.Check(health_pb2.HealthCheckRequest())
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        call = reflection_pb2_grpc.ServerReflectionStub(setup.channel).ServerReflectionInfo(
            iter([asked])
        )
        listed = [answer async for answer in call]
        names = {s.name for s in listed[0].list_services_response.service}

    assert health_pb2.HealthCheckResponse.SERVING == checked.status
    assert {"test.Echo", "grpc.health.v1.Health"} <= names


async def test_channel_finds_the_proxy_again_after_a_drain() -> None:
    async with grpc_between() as setup:
        await setup.unary(b"1")
        (splice,) = setup.proxy.server.connections
        splice.drain()
        again = await setup.unary(b"2", wait_for_ready=True, timeout=30)

    assert b"2" == again
