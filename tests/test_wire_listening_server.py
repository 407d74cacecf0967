"""The server: time, draining, and what observers hear whatever happens."""

import asyncio
import contextlib

import pytest

from authproxy.exchange import Exchange
from authproxy.settings import TimeoutSettings
from authproxy.values import Listen, parse_network
from authproxy.wire.listening.sockets import open_listener
from authproxy.wire.status import Kind
from tests.support.proxy_header import v1
from tests.support.proxying import proxying
from tests.support.raw import OK, Call, always, raw_service
from tests.support.talking import GET, accepted, read_answer, read_rest, until, was_cut


async def test_idle_connections_close_when_draining_begins() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        assert "<ProxyServer [serving, 0 connections]>" == repr(proxy.server)
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        proxy.server.drain()
        assert b"" == await read_rest(reader)
        writer.close()
        await proxy.server.shutdown(10)
        assert "<ProxyServer [draining, 0 connections]>" == repr(proxy.server)


async def test_exchange_in_flight_is_finished_before_shutdown() -> None:
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await go.wait()
        await call.say(OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await until(lambda: len(service.heads) == 1)
        proxy.server.drain()
        go.set()
        await proxy.server.shutdown(10)
        answer = await read_rest(reader)
        writer.close()

    assert b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" == answer


async def test_answer_that_has_begun_is_the_last_on_its_connection() -> None:
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK[:-1])
        await go.wait()
        await call.say(OK[-1:])

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await reader.readexactly(len(OK) - 1)
        proxy.server.drain()
        go.set()
        async with asyncio.timeout(5):
            await proxy.server.shutdown(10)
        assert b"k" == await read_rest(reader)
        writer.close()


async def test_request_whose_head_is_coming_is_still_answered() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET[:10])
        connection = await accepted(proxy)
        await until(lambda: "in a head" in repr(connection))
        proxy.server.drain()
        writer.write(GET[10:])
        answer = await read_rest(reader)
        writer.close()

    assert answer.endswith(b"Connection: close\r\n\r\nok")


async def test_exchange_that_takes_too_long_is_cut_and_heard_of() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK[:-1])
        await call.reader.read(-1)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await reader.readexactly(len(OK) - 1)
        proxy.server.drain()
        await proxy.server.shutdown(0.01)
        assert 1 == len(proxy.heard.ids)
        with contextlib.suppress(ConnectionResetError):
            assert b"" == await read_rest(reader)
        writer.close()
        await until(lambda: proxy.pool.status().open == 0)


async def test_cut_ends_everything_at_once() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        await accepted(proxy)
        proxy.server.cut()
        assert b"" == await read_rest(reader) or await was_cut(reader)
        writer.close()
        await until(lambda: not proxy.server.connections)


async def test_ticks_come_by_themselves() -> None:
    timeouts = TimeoutSettings(keep_alive=0.05)
    async with raw_service() as service, proxying(service.url, timeouts=timeouts) as proxy:
        proxy.server.tasks.spawn(proxy.server.keep_ticking(), name="ticks")
        reader, writer = await proxy.connect()
        assert b"" == await read_rest(reader)
        writer.close()


async def test_a_tick_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    class Sick:
        ticks = 0

        def tick(self, seconds: float, timeouts: TimeoutSettings) -> None:
            self.ticks += 1
            raise RuntimeError("a defect")

        kind: Kind = "http1"
        idle_s = 0.0
        in_flight = 0

        def time_is_up(self) -> None:
            pass

        def recheck(self) -> None:
            """Nothing to do."""

        def drain(self) -> None:
            """Nothing to do."""

        def cut(self) -> None:
            """Nothing to do."""

    timeouts = TimeoutSettings(keep_alive=0.01)
    async with raw_service() as service, proxying(service.url, timeouts=timeouts) as proxy:
        sick = Sick()
        proxy.server.opened(sick, None)
        proxy.server.tasks.spawn(proxy.server.keep_ticking(), name="ticks")
        await until(lambda: sick.ticks > 1)
        proxy.server.closed(sick)

    assert "the check for timeouts failed" in caplog.text


async def test_observer_that_fails_spoils_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def exchange_ended(self, exchange: Exchange) -> None:
            raise RuntimeError("a defect")

    async with raw_service() as service, proxying(service.url, first=[Broken()]) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(GET)
            assert OK == b"".join(await read_answer(reader))
        writer.close()
        exchanges = await proxy.heard.wait_for(2)

    assert all(exchange.duration_s > 0 for exchange in exchanges)
    assert "failed to record <Exchange " in caplog.text


async def test_room_is_made_by_those_who_were_served_before_those_who_have_not_asked() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        served, served_writer = await proxy.connect()
        served_writer.write(GET)
        await read_answer(served)
        new, new_writer = await proxy.connect()
        await until(lambda: "2 connections" in repr(proxy.server))
        proxy.server.tick(4.0)
        proxy.server.room.most = 2
        late, late_writer = await proxy.connect()
        for writer in (new_writer, late_writer):
            writer.write(GET)

        assert b"" == await read_rest(served)
        assert [OK, OK] == [b"".join(await read_answer(each)) for each in (new, late)]
        for writer in (served_writer, new_writer, late_writer):
            writer.close()


async def test_one_listener_can_be_closed_and_the_rest_goes_on() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        (sock,) = open_listener(Listen("127.0.0.1", 0))
        port = sock.getsockname()[1]
        listening = proxy.server.listen(sock, proxy.listener)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        listening.close()
        listening.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        writer.close()
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        writer.close()


@pytest.mark.parametrize("is_behind", [False, True], ids=["listen", "listen_behind"])
async def test_a_listener_is_closed_by_itself_and_who_came_by_it_stays(is_behind: bool) -> None:
    trusted = [parse_network("127.0.0.1")]
    hello = v1("192.0.2.7") if is_behind else b""
    allow = [parse_network("0.0.0.0/0")]
    async with (
        raw_service(always(OK)) as service,
        proxying(service.url, trusted=trusted, allow=allow) as proxy,
    ):
        (sock,) = open_listener(Listen("127.0.0.1", 0))
        port = sock.getsockname()[1]
        listen = proxy.server.listen_behind if is_behind else proxy.server.listen
        listening = listen(sock, proxy.listener)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(hello + GET)
        first = await read_answer(reader)
        arriving = [await asyncio.open_connection("127.0.0.1", port) for _ in range(is_behind)]
        await until(lambda: proxy.server.status().arriving == len(arriving))
        for _ in range(2):  # the second time it does nothing
            listening.close()
        assert sock.fileno() == -1
        assert len(arriving) == proxy.server.status().arriving
        for _, newcomer in arriving:
            newcomer.close()
        await until(lambda: proxy.server.status().arriving == 0)

        assert OK == b"".join(first)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        other_reader, other = await proxy.connect()
        other.write(GET)
        assert OK == b"".join(await read_answer(other_reader))
        for each in (writer, other, *(each for _, each in arriving)):
            each.close()
        assert not proxy.server.draining
