"""Open calls: every one of them ends once, whoever ends it."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from authproxy.errors import Code
from authproxy.exchange import Exchange, RequestHead
from authproxy.settings import TimeoutSettings
from authproxy.wire.http2.calls import MAX_REFUSED, Calls, note_end
from authproxy.wire.http2.framing.frames import (
    DATA,
    END_STREAM,
    RST_STREAM,
    ConnectionFault,
    Failure,
    frame,
    goaway,
)
from authproxy.wire.http2.streams import Stream
from authproxy.wire.recorder import Recorder
from tests.support.http2 import Call, call_of, http2_client, http2_service
from tests.support.proxying import proxying


async def test_early_answer_ends_the_call_when_the_client_has() -> None:
    async def early(call: Call) -> None:
        call.answer()

    async with (
        http2_service(early) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        answer = await client.answer(1)
        assert [] == proxy.heard.ids
        client.say(frame(DATA, END_STREAM, 1, b"rest"))
        (exchange,) = await proxy.heard.wait_for(1)

    assert b"ok" == answer.body
    assert (200, 4, "") == (exchange.status, exchange.bytes_from_client, exchange.aborted)


async def test_reset_by_the_service_passes_and_is_noted() -> None:
    async def reset(call: Call) -> None:
        call.connection.h2.reset_stream(call.stream_id, error_code=11)
        call.connection.flush()

    async with (
        http2_service(reset) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        (exchange,) = await proxy.heard.wait_for(1)

    assert 11 == answer.reset
    assert (0, "service", "the service reset the stream, code 11") == (
        exchange.status,
        exchange.aborted,
        exchange.detail,
    )


async def test_silence_within_an_answer_ends_it_on_both_sides() -> None:
    async def begin(call: Call) -> None:
        call.connection.h2.send_headers(call.stream_id, [(b":status", b"200")])
        call.connection.flush()
        await call.ended.wait()

    async with (
        http2_service(begin) as service,
        proxying(service.url, timeouts=TimeoutSettings(stream_idle=5)) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        await client.frame_of(1)
        proxy.server.tick(6.0)
        answer = await client.answer(1)
        await service.calls[0].ended.wait()

    assert (Failure.INTERNAL_ERROR, Failure.CANCEL) == (answer.reset, service.calls[0].reset)


async def test_call_that_the_service_said_it_would_not_take_may_be_tried_elsewhere() -> None:
    async def leave(call: Call) -> None:
        if len(service.calls) == 2:
            call.connection.writer.write(goaway(1, Failure.NO_ERROR))
            await call.connection.writer.drain()
            call.connection.writer.close()

    async with (
        http2_service(leave) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        client.call(3)
        first, second = await client.answer(1), await client.answer(3)

    assert b"upstream_broke" == first.get(b"x-authproxy-error")
    assert Failure.REFUSED_STREAM == second.reset


KINDS = {"grpc": b"application/grpc", "web": b"application/grpc-web", "none": b"text/plain"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [("grpc", b""), ("grpc", b"\0\0"), ("web", b""), ("web", b"\0"), ("none", b"")],
)
@pytest.mark.parametrize("client_ended", [True, False])
async def test_service_that_dies_in_mid_call_is_unavailable(
    kind: str, body: bytes, client_ended: bool
) -> None:
    async def die(call: Call) -> None:
        h2 = call.connection.h2
        h2.send_headers(call.stream_id, [(b":status", b"200"), (b"content-type", KINDS[kind])])
        if body:
            h2.send_data(call.stream_id, body)
        call.connection.flush()
        await call.connection.writer.drain()
        call.connection.writer.close()

    async with (
        http2_service(die) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        content_type = (b"content-type", KINDS[kind])
        client.say(
            client.headers(
                1, [(b":method", b"POST"), *call_of(content_type)[1:]], ended=client_ended
            )
        )
        answer = await client.answer(1)
        reset = answer.reset
        if reset is None and not client_ended:
            reset = int.from_bytes((await client.frame_of(RST_STREAM)).payload, "big")
        (exchange,) = await proxy.heard.wait_for(1)

    said = dict(answer.trailers) if kind == "grpc" else answer.body[5:]
    assert ("service", "upstream_broke") == (exchange.aborted, exchange.code)
    if kind == "none" or (kind == "web" and body):
        assert (Failure.INTERNAL_ERROR, body) == (reset, answer.body)
    else:
        assert reset == (None if client_ended else Failure.NO_ERROR)
        assert b"14" in (said[b"grpc-status"] if isinstance(said, dict) else said)
        assert b"The service closed the connection before it answered. The request" in (
            said[b"grpc-message"] if isinstance(said, dict) else said
        )


def small(transport: asyncio.BaseTransport, buffer: int) -> None:
    """Few refusals fill it, so that the test needs few of them."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, buffer, 4096)


def test_memory_of_refused_streams_has_a_bound() -> None:
    server = SimpleNamespace(recorder=Recorder([]), draining=False)
    calls = Calls(SimpleNamespace(to_client=None, server=server))
    for stream_id in range(1, 2 * MAX_REFUSED + 11, 2):
        calls.forget(stream_id)

    assert MAX_REFUSED == len(calls.refused)
    assert 11 == next(iter(calls.refused))
    assert "<Calls [0 open]>" == repr(calls)


def stream(*, service_ended: bool, status: int) -> Stream:
    exchange = Exchange("run", 1, None, RequestHead(b"GET", b"/", "2", []))
    exchange.status = status
    made = Stream(exchange, client_ended=False)
    made.service_ended = service_ended
    return made


def test_end_of_a_call_is_noted_unless_it_was_answered_whole() -> None:
    whole, part = stream(service_ended=True, status=200), stream(service_ended=False, status=200)
    broken = stream(service_ended=False, status=0)
    note_end(Recorder([]), whole, None)
    note_end(Recorder([]), part, None)
    note_end(Recorder([]), broken, ConnectionFault(Failure.PROTOCOL_ERROR, "why"))

    assert [("", None, ""), ("client", None, ""), ("client", Code.BAD_REQUEST, "why")] == [
        (s.exchange.aborted, s.exchange.code, s.exchange.detail) for s in (whole, part, broken)
    ]
