"""MCP over HTTP/2: answers that wait for their request, and streams of events with an end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from authproxy.errors import CredentialError
from authproxy.wire.http2.framing.frames import (
    DATA,
    END_STREAM,
    SETTINGS,
    Failure,
    frame,
    rst_stream,
)
from authproxy.wire.http2.framing.scanner import Scanner
from authproxy.wire.mcp.http2_calls import MAX_KEPT, McpCalls
from tests.support.http2 import (
    Answer,
    Call,
    Client,
    Handler,
    Pair,
    http2_client,
    http2_service,
    ok,
)
from tests.support.proxying import FixedTokens, RunningProxy, proxying
from tests.support.talking import until

BOTH = (b"accept", b"application/json, text/event-stream")
SSE = (b"content-type", b"text/event-stream")
NOTIFICATION = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'
RESPONSE = b'data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n'


def message(method: str = "tools/call", id_: object = 7) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method}).encode()


def post(client: Client, stream_id: int, *more: Pair, accept: Pair = BOTH) -> None:
    """The head; the body follows."""
    pseudo = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/mcp")]
    fields = [*pseudo, (b":authority", b"localhost"), accept, *more]
    client.say(client.headers(stream_id, fields, ended=False))


@asynccontextmanager
async def calling(
    handler: Handler, *, tokens: FixedTokens | None = None, mcp: bool = True
) -> AsyncIterator[tuple[Client, RunningProxy]]:
    async with (
        http2_service(handler) as service,
        proxying(service.url, tokens=tokens, mcp=mcp) as proxy,
        http2_client(proxy) as client,
    ):
        yield client, proxy


def said(answer: Answer) -> tuple[int, object]:
    status = int(answer.get(b":status") or b"0")
    return status, json.loads(answer.body)["id"]


def no_token() -> FixedTokens:
    tokens = FixedTokens()
    tokens.arrives.set_exception(CredentialError("No token can be had."))
    return tokens


async def test_it_waits_and_other_calls_go_on() -> None:
    async with http2_service() as service, proxying(service.url) as proxy:
        tokens = proxy.tokens
        async with http2_client(proxy) as client:
            client.call(1)
            assert b"ok" == (await client.answer(1)).body
            token, tokens.token = tokens.token, None
            tokens.arrives.set_exception(CredentialError("No token can be had."))
            post(client, 3)
            await until(lambda: tokens.asked.is_set())
            client.say(frame(DATA, 0, 3, message()[:9]))
            tokens.token = token
            client.call(5)
            assert b"ok" == (await client.answer(5)).body
            client.say(frame(DATA, END_STREAM, 3, message()[9:]))

            assert (200, 7) == said(await client.answer(3))
    assert 2 == len(service.calls)


async def test_a_client_that_sends_no_more_hears_it_without_its_id() -> None:
    async with calling(ok, tokens=no_token()) as (client, proxy):
        post(client, 1)
        await until(lambda: proxy.tokens.asked.is_set())
        await asyncio.sleep(0)
        proxy.server.tick(5.1)

        assert (503, None) == said(await client.answer(1))


async def test_what_becomes_too_large_is_not_waited_for() -> None:
    async with calling(ok, tokens=no_token()) as (client, proxy):
        post(client, 1)
        await until(lambda: proxy.tokens.asked.is_set())
        for _ in range(5):
            client.say(frame(DATA, 0, 1, b"x" * 16_000))

        assert (503, None) == said(await client.answer(1))


async def test_a_client_that_takes_it_back_is_told_nothing() -> None:
    async with calling(ok, tokens=no_token()) as (client, proxy):
        post(client, 1)
        await until(lambda: proxy.tokens.asked.is_set())
        client.say(rst_stream(1, Failure.CANCEL))
        (exchange,) = await proxy.heard.wait_for(1)
        post(client, 3)
        client.say(frame(DATA, END_STREAM, 3, message()))
        assert (200, 7) == said(await client.answer(3))

    assert ("client", 0) == (exchange.aborted, exchange.status)


async def test_a_client_that_leaves_meanwhile_is_told_nothing() -> None:
    async with calling(ok, tokens=no_token()) as (client, proxy):
        post(client, 1)
        await until(lambda: proxy.tokens.asked.is_set())
        client.writer.transport.abort()
        (exchange,) = await proxy.heard.wait_for(1)

    assert ("client", 0) == (exchange.aborted, exchange.status)


async def test_there_is_no_time_to_wait_when_authproxy_ends() -> None:
    async with calling(ok, tokens=no_token()) as (client, proxy):
        post(client, 1)
        await until(lambda: proxy.tokens.asked.is_set())
        await asyncio.sleep(0)
        await proxy.server.shutdown(0)

        assert (503, None) == said(await client.answer(1))


async def test_only_so_many_wait() -> None:
    async with calling(ok, tokens=no_token()) as (client, _proxy):
        for number in range(65):
            post(client, 2 * number + 1)

        assert (503, None) == said(await client.answer(129))


class Passes:
    """Receives frames, and lets all of them pass."""

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> None:
        return None

    def block(self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes) -> None:
        return None

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        return None


def test_what_is_kept_of_a_connection_has_a_bound() -> None:
    calls = McpCalls()
    up, down = (Scanner(Passes(), [], max_block=1000) for _ in range(2))
    calls.attach(up, down)
    up.feed(frame(SETTINGS, 0, 0))
    streams = range(1, 41, 2)
    for stream_id in streams:
        calls.expect(stream_id)
        for _ in range(4):
            up.feed(frame(DATA, 0, stream_id, b"x" * 16_000))
            assert calls.kept_bytes <= MAX_KEPT
    assert calls.kept_bytes > MAX_KEPT - 64_000
    assert f"<McpCalls [20 requests, {calls.kept_bytes} bytes]>" == repr(calls)
    for stream_id in streams:
        calls.drop(stream_id)

    assert 0 == calls.kept_bytes


async def stream(call: Call, *events: bytes) -> None:
    """Begin to answer with events."""
    await call.ended.wait()
    h2 = call.connection.h2
    h2.send_headers(call.stream_id, [(b":status", b"200"), SSE])
    for event in events:
        h2.send_data(call.stream_id, event)
    call.connection.flush()


def reset(call: Call) -> None:
    call.connection.h2.reset_stream(call.stream_id, 2)
    call.connection.flush()


def cut(call: Call) -> None:
    call.connection.writer.transport.abort()


@pytest.mark.parametrize("end", [reset, cut])
@pytest.mark.parametrize("begun", [(), (NOTIFICATION,), (NOTIFICATION[:20], NOTIFICATION[20:])])
async def test_a_stream_that_dies_ends_with_an_error_and_in_good_order(
    end: Callable[[Call], None], begun: tuple[bytes, ...]
) -> None:
    async def talk(call: Call) -> None:
        await stream(call, *begun)
        await asyncio.sleep(0.02)  # a packet of its own: nothing is waited for
        end(call)

    async with calling(talk) as (client, _proxy):
        post(client, 1)
        client.say(frame(DATA, END_STREAM, 1, message()))
        answer = await client.answer(1)

    assert None is answer.reset
    assert answer.body.startswith(b"".join(begun))
    error = json.loads(answer.body.removeprefix(b"".join(begun)).partition(b"data: ")[2])
    assert (7, "upstream_broke") == (error["id"], error["error"]["data"]["authproxy"])


@pytest.mark.parametrize(
    "events", [(NOTIFICATION[:20],), (b"id: 1\n" + NOTIFICATION,), (RESPONSE,)]
)
async def test_others_are_reset_as_ever(events: tuple[bytes, ...]) -> None:
    async def talk(call: Call) -> None:
        await stream(call, *events)
        await asyncio.sleep(0.02)  # a packet of its own: nothing is waited for
        reset(call)

    async with calling(talk) as (client, _proxy):
        post(client, 1)
        client.say(frame(DATA, END_STREAM, 1, message()))
        answer = await client.answer(1)

    assert (2, b"".join(events)) == (answer.reset, answer.body)


@pytest.mark.parametrize(
    ("method", "ends"), [("subscriptions/listen", True), ("tools/call", False)]
)
async def test_what_only_listens_ends_at_once_when_authproxy_does(method: str, ends: bool) -> None:
    go_on = asyncio.Event()

    async def talk(call: Call) -> None:
        await stream(call, NOTIFICATION)
        await go_on.wait()
        if call.reset is None:
            call.connection.h2.send_data(call.stream_id, RESPONSE, end_stream=True)
            call.connection.flush()

    async with calling(talk) as (client, proxy):
        post(client, 1)
        client.say(frame(DATA, END_STREAM, 1, message(method)))
        await client.frame_of(DATA)
        proxy.server.drain()
        if not ends:
            go_on.set()
        found = await client.frame_of(DATA)
        error = json.loads(found.payload.partition(b"data: ")[2])
        go_on.set()
        (exchange,) = await proxy.heard.wait_for(1)

    assert (7, ends) == (error["id"], "error" in error)
    assert ("shutting_down" if ends else None) == exchange.code


async def test_it_can_be_switched_off() -> None:
    async def talk(call: Call) -> None:
        await stream(call, NOTIFICATION)
        await asyncio.sleep(0.02)  # a packet of its own: nothing is waited for
        reset(call)

    async with calling(talk, mcp=False) as (client, _proxy):
        post(client, 1)
        client.say(frame(DATA, END_STREAM, 1, message()))

        assert 2 == (await client.answer(1)).reset
