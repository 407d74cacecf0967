"""After a 101: bytes both ways, backpressure, and every way in which a side may leave."""

import asyncio
import gc
from typing import cast

import pytest

from authproxy.settings import TimeoutSettings
from authproxy.wire.relay.tunnel import Tunnel, TunnelEnd
from authproxy.wire.transport import reset
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import OK, Call, Conversation, raw_service
from tests.support.talking import get, read_answer, read_rest, tls_contexts, until, was_cut

MIB = 1024 * 1024
HANDSHAKE = get("/ws", "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-X: 1")
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-Y: 2\r\n\r\n"
)


def tunnelling(after: Conversation) -> Conversation:
    async def talk(call: Call) -> None:
        head = await call.read_head()
        assert b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" in head
        await call.say(SWITCH)
        await after(call)

    return talk


async def echo(call: Call) -> None:
    while data := await call.reader.read(MIB):
        await call.say(data)


async def stay(call: Call) -> None:
    await call.reader.read(-1)


async def shake(proxy: RunningProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await proxy.connect()
    writer.write(HANDSHAKE)
    head, _ = await read_answer(reader)
    assert (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-Y: 2\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    ) == head
    return reader, writer


def tunnel(proxy: RunningProxy) -> Tunnel:
    (found,) = proxy.server.connections
    assert isinstance(found, Tunnel)
    return found


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_bytes_pass_both_ways_untouched(tls: bool) -> None:
    certificate, trust = tls_contexts() if tls else (None, None)
    every = bytes(range(256))
    async with (
        raw_service(tunnelling(echo), tls=certificate) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        reader, writer = await shake(proxy)
        for _ in range(3):
            writer.write(every)
            assert every == await reader.readexactly(len(every))
        assert repr(tunnel(proxy)).endswith(" [open]>")
        assert "<TunnelEnd [768 bytes received]>" == repr(tunnel(proxy).client_end)
        assert proxy.pool.status().open == 0
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert (101, 768, 768) == (
        exchange.status,
        exchange.bytes_from_client,
        exchange.bytes_to_client,
    )
    assert exchange.code is None


async def test_bytes_sent_ahead_of_the_101_follow_it() -> None:
    async with raw_service(tunnelling(echo)) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(HANDSHAKE + b"ahead")
        await until(lambda: len(service.heads) == 1)
        writer.write(b" of it")
        await read_answer(reader)
        assert b"ahead of it" == await reader.readexactly(11)
        writer.close()


async def test_bytes_that_come_along_with_the_101_reach_the_client() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(SWITCH + b"\x81\x02hi")
        await echo(call)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await shake(proxy)
        assert b"\x81\x02hi" == await reader.readexactly(4)
        writer.write(b"and back")
        assert b"and back" == await reader.readexactly(8)
        writer.close()


async def test_interim_answers_may_come_before_the_101() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 103 Early Hints\r\n\r\n" + SWITCH + b"hi")
        await stay(call)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(HANDSHAKE)
        assert b"HTTP/1.1 103 Early Hints\r\n\r\n" == await reader.readuntil(b"\r\n\r\n")
        await read_answer(reader)
        assert b"hi" == await reader.readexactly(2)
        writer.close()


async def test_a_side_that_does_not_read_holds_the_other_back() -> None:
    size = 32 * MIB
    go = asyncio.Event()

    async def flood(call: Call) -> None:
        await call.say(bytes(size))
        await go.wait()
        await call.reader.readexactly(size)
        await call.say(b"done")

    async with raw_service(tunnelling(flood)) as service, proxying(service.url) as proxy:
        reader, writer = await shake(proxy)
        ends = tunnel(proxy).client_end, tunnel(proxy).service_end
        await until(lambda: not ends[1].transport.is_reading())
        most = 0
        received = 0
        while received < size:
            received += len(await reader.read(MIB))
            most = max(most, ends[0].transport.get_write_buffer_size())
        writer.write(bytes(size))
        await until(lambda: not ends[0].transport.is_reading())
        assert ends[1].transport.get_write_buffer_size() < MIB
        go.set()
        assert b"done" == await reader.readexactly(4)
        writer.close()

    assert size == received
    assert most < MIB


async def test_service_that_ends_ends_the_client_with_all_that_it_said() -> None:
    async def last_words(call: Call) -> None:
        await call.say(b"bye" * 100_000)

    async with raw_service(tunnelling(last_words)) as service, proxying(service.url) as proxy:
        reader, writer = await shake(proxy)
        assert b"bye" * 100_000 == await read_rest(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert 300_000 == exchange.bytes_to_client


async def test_client_that_ends_ends_the_service_with_all_that_it_said() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(call: Call) -> None:
        heard.put_nowait(await call.reader.read(-1))

    async with raw_service(tunnelling(listen)) as service, proxying(service.url) as proxy:
        _, writer = await shake(proxy)
        writer.write(b"bye")
        writer.write_eof()
        async with asyncio.timeout(10):
            assert b"bye" == await heard.get()
        writer.close()
        await proxy.heard.wait_for(1)


async def test_abrupt_end_of_the_service_is_one_for_the_client() -> None:
    async def cut(call: Call) -> None:
        await call.reader.readexactly(1)
        reset(cast(asyncio.Transport, call.writer.transport))

    async with raw_service(tunnelling(cut)) as service, proxying(service.url) as proxy:
        reader, writer = await shake(proxy)
        writer.write(b"x")
        assert await was_cut(reader)
        writer.close()
        await proxy.heard.wait_for(1)


async def test_abrupt_end_of_the_client_ends_the_service() -> None:
    ended = asyncio.Event()

    async def listen(call: Call) -> None:
        try:
            await call.reader.read(-1)
        finally:
            ended.set()

    async with raw_service(tunnelling(listen)) as service, proxying(service.url) as proxy:
        _, writer = await shake(proxy)
        writer.transport.abort()
        async with asyncio.timeout(10):
            await ended.wait()
        await proxy.heard.wait_for(1)
        await until(lambda: not proxy.server.connections)


async def test_silent_tunnel_is_cut_after_its_time() -> None:
    timeouts = TimeoutSettings(stream_idle=60)
    async with (
        raw_service(tunnelling(echo)) as service,
        proxying(service.url, timeouts=timeouts) as proxy,
    ):
        reader, writer = await shake(proxy)
        proxy.server.tick(50)
        writer.write(b"x")
        await reader.readexactly(1)
        proxy.server.tick(50)
        assert 1 == len(proxy.server.connections)
        proxy.server.tick(11)
        await read_rest(reader)
        writer.close()
        await until(lambda: not proxy.server.connections)


async def test_side_that_never_takes_the_rest_is_cut_in_the_end() -> None:
    async def flood(call: Call) -> None:
        await call.say(bytes(32 * MIB))

    async with raw_service(tunnelling(flood)) as service, proxying(service.url) as proxy:
        _, writer = await shake(proxy)
        client_end = tunnel(proxy).client_end
        await until(lambda: not client_end.other.transport.is_reading())
        client_end.other.transport.abort()
        await proxy.heard.wait_for(1)
        assert repr(tunnel(proxy)).endswith(" [ended]>")
        proxy.server.tick(3601)
        await until(lambda: not proxy.server.connections)
        writer.transport.abort()


async def test_tunnels_end_alone_when_the_time_to_drain_is_up() -> None:
    async with raw_service(tunnelling(echo)) as service, proxying(service.url) as proxy:
        reader, writer = await shake(proxy)
        proxy.server.drain()
        writer.write(b"still here")
        assert b"still here" == await reader.readexactly(10)
        await proxy.server.shutdown(0.01)
        await read_rest(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert 10 == exchange.bytes_to_client


async def test_answer_instead_of_a_101_is_an_answer() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(HANDSHAKE)
        assert OK == b"".join(await read_answer(reader))
        assert 1 == proxy.pool.status().open
        writer.close()


def test_an_end_says_what_it_got() -> None:
    end = TunnelEnd.__new__(TunnelEnd)
    end.bytes_received = 3

    assert "<TunnelEnd [3 bytes received]>" == repr(end)


@pytest.mark.parametrize("leaving", ["client", "service"])
async def test_what_has_ended_does_not_wait_for_the_garbage_collector(leaving: str) -> None:
    """A connection in TLS keeps a hundred kilobytes as long as anything holds on to it."""

    async def say_goodbye(call: Call) -> None:
        await call.reader.readexactly(1)

    gc.disable()
    try:
        async with (
            raw_service(tunnelling(stay if leaving == "client" else say_goodbye)) as service,
            proxying(service.url) as proxy,
        ):
            reader, writer = await shake(proxy)
            ends = [tunnel(proxy).client_end, tunnel(proxy).service_end]
            writer.write(b"!")
            if leaving == "client":
                writer.close()
            await read_rest(reader)
            writer.close()
            await until(lambda: not proxy.server.connections)
    finally:
        gc.enable()

    assert [False, False] == [hasattr(end, "transport") for end in ends]
