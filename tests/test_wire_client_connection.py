"""The client's side: requests in turn, upgrades refused, clients that do not read, clients gone."""

import asyncio
import socket

import pytest

from authproxy.errors import Code
from authproxy.settings import TimeoutSettings
from authproxy.wire.http1.request_reader import MAX_AHEAD
from tests.support.proxying import TOKEN_TEXT, FixedTokens, make_token, proxying
from tests.support.raw import OK, Call, always, raw_service
from tests.support.talking import (
    GET,
    LAST_GET,
    accepted,
    get,
    post,
    read_answer,
    read_rest,
    until,
    was_cut,
)

MIB = 1024 * 1024
HANDSHAKE = get("/ws", "Connection: Upgrade", "Upgrade: websocket")


async def numbered(call: Call) -> None:
    """Answer with the target of each request."""
    while head := await call.read_head():
        target = head.split(b" ")[1]
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))


async def test_pipelined_requests_are_answered_in_order() -> None:
    count = 500
    requests = [
        get(f"/{n}", host="elsewhere.example" if n % 7 == 3 else "localhost") for n in range(count)
    ]
    async with raw_service(numbered) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(b"".join(requests))
        for n in range(count):
            head, body = await read_answer(reader)
            if n % 7 == 3:
                assert head.startswith(b"HTTP/1.1 421 ")
            else:
                assert f"/{n}".encode() == body
        writer.close()
        exchanges = await proxy.heard.wait_for(count)

    assert [request.split()[1] for request in requests] == [e.head.target for e in exchanges]


@pytest.mark.parametrize("ahead", [MAX_AHEAD - 1, MAX_AHEAD, MAX_AHEAD + 1, 2 * MAX_AHEAD + 1])
async def test_requests_after_as_many_as_are_looked_at_ahead_are_answered_too(ahead: int) -> None:
    async with raw_service(numbered) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for more in (ahead, 1):
            writer.write(b"".join(get(f"/{n}") for n in range(1 + more)))
            said = [(await read_answer(reader))[1] for _ in range(1 + more)]
            assert [b"/%d" % n for n in range(1 + more)] == said
        writer.close()


async def test_thousands_of_refusals_in_one_read_do_not_recurse() -> None:
    count = 3000
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/", host="elsewhere.example") * count + LAST_GET)
        for _ in range(count):
            assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 421 ")
        assert OK[:-6] in await read_rest(reader)
        writer.close()


async def test_nothing_is_read_while_a_request_sent_ahead_waits() -> None:
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        while await call.read_head():
            await go.wait()
            await call.say(OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        connection = await accepted(proxy)
        writer.write(GET * 2)
        await until(lambda: connection.in_flight == 2)
        assert not connection.transport.is_reading()
        assert repr(connection).startswith("<ClientConnection 127.0.0.1 [<Relay ")
        assert repr(connection).endswith(" [open]>, 1 queued]>")
        go.set()
        for _ in range(2):
            assert OK == b"".join(await read_answer(reader))
        assert connection.transport.is_reading()
        assert "<ClientConnection 127.0.0.1 [idle, 0 queued]>" == repr(connection)
        writer.close()


async def test_client_that_reads_no_answers_is_not_read_from() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", proxy.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=2**12)
        connection = await accepted(proxy)
        writer.write(get("/", host="elsewhere.example") * 60_000)
        await until(lambda: connection.is_congested)
        await until(lambda: not connection.transport.is_reading())
        assert connection.transport.get_write_buffer_size() < 128 * 1024
        assert connection.in_flight == MAX_AHEAD
        for _ in range(5_000):
            assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 421 ")
            assert connection.transport.get_write_buffer_size() < 128 * 1024
            assert connection.in_flight <= MAX_AHEAD + 1
        writer.transport.abort()


@pytest.mark.parametrize(
    ("request_bytes", "line", "stays"),
    [
        (GET, b"", True),
        (get("/", "Connection: close"), b"Connection: close\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", b"Connection: close\r\n", False),
        (
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            b"Connection: keep-alive\r\n",
            True,
        ),
    ],
    ids=["1.1", "1.1 close", "1.0", "1.0 keep-alive"],
)
async def test_connection_stays_open_as_the_client_wants_it(
    request_bytes: bytes, line: bytes, stays: bool
) -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request_bytes)
        head, _ = await read_answer(reader)
        if stays:
            writer.write(request_bytes)
            assert head == (await read_answer(reader))[0]
        else:
            assert b"" == await read_rest(reader)
        writer.close()

    assert b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + line + b"\r\n" == head


