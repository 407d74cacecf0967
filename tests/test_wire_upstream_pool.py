"""The connections to one service and the line of those who wait for one."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from authproxy.errors import AuthProxyError, Code
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.values import parse_origin
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.pool import Pool
from tests.support.proxying import FixedTokens, make_token, proxying
from tests.support.raw import OK, Call, RawService, raw_service
from tests.support.talking import GET, LAST_GET, get, read_answer, until


@dataclass(eq=False)
class Waiting:
    """Stands in line and keeps what it hears."""

    connection: ServiceConnection | None = None
    error: AuthProxyError | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def connected(self, connection: ServiceConnection) -> None:
        self.connection = connection
        self.heard.set()

    def not_connected(self, error: AuthProxyError) -> None:
        self.error = error
        self.heard.set()


@contextlib.asynccontextmanager
async def pool_of(url: str, *, limit: int = 10) -> AsyncIterator[Pool]:
    pool = Pool(
        Connector(origin=parse_origin(url), timeout_s=5, contexts=None),
        limits=LimitSettings(connections_per_service=limit),
        timeouts=TimeoutSettings(),
    )
    try:
        yield pool
    finally:
        await pool.close()
        await until(lambda: pool.status().open == 0)


async def quiet(call: Call) -> None:
    await call.reader.read(-1)


async def connect(pool: Pool) -> ServiceConnection:
    waiting = Waiting()
    pool.wait(waiting)
    async with asyncio.timeout(10):
        await waiting.heard.wait()
    assert waiting.connection is not None
    return waiting.connection


async def test_what_becomes_free_goes_to_whoever_waits_longest() -> None:
    async with raw_service(quiet) as service, pool_of(service.url, limit=1) as pool:
        first = await connect(pool)
        line = [Waiting(), Waiting(), Waiting()]
        for waiting in line:
            pool.wait(waiting)
        assert f"<Pool {service.url} [1 busy, 0 idle, 0 connecting | 3 waiting]>" == repr(pool)
        pool.leave(line[1])
        pool.leave(line[1])
        pool.put(first)
        assert first is line[0].connection
        assert not line[2].heard.is_set()
        pool.put(first)
        assert first is line[2].connection
        pool.put(first)
        assert f"<Pool {service.url} [0 busy, 1 idle, 0 connecting | 0 waiting]>" == repr(pool)

    assert line[1].connection is None
    assert 1 == len(service.calls)


async def test_a_lost_connection_makes_room_for_the_next_in_line() -> None:
    async with raw_service(quiet) as service, pool_of(service.url, limit=1) as pool:
        first = await connect(pool)
        waiting = Waiting()
        pool.wait(waiting)
        first.abandon()
        await waiting.heard.wait()
        assert waiting.connection is not None
        assert waiting.connection is not first
        waiting.connection.close()


async def test_connection_that_nobody_waits_for_any_more_is_kept() -> None:
    async with raw_service(quiet) as service, pool_of(service.url) as pool:
        waiting = Waiting()
        pool.wait(waiting)
        assert f"<Pool {service.url} [0 busy, 0 idle, 1 connecting | 1 waiting]>" == repr(pool)
        pool.leave(waiting)
        await until(lambda: pool.status().idle == 1)
        connection = pool.take()
        assert connection is not None
        assert connection.reused
        assert pool.take() is None
        connection.close()


async def test_the_connection_used_last_is_lent_first_and_one_that_ended_never() -> None:
    async with raw_service(quiet) as service, pool_of(service.url) as pool:
        one, two, three = [await connect(pool) for _ in range(3)]
        for connection in (one, two, three):
            pool.put(connection)
        three.close()
        assert two is pool.take()
        assert one is pool.take()
        assert pool.take() is None
        one.close()
        two.close()


async def test_idle_connections_are_closed_after_their_time() -> None:
    async with raw_service(quiet) as service, pool_of(service.url) as pool:
        one, two = [await connect(pool) for _ in range(2)]
        pool.put(one)
        pool.tick(40)
        pool.put(two)
        pool.tick(21)
        await until(lambda: pool.status().open == 1)
        assert not one.is_usable
        assert two.is_usable


async def test_whoever_rested_longest_is_closed_first_whatever_was_lent_since() -> None:
    async with raw_service(quiet) as service, pool_of(service.url) as pool:
        one, two, three = [await connect(pool) for _ in range(3)]
        for connection in (one, two, three):
            pool.put(connection)
            pool.tick(10)
        assert three is pool.take()
        pool.put(three)
        pool.tick(45)
        await until(lambda: pool.status().open == 1)
        assert [False, False, True] == [each.is_usable for each in (one, two, three)]


async def test_one_connection_is_opened_before_anybody_asks() -> None:
    async with raw_service(quiet) as service, pool_of(service.url) as pool:
        pool.warm()
        pool.warm()
        await until(lambda: pool.status().idle == 1)
        pool.warm()
        connection = pool.take()
        assert connection is not None
        assert connection.reused
        assert f"<Pool {service.url} [1 busy, 0 idle, 0 connecting | 0 waiting]>" == repr(pool)
        connection.close()

    assert 1 == len(service.calls)


async def test_who_asks_while_it_is_opened_gets_it() -> None:
    async with raw_service(quiet) as service, pool_of(service.url) as pool:
        pool.warm()
        connection = await connect(pool)
        assert not connection.reused
        connection.close()

    assert 1 == len(service.calls)


async def test_a_failed_connection_ahead_of_requests_is_only_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    url = await refused_url()
    async with pool_of(url) as pool:
        pool.warm()
        await until(lambda: not pool.status().connecting)
        await pool.close()
        pool.warm()
        assert 0 == pool.status().connecting

    [record] = caplog.records
    assert "INFO" == record.levelname
    assert record.getMessage().startswith(f"cannot connect yet: {url} cannot be reached. (")


async def refused_url() -> str:
    """A port that nobody listens on."""
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}"


async def test_each_failure_to_connect_is_told_to_one_who_waits() -> None:
    url = await refused_url()
    line = [Waiting() for _ in range(3)]
    async with pool_of(url, limit=1) as pool:
        for waiting in line:
            pool.wait(waiting)
        await line[0].heard.wait()
        assert [False, False] == [waiting.heard.is_set() for waiting in line[1:]]
        await line[2].heard.wait()
        assert f"<Pool {url} [0 busy, 0 idle, 0 connecting | 0 waiting]>" == repr(pool)

    for waiting in line:
        assert waiting.error is not None
        assert f"{url} cannot be reached." == str(waiting.error)


async def test_service_that_closes_at_once_is_not_dialled_for_ever() -> None:
    async def slam(call: Call) -> None:
        call.cut()

    async with raw_service(slam) as service, proxying(service.url) as proxy:
        answer = await proxy.exchange(LAST_GET)

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert len(service.calls) < 3


async def test_failure_to_connect_is_answered_and_the_client_goes_on() -> None:
    url = await refused_url()
    async with proxying(url) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(GET)
            head, _ = await read_answer(reader)
            assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        writer.close()
        exchanges = await proxy.heard.wait_for(2)

    assert [Code.CONNECT_FAILED] * 2 == [exchange.code for exchange in exchanges]
    assert [0, 0] == [exchange.attempts for exchange in exchanges]


async def test_more_clients_than_connections_are_all_served() -> None:
    limits = LimitSettings(connections_per_service=2)

    async def serve(url: str, service: RawService) -> int:
        async with proxying(url, limits=limits) as proxy:
            answers = await asyncio.gather(*(proxy.exchange(LAST_GET) for _ in range(40)))
            assert all(answer.endswith(b"ok") for answer in answers)
            return len(service.calls)

    async with raw_service() as service:
        assert await serve(service.url, service) <= 2  # one, if it was ready long before the other


async def test_client_that_leaves_the_line_is_not_served() -> None:
    limits = LimitSettings(connections_per_service=1)
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        while await call.read_head():
            await go.wait()
            await call.say(OK)

    async with raw_service(talk) as service, proxying(service.url, limits=limits) as proxy:
        clients = []
        for n in range(3):
            clients.append(await proxy.connect())
            clients[n][1].write(get(f"/{n}"))
            expected = f"{n} waiting]"
            await until(lambda: repr(proxy.pool).endswith(f"{expected}>") and bool(service.heads))  # noqa: B023 -- used at once
        clients[1][1].transport.abort()
        await until(lambda: "1 waiting" in repr(proxy.pool))
        go.set()
        for n in (0, 2):
            assert OK == b"".join(await read_answer(clients[n][0]))
            clients[n][1].close()

    assert [b"/0", b"/2"] == [head.split()[1] for head in service.heads]


async def test_closing_tells_all_who_wait_and_takes_no_more() -> None:
    async with raw_service(quiet) as service:
        pool_context = pool_of(service.url, limit=1)
        async with pool_context as pool:
            lent = await connect(pool)
            waiting, late = Waiting(), Waiting()
            pool.wait(waiting)
            await pool.close()
            pool.wait(late)
            pool.put(lent)

    for told in (waiting, late):
        assert told.error is not None
        assert Code.SHUTTING_DOWN == told.error.code
    assert not lent.is_usable


async def test_unforeseen_failure_of_a_source_is_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens = FixedTokens()
    async with raw_service() as service, proxying(service.url, tokens=tokens) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await tokens.asked.wait()
        tokens.arrives.set_exception(RuntimeError("a defect"))
        head, body = await read_answer(reader)
        tokens.token = make_token()
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        writer.close()

    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert body.startswith(b"No token is available, because of an unexpected error.\n")
    assert "token for service failed" in caplog.text
