"""The service's side: answers in pieces, broken, too large, too many, and services that leave."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authproxy.errors import Code
from authproxy.settings import LimitSettings
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import NEVER_PAUSES, OK, Call, always, raw_service
from tests.support.talking import (
    GET,
    LAST_GET,
    get,
    post,
    read_answer,
    read_rest,
    tls_contexts,
    until,
    was_cut,
)

MIB = 1024 * 1024
ANSWERS = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.sets(st.integers(1, len(b"".join(ANSWERS)) - 1), max_size=30))
async def test_answers_may_come_in_any_pieces(cuts: set[int]) -> None:
    async def talk(call: Call) -> None:
        begin = 0
        for answer in ANSWERS:
            await call.read_head()
            end = begin + len(answer)
            edges = [begin, *(cut for cut in sorted(cuts) if begin < cut < end), end]
            for left, right in itertools.pairwise(edges):
                await call.say(b"".join(ANSWERS)[left:right])
                await asyncio.sleep(0)
            begin = end

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        heard = b""
        for answer in ANSWERS:
            writer.write(GET)
            heard += await reader.readuntil(answer[-9:])
        writer.close()

    assert heard.replace(b"Transfer-Encoding: chunked\r\n", b"").startswith(ANSWERS[0])
    assert heard.endswith(ANSWERS[2])
    body = heard[len(ANSWERS[0]) : -len(ANSWERS[2])].partition(b"\r\n\r\n")[2]
    assert b"hello" == b"".join(body.split(b"\r\n")[1:-4:2])


async def broken(answer: bytes, *, request: bytes = LAST_GET) -> tuple[bytes, str]:
    """What a client gets when the service says `answer` and closes, and the log's explanation."""

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(answer)
        call.writer.close()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        received = await proxy.exchange(request)
        (exchange,) = await proxy.heard.wait_for(1)
        await until(lambda: proxy.pool.status().open == 0)
    assert Code.UPSTREAM_BROKE == exchange.code
    return received, exchange.detail


GARBAGE = {
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status zero": b"HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\nok",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length and chunked": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "folded line": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    "interim answer with a body": b"HTTP/1.1 150 X\r\nContent-Length: 3\r\n\r\nxyz" + OK,
    "101 that nobody asked for": (
        b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw"
    ),
    "101 without a protocol": b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\nraw",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nConte",
    "interim answer only": b"HTTP/1.0 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
async def test_service_that_breaks_the_protocol_is_a_502(answer: bytes) -> None:
    received, _ = await broken(answer)

    final = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert final.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"xyz" not in final
    assert b"raw" not in final


@pytest.mark.parametrize("upgrade", ["websocket", "other", "h2c"])
async def test_101_for_another_protocol_is_a_502(upgrade: str) -> None:
    answer = b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: tls\r\n\r\nraw"
    request = get("/", "Connection: Upgrade", f"Upgrade: {upgrade}")

    async with raw_service(always(answer)) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request)
        head, _ = await read_answer(reader)
        writer.close()

    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 9 + b"\r\n", "too many header fields"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 600_000, "is too large"),
    ],
    ids=["fields", "bytes"],
)
async def test_head_too_large_is_a_502(answer: bytes, detail: str) -> None:
    limits = LimitSettings(head_bytes=1024, headers=8)
    talk = always(answer)
    async with raw_service(talk) as service, proxying(service.url, limits=limits) as proxy:
        received = await proxy.exchange(LAST_GET)
        (exchange,) = await proxy.heard.wait_for(1)

    assert received.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert exchange.detail.endswith(detail)


async def test_trailers_without_end_cut_the_client_off() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
        while True:
            await call.say(b"X: a\r\n" * 1000)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert await was_cut(reader)
        writer.close()


CUT_SHORT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
    "between chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
}