async def test_bytes_behind_the_last_request_are_ignored() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        answer = await proxy.exchange(LAST_GET + b"garbage" + GET)

    assert answer.endswith(b"Connection: close\r\n\r\nok")
    assert 1 == len(service.heads)


async def test_absolute_target_says_where_to_and_passes_as_a_path() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        await proxy.exchange(get("http://localhost:8080?q=1", "Connection: close", host="evil"))
        refused = await proxy.exchange(get("http://evil/", "Connection: close"))

    assert service.heads[0].startswith(b"GET /?q=1 HTTP/1.1\r\nHost: " + service.authority)
    assert refused.startswith(b"HTTP/1.1 421 ")
    assert 1 == len(service.heads)


async def test_no_chunks_for_a_204_and_no_keep_alive_for_1_0_without_length() -> None:
    answers = [
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ]

    async def talk(call: Call) -> None:
        while await call.read_head():
            await call.say(answers.pop(0))

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET + GET + b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = await read_rest(reader)
        writer.close()

    assert (
        b"HTTP/1.1 204 No Content\r\n\r\n"
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"
    ) == answer


async def test_idle_client_is_closed_after_its_time() -> None:
    timeouts = TimeoutSettings(keep_alive=120)
    async with raw_service() as service, proxying(service.url, timeouts=timeouts) as proxy:
        reader, writer = await proxy.connect()
        connection = await accepted(proxy)
        proxy.server.tick(100)
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        proxy.server.tick(100)
        assert not connection.transport.is_closing()
        proxy.server.tick(21)
        assert b"" == await read_rest(reader)
        writer.close()


