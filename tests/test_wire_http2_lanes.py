"""What waits for an end that does not read has a bound, whatever it consists of."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from authproxy.settings import TimeoutSettings
from authproxy.wire.http2.connection import MAX_EARLY, Splice
from authproxy.wire.http2.framing.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    SETTINGS,
    frame,
    window_update,
)
from authproxy.wire.http2.headers.blocks import plain_block
from authproxy.wire.http2.lanes import MAX_KEPT, MAX_WAITING, Lane
from tests.support.http2 import Call, Client, Pair, call_of, http2_client, http2_service
from tests.support.proxying import RunningProxy, proxying
from tests.support.talking import until

READ = 256 * 1024  # what one read may bring
BOUND = MAX_WAITING + MAX_KEPT + 2 * READ + MAX_EARLY
"""Bytes. Without a bound each of these floods makes many times as much wait."""


def waiting(splice: Splice) -> int:
    """Bytes that are kept for either end, wherever they are."""
    lanes = (splice.up, splice.down)
    own = sum(map(len, splice.up.out)) + sum(map(len, splice.down.out))
    return own + sum(lane.unsent_bytes + lane.scanner.kept_bytes for lane in lanes)


def set_buffer(transport: asyncio.BaseTransport, option: int, size: int = 4096) -> None:
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, size)


Flood = Callable[[int], bytes]


def calling(*more: Pair, host: bytes = b"localhost", method: bytes = b"GET") -> Flood:
    """Calls that are refused, or answered by us."""
    fields = [(b":method", method), *call_of(*more, host=host)[1:]]
    block = plain_block(fields)
    return lambda stream_id: frame(HEADERS, END_HEADERS | END_STREAM, stream_id, block)


def uploading() -> Flood:
    block = plain_block(call_of(host=b"evil.example"))
    return lambda stream_id: (
        frame(HEADERS, END_HEADERS, stream_id, block) + frame(DATA, 0, stream_id, b"x") * 20
    )


FLOODS = {
    "refusals": calling(host=b"evil.example"),
    "refusals of malformed calls": calling((b"connection", b"close")),
    "answers of our own": calling((b"max-forwards", b"0"), method=b"OPTIONS"),
    "refusals as gRPC statuses": calling((b"content-type", b"application/grpc"), host=b"evil"),
    "refused uploads": uploading(),
    "pings": lambda _: frame(PING, 0, 0, bytes(8)) * 10,
    "settings": lambda _: frame(SETTINGS, 0, 0) * 10,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
@pytest.mark.parametrize("called", [False, True], ids=["no service", "a service"])
async def test_client_that_never_reads_cannot_make_us_hold_memory(
    flood: Flood, called: bool
) -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        if called:
            client.call(1)
            await client.answer(1)
        splice = await only_splice(proxy)
        stop_reading(client, splice)
        largest, stream_id = 0, 3
        while not (splice.is_over or splice.up.holds.reasons):
            client.say(*(flood(each) for each in range(stream_id, stream_id + 200, 2)))
            stream_id += 200
            await asyncio.sleep(0)
            largest = max(largest, waiting(splice))

    assert BOUND > largest


async def only_splice(proxy: RunningProxy) -> Splice:
    await until(lambda: any(isinstance(c, Splice) for c in proxy.server.connections))
    (splice,) = proxy.server.connections
    assert isinstance(splice, Splice)
    return splice


def stop_reading(client: Client, splice: Splice, *, buffers: int = 4096) -> None:
    client.say(window_update(0, 2**30))  # else the content of refusals would wait for it
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # -- a read transport
    set_buffer(client.writer.transport, socket.SO_RCVBUF, buffers)
    assert splice.down.sink is not None
    set_buffer(splice.down.sink, socket.SO_SNDBUF, buffers)


async def test_client_that_reads_again_gets_every_refusal() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        splice = await only_splice(proxy)
        stop_reading(client, splice, buffers=2**16)
        numbers = range(3, 3003, 2)
        client.say(*map(FLOODS["refusals"], numbers))
        await until(lambda: splice.up.stops != 0)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # -- as above
        answers = [await client.answer(stream_id) for stream_id in numbers]
        client.call(3003)
        last = await client.answer(3003)

    assert {b"421"} == {answer.get(b":status") for answer in answers}
    assert b"ok" == last.body


async def test_client_that_never_reads_is_cut_off_when_it_is_idle_for_too_long() -> None:
    async with (
        http2_service() as service,
        proxying(service.url, timeouts=TimeoutSettings(keep_alive=5)) as proxy,
        http2_client(proxy) as client,
    ):
        splice = await only_splice(proxy)
        stop_reading(client, splice)
        client.say(*map(FLOODS["refusals"], range(1, 9001, 2)))
        await until(lambda: splice.up.stops != 0)
        proxy.server.tick(6.0)
        proxy.server.tick(6.0)
        await until(lambda: not proxy.server.connections)


async def test_service_that_never_reads_cannot_make_us_hold_memory() -> None:
    """What it sends for a call that was given up is given back to its window, frame by frame."""
    sent: list[int] = []

    async def pour(call: Call) -> None:
        writer = call.connection.writer
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # -- a read transport
        while True:
            writer.write(frame(DATA, 0, 1, b"x") * 1000)
            await writer.drain()
            sent.append(1000)
            await asyncio.sleep(0)

    release = asyncio.Event()

    async def later(call: Call) -> None:
        call.connection.h2.send_headers(call.stream_id, [(b":status", b"200")])
        call.connection.flush()
        await release.wait()
        await pour(call)

    async with (
        http2_service(later) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.next_frame()
        await until(lambda: bool(service.calls))
        splice = await only_splice(proxy)
        assert splice.link.end is not None
        set_buffer(splice.link.end.transport, socket.SO_SNDBUF)
        proxy.server.tick(4000.0)
        await service.calls[0].ended.wait()
        release.set()
        largest = 0
        while not splice.down.holds.reasons:
            await asyncio.sleep(0)
            largest = max(largest, waiting(splice))

    assert BOUND > largest


def test_repr_says_what_a_lane_does() -> None:
    lane = Lane(None, max_block=1)  # type: ignore[arg-type]  # -- not asked here
    seen = [repr(lane)]
    lane.stop(1)
    seen.append(repr(lane))
    lane.holds.set(1, True)
    seen.append(repr(lane))

    assert [
        "<Lane [open, 0 bytes unsent]>",
        "<Lane [stopped, 0 bytes unsent]>",
        "<Lane [held, 0 bytes unsent]>",
    ] == seen