@pytest.mark.parametrize("answer", CUT_SHORT.values(), ids=CUT_SHORT)
async def test_answer_cut_short_cuts_the_client_off(answer: bytes) -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(answer)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert await was_cut(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert (200, "service") == (exchange.status, exchange.aborted)


async def test_answer_until_close_is_whole_for_a_client_that_stays() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\n\r\nabc")

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(GET)
            async with asyncio.timeout(10):
                answer = await reader.readuntil(b"0\r\n\r\n")
            assert answer.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        writer.close()


async def test_second_answer_while_the_upload_goes_on_reaches_nobody() -> None:
    async with raw_service(always(OK)) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(b"hello")[:-1])
        assert OK == b"".join(await read_answer(reader))
        await service.calls[0].say(OK)
        assert b"" == await read_rest(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)
        assert (200, None) == (exchange.status, exchange.code)


async def test_bytes_on_an_idle_connection_close_it() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        idle = proxy.pool.take()
        assert idle is not None
        proxy.pool.put(idle)
        assert f"<ServiceConnection {service.url} [idle]>" == repr(idle)
        await service.calls[0].say(OK)
        await until(lambda: proxy.pool.status().open == 0)
        assert f"<ServiceConnection {service.url} [closed]>" == repr(idle)
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        writer.close()


async def test_body_after_an_answer_to_head_is_not_taken_for_the_next_answer() -> None:
    async def talk(call: Call) -> None:
        while head := await call.read_head():
            await call.say(OK + b"HTTP/1.1 200 OK\r\n\r\n" if head.startswith(b"HEAD") else OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/", method="HEAD"))
        assert OK[:-2] == await reader.readexactly(len(OK) - 2)
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        writer.close()

    assert 2 == len(service.calls)


@pytest.mark.parametrize("framed", [True, False], ids=["length", "until close"])
async def test_large_answer_over_tls_reaches_a_slow_client_whole(framed: bool) -> None:
    size = 24 * MIB
    length = b"Content-Length: %d\r\n" % size if framed else b""

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        await call.say(bytes(size))
        if framed:
            await call.reader.read(-1)

    certificate, trust = tls_contexts()
    async with (
        raw_service(talk, tls=certificate) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        (connection,) = proxy.server.connections
        await until(lambda: connection.is_congested)  # type: ignore[attr-defined]  # -- a client's
        received = 0
        async with asyncio.timeout(20):
            while data := await reader.read(MIB):
                received += len(data)
        writer.close()

    assert size == received


async def test_large_upload_over_tls_arrives_whole() -> None:
    body = bytes(24 * MIB)

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.reader.readexactly(len(body))
        await call.say(OK)

    certificate, trust = tls_contexts()
    async with (
        raw_service(talk, tls=certificate, limit=NEVER_PAUSES) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(post(body))
        assert OK == b"".join(await read_answer(reader))
        writer.close()


# asyncio's own transports report this end like an orderly one.
@pytest.mark.asyncio(loop_factories=["aiofastnet"])
async def test_tls_cut_without_a_goodbye_is_no_end_of_an_answer() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await until(lambda: bool(heads))
        call.cut()

    heads: list[bytes] = []
    certificate, trust = tls_contexts()
    async with (
        raw_service(talk, tls=certificate) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(GET)
        heads.append(await reader.readuntil(b"abc\r\n"))
        assert await was_cut(reader)
        writer.close()


async def test_connections_that_go_stale_together_cost_no_request() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        clients = [await proxy.connect() for _ in range(4)]
        for _ in range(2):
            for _, writer in clients:
                writer.write(GET)
            for reader, _ in clients:
                assert OK == b"".join(await read_answer(reader))
            await close_all_at_once(service.calls, proxy)
        for _, writer in clients:
            writer.close()


async def close_all_at_once(calls: list[Call], proxy: RunningProxy) -> None:
    await until(lambda: proxy.pool.status().connecting == 0)
    for call in calls:
        call.cut()
    calls.clear()