async def test_client_that_never_reads_its_last_answer_is_cut_off() -> None:
    body = bytes(16 * MIB)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with raw_service(always(answer)) as service, proxying(service.url) as proxy:
        sock = socket.socket()
        sock.connect(("127.0.0.1", proxy.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=2**12)
        connection = await accepted(proxy)
        writer.write(LAST_GET)
        await until(lambda: connection.is_congested)
        proxy.server.tick(3601)
        (exchange,) = await proxy.heard.wait_for(1)
        await until(lambda: not proxy.server.connections)
        writer.transport.abort()
        del reader

    assert Code.UPSTREAM_TIMEOUT == exchange.code


async def test_unread_rest_of_an_answer_does_not_hold_a_connection_for_ever() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", proxy.port))
        _, writer = await asyncio.open_connection(sock=sock, limit=2**12)
        connection = await accepted(proxy)
        connection.transport.write(bytes(8 * MIB))
        await until(lambda: connection.is_congested)
        proxy.server.tick(1)
        for _ in range(3):
            proxy.server.tick(121)
        await until(lambda: not proxy.server.connections)
        writer.transport.abort()


async def test_slow_service_is_given_up_after_its_time() -> None:
    async with raw_service(silent) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await until(lambda: len(service.heads) == 1)
        proxy.server.tick(3601)
        head, body = await read_answer(reader)
        writer.write(HANDSHAKE)
        await until(lambda: len(service.heads) == 2)
        proxy.server.tick(3601)
        again, _ = await read_answer(reader)
        writer.close()

    assert head.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert again.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert body.startswith(b"The service did not begin to answer within 3600 seconds.\n")


async def silent(call: Call) -> None:
    await call.read_head()
    await call.reader.read(-1)


async def test_silence_in_mid_answer_cuts_the_client_off() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        await call.reader.read(-1)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\nab")
        proxy.server.tick(3601)
        assert await was_cut(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert (Code.UPSTREAM_TIMEOUT, "service") == (exchange.code, exchange.aborted)


async def test_silence_in_mid_upload_is_answered() -> None:
    async with raw_service(silent) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(b"hello")[:-1])
        await until(lambda: len(service.heads) == 1)
        proxy.server.tick(3601)
        answer = await read_rest(reader)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert b"No data moved in either direction for 3600 seconds." in answer


async def test_client_that_lingers_is_cut_off() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(b"\0FOO")
        await read_rest(reader)
        writer.write(b"more")
        proxy.server.tick(5)
        assert 1 == len(proxy.server.connections)
        proxy.server.tick(1)
        await until(lambda: not proxy.server.connections)
        writer.close()


# Upgrades that come to nothing.


@pytest.mark.parametrize("ahead", [b"", GET, GET[:20], GET + HANDSHAKE + GET])
async def test_refused_upgrade_leaves_the_connection_to_http(ahead: bytes) -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(HANDSHAKE + ahead)
        assert OK == b"".join(await read_answer(reader))
        if ahead == GET[:20]:
            writer.write(GET[20:])
        for _ in range(ahead.count(b"HTTP/1.1")):
            assert OK == b"".join(await read_answer(reader))
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        writer.close()

    assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in service.heads[0]


async def test_request_behind_a_refused_upgrade_goes_out_on_an_idle_connection() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        first, second = await proxy.connect(), await proxy.connect()
        for _, writer in (first, second):
            writer.write(GET)
        for reader, _ in (first, second):
            await read_answer(reader)
        await until(lambda: proxy.pool.status().idle == 2)
        first[1].write(HANDSHAKE + GET)
        for _ in range(2):
            assert OK == b"".join(await read_answer(first[0]))
        for _, writer in (first, second):
            writer.close()


async def test_bytes_behind_an_upgrade_wait_for_the_requests_before_it() -> None:
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        while head := await call.read_head():
            await go.wait()
            if b"Upgrade" in head:
                await call.say(
                    b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                )
                await call.say(await call.reader.readexactly(4))
            else:
                await call.say(OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET + HANDSHAKE + b"\x81\x02hi")
        await until(lambda: len(service.heads) == 1)
        go.set()
        assert OK == b"".join(await read_answer(reader))
        assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 101 S\r\n")
        assert b"\x81\x02hi" == await reader.readexactly(4)
        writer.close()


async def test_h2c_upgrade_is_not_passed_on() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        await proxy.exchange(
            get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAA")
            + LAST_GET
        )

    assert b"pgrade" not in service.heads[0]
    assert b"HTTP2-Settings" not in service.heads[0]
    assert 2 == len(service.heads)


# Backpressure.

IN_SOCKETS = 24 * MIB
"""More than the kernel keeps for the sockets between a client and its service."""


def is_rid_of_all(writer: asyncio.StreamWriter) -> bool:
    return not writer.transport.get_write_buffer_size()


async def test_slow_client_holds_the_service_back() -> None:
    size = 40 * MIB

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(64):
            await call.say(bytes(MIB))

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        connection = await accepted(proxy)
        writer.write(LAST_GET)
        await reader.readuntil(b"\r\n\r\n")
        await until(lambda: connection.is_congested)
        await until(lambda: not is_rid_of_all(service.calls[0].writer))
        received = most = 0
        while data := await reader.read(MIB):
            received += len(data)
            most = max(most, connection.transport.get_write_buffer_size())
        writer.close()

    assert size == received
    assert most < MIB


async def test_slow_service_holds_the_client_back() -> None:
    size = 40 * MIB
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await go.wait()
        left = size
        while left:
            data = await call.reader.read(MIB)
            left -= len(data)
            between.append(left - writer.transport.get_write_buffer_size())
        await call.say(OK)

    between: list[int] = []
    """Bytes that the client has sent and the service has not read, at each moment."""
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        connection = await accepted(proxy)
        writer.write(get("/", f"Content-Length: {size}", method="POST"))
        writer.write(bytes(size))
        await until(lambda: len(service.heads) == 1)
        await until(lambda: not connection.transport.is_reading())
        go.set()
        assert OK == b"".join(await read_answer(reader))
        assert connection.transport.is_reading()
        writer.close()

    assert max(between) < IN_SOCKETS


async def test_body_waits_with_the_client_until_there_is_a_token() -> None:
    tokens = FixedTokens()
    body = bytes(40 * MIB)

    async def talk(call: Call) -> None:
        await call.read_head()
        assert body == await call.reader.readexactly(len(body))
        await call.say(OK)

    async with raw_service(talk) as service, proxying(service.url, tokens=tokens) as proxy:
        reader, writer = await proxy.connect()
        connection = await accepted(proxy)
        writer.write(post(body))
        await until(lambda: not connection.transport.is_reading())
        assert len(body) - writer.transport.get_write_buffer_size() < IN_SOCKETS
        tokens.arrives.set_result(make_token())
        assert OK == b"".join(await read_answer(reader))
        writer.close()


# The client leaves.


async def test_client_gone_before_there_is_a_token() -> None:
    tokens = FixedTokens()
    async with raw_service() as service, proxying(service.url, tokens=tokens) as proxy:
        _, writer = await proxy.connect()
        writer.write(GET)
        await tokens.asked.wait()
        writer.transport.abort()
        (exchange,) = await proxy.heard.wait_for(1)
        tokens.arrives.set_result(make_token())
        await until(lambda: len(proxy.server.tasks) == 0)

    assert (0, "client", 0) == (exchange.status, exchange.aborted, exchange.attempts)
    assert [] == service.calls


async def test_client_gone_while_its_upload_is_on_its_way() -> None:
    async with raw_service(silent) as service, proxying(service.url) as proxy:
        _, writer = await proxy.connect()
        writer.write(post(b"hello")[:-1] + b"")
        await until(lambda: len(service.heads) == 1)
        writer.transport.abort()
        (exchange,) = await proxy.heard.wait_for(1)
        await until(lambda: proxy.pool.status().open == 0)

    assert ("client", 4) == (exchange.aborted, exchange.bytes_from_client)


async def test_client_gone_takes_the_requests_it_sent_ahead_with_it() -> None:
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        while await call.read_head():
            await go.wait()
            await call.say(OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        _, writer = await proxy.connect()
        writer.write(GET * 3)
        await until(lambda: len(service.heads) == 1)
        writer.transport.abort()
        go.set()  # nothing is read from a client with requests ahead: writing will tell
        exchanges = await proxy.heard.wait_for(3)

    assert "client" == exchanges[-1].aborted


async def test_half_closed_client_is_gone() -> None:
    async with raw_service(silent) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await until(lambda: len(service.heads) == 1)
        writer.write_eof()
        assert b"" == await read_rest(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert "client" == exchange.aborted


async def test_half_closed_client_cannot_take_half_an_answer_for_a_whole_one() -> None:
    """To a client of HTTP/1.0 an answer without a length ends with the connection."""

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        await call.read_head()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"half")
        writer.write_eof()
        assert await was_cut(reader)
        writer.close()


async def test_rest_of_an_upload_still_goes_out_after_an_early_answer() -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK)
        got.put_nowait(await call.reader.readexactly(5))

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        request = post(b"hello")
        writer.write(request[:-2])
        assert OK == b"".join(await read_answer(reader))
        writer.write(request[-2:])
        async with asyncio.timeout(10):
            assert b"hello" == await got.get()
        writer.close()


async def test_token_never_reaches_the_client() -> None:
    async def talk(call: Call) -> None:
        while head := await call.read_head():
            await call.say(answers.pop(0))
            heads.append(head)

    heads: list[bytes] = []
    answers = [OK, b"garbage", b"HTTP/1.1 101 S\r\n\r\n"]
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        said = [await proxy.exchange(LAST_GET) for _ in range(3)]
        said.append(await proxy.exchange(b"\0FOO"))

    assert all(TOKEN_TEXT.encode() in head for head in heads)
    assert not any(TOKEN_TEXT.encode() in answer for answer in said)
