"""Peers that are gone without a word, and such as only look like it."""

import asyncio
import socket

from authproxy.wire.client.connection import ClientConnection
from authproxy.wire.http2.connection import Splice
from authproxy.wire.lost_peers import LOST_AFTER_S, UNANSWERED
from authproxy.wire.relay.relay import Relay
from tests.support.http2 import http2_client, http2_service
from tests.support.proxying import proxying
from tests.support.raw import OK, Call, always, raw_service
from tests.support.talking import GET, accepted, post, read_answer, until
from tests.support.vanishing import keep_alive_then_vanish, pass_until_lost, vanish


async def test_what_may_not_go_twice_is_told_and_the_next_request_is_served() -> None:
    async with raw_service(always(OK)) as service, proxying(service.url) as proxy:
        await keep_alive_then_vanish(proxy, service.calls)
        reader, writer = await proxy.connect()
        writer.write(post(b"once"))
        await pass_until_lost(proxy)
        head, body = await read_answer(reader)
        writer.write(GET)
        after, _ = await read_answer(reader)
        writer.close()

    assert b"HTTP/1.1 504 " == head[:13]
    assert b"The service is gone: nothing acknowledges what was sent to it." in body
    assert b"HTTP/1.1 200 " == after[:13]


async def test_a_call_to_a_service_that_vanished_is_told_over_http2() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        vanish(service.connections[0].writer)
        client.call(3)
        (connection,) = proxy.server.connections
        assert isinstance(connection, Splice)
        await until(lambda: connection.link.is_lost)
        proxy.server.tick(LOST_AFTER_S + 1)
        proxy.server.tick(0.0)
        answer = await client.answer(3)

    assert b"504" == answer.get(b":status")
    assert b"nothing acknowledges what was sent to it" in answer.body


async def test_a_service_that_lives_and_takes_nothing_is_not_lost() -> None:
    """Its window is shut, and it says so each time that it is asked."""

    async def stop_reading(call: Call) -> None:
        await call.reader.readexactly(1)
        call.writer.transport.pause_reading()  # type: ignore[attr-defined]  # -- it can
        await asyncio.Event().wait()

    async with raw_service(stop_reading) as service, proxying(service.url) as proxy:
        _, writer = await proxy.connect()
        writer.write(post(b"x" * 16_000_000))
        connection = await accepted(proxy)
        await until(lambda: probes_of(connection) >= UNANSWERED)
        proxy.server.tick(LOST_AFTER_S + 1)
        in_flight = connection.in_flight
        writer.transport.abort()

    assert 1 == in_flight


def probes_of(connection: ClientConnection) -> int:
    """How often the kernel has asked a shut window whether it has opened: `tcpi_backoff`."""
    relay = connection.pipeline.current
    if not isinstance(relay, Relay) or relay.service is None:
        return 0
    sock = relay.service.transport.get_extra_info("socket")
    return int(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[4])


async def test_a_client_that_vanished_lets_go_of_the_service() -> None:
    """The kernel is told to look after one second instead of fifteen."""
    hears_end = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.reader.read(-1)
        hears_end.set()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        _, writer = await proxy.connect()
        writer.write(GET)
        await until(lambda: bool(service.heads))
        sock = (await accepted(proxy)).transport.get_extra_info("socket")
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
            sock.setsockopt(socket.IPPROTO_TCP, option, 1)
        vanish(writer)
        async with asyncio.timeout(20):
            await hears_end.wait()
        writer.transport.abort()
