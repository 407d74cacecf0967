"""One exchange, whole and broken off, between raw sockets."""

import asyncio

from authproxy.errors import Code
from tests.support.proxying import TOKEN_TEXT, FixedTokens, make_token, proxying
from tests.support.raw import OK, Call, always, raw_service

GET = b"GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_GET = b"GET /path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def test_request_goes_out_byte_for_byte_but_for_what_is_put_on() -> None:
    request = (
        b"GET /a%2Fb//c/../d;x=1?q=%20&r HTTP/1.1\r\n"
        b"hOsT: localhost:8080\r\nX-Two: 1\r\nx-two:  2 \r\nConnection: close, X-Hop\r\n"
        b"X-Hop: gone\r\nKeep-Alive: 5\r\nAccept-Encoding: br\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"
    )
    async with raw_service() as service, proxying(service.url) as proxy:
        await proxy.exchange(request)

    expected = (
        b"GET /a%2Fb//c/../d;x=1?q=%20&r HTTP/1.1\r\n"
        b"hOsT: " + service.authority + b"\r\nX-Two: 1\r\nx-two:  2 \r\nAccept-Encoding: br\r\n"
        b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
        b"X-Forwarded-Host: " + service.authority + b"\r\n"
        b"Authorization: Bearer " + TOKEN_TEXT.encode() + b"\r\n\r\n"
    )
    assert service.heads == [expected]


async def test_answer_comes_back_byte_for_byte_but_for_the_connection() -> None:
    answer = (
        b"HTTP/1.1 200 Very Fine\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Encoding: br\r\n"
        b"Keep-Alive: timeout=5\r\nContent-Length: 3\r\nX-Raw: \xe9\r\n\r\nabc"
    )
    async with raw_service(always(answer)) as service, proxying(service.url) as proxy:
        received = await proxy.exchange(LAST_GET)

    assert received == (
        b"HTTP/1.1 200 Very Fine\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Encoding: br\r\n"
        b"Content-Length: 3\r\nX-Raw: \xe9\r\nConnection: close\r\n\r\nabc"
    )


async def test_connections_are_kept_alive_on_both_sides() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(3):
            writer.write(GET)
            assert await reader.readexactly(len(OK)) == OK
        writer.close()

    assert len(service.calls) == 1
    assert len(service.heads) == 3


async def test_nothing_is_sent_before_there_is_a_token() -> None:
    tokens = FixedTokens()
    async with raw_service() as service, proxying(service.url, tokens=tokens) as proxy:
        reader, writer = await proxy.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
        await tokens.asked.wait()
        assert service.calls == []

        tokens.arrives.set_result(make_token())
        assert await reader.readexactly(len(OK)) == OK
        writer.close()

    assert TOKEN_TEXT.encode() in service.heads[0]


async def test_service_gone_in_mid_body_aborts_the_client() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        call.writer.close()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await reader.readuntil(b"abc\r\n")
        ended_cleanly = True
        try:
            async with asyncio.timeout(10):
                await reader.read(-1)
        except ConnectionResetError:
            ended_cleanly = False
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert not ended_cleanly
    assert exchange.aborted == "service"
    assert exchange.code == Code.UPSTREAM_BROKE


async def test_client_gone_cuts_the_exchange_with_the_service() -> None:
    cut = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        try:
            await call.reader.read(1)
        finally:
            cut.set()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await reader.readuntil(b"abc")
        writer.transport.abort()
        async with asyncio.timeout(10):
            await cut.wait()
        (exchange,) = await proxy.heard.wait_for(1)

    assert exchange.aborted == "client"


async def test_stale_kept_alive_connection_is_replaced_for_an_idempotent_request() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK)
        if len(service.calls) == 1:
            await call.read_head()
            call.cut()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert await reader.readexactly(len(OK)) == OK
        writer.write(GET)
        assert await reader.readexactly(len(OK)) == OK
        writer.close()
        exchanges = await proxy.heard.wait_for(2)

    assert [exchange.attempts for exchange in exchanges] == [1, 2]


async def test_post_on_a_stale_connection_is_not_sent_twice() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK)
        await call.read_head()
        call.cut()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert await reader.readexactly(len(OK)) == OK
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"X-Authproxy-Error: upstream_broke\r\n" in head
    assert len(service.calls) == 1


async def test_rejected_token_is_replaced_and_the_request_sent_once_more() -> None:
    refused = (
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nwww-authenticate: Bearer "
        b'error="invalid_token" error_description="The access token could not be verified"\r\n'
        b"\r\nnope"
    )

    async def talk(call: Call) -> None:
        while head := await call.read_head():
            await call.say(OK if b"Bearer new" in head else refused)

    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("new")
    async with raw_service(talk) as service, proxying(service.url, tokens=tokens) as proxy:
        received = await proxy.exchange(LAST_GET)
        again = await proxy.exchange(LAST_GET)
        tokens.token = make_token("old")
        rejected = await proxy.exchange(LAST_GET)

    assert received.endswith(b"\r\n\r\nok")
    assert again.endswith(b"\r\n\r\nok")
    assert rejected.startswith(b"HTTP/1.1 401 ")
    assert rejected.endswith(b"nope")


async def test_early_answer_reaches_the_client_while_it_still_uploads() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(
            b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
        )

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nstart")
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\r\n\r\nno")
        writer.write(b"more")
        writer.close()

    assert answer.startswith(b"HTTP/1.1 413 Too Large\r\n")


async def test_interim_answers_pass_before_the_final_one() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await call.reader.readexactly(5)
        await call.say(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        hints = await reader.readuntil(b"\r\n\r\n")
        final = await reader.readuntil(b"hello")
        writer.close()

    assert hints == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert final == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def test_chunks_and_trailers_pass_both_ways() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        bodies.append(await call.reader.readuntil(b"X-Sum: 1\r\n\r\n"))
        await call.say(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
            b"2;ext=1\r\nok\r\n0\r\nX-End: yes\r\nSet-Cookie: a=b\r\n\r\n"
        )

    bodies: list[bytes] = []
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;a=b\r\nabc\r\n0\r\nX-Sum: 1\r\nAuthorization: Bearer evil\r\n\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"yes\r\n\r\n")
        writer.close()

    assert bodies == [b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"]
    assert b"Transfer-Encoding: chunked\r\n" in head
    assert body == b"2\r\nok\r\n0\r\nX-End: yes\r\n\r\n"


async def test_head_announces_a_body_that_does_not_come() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    async with raw_service(always(answer)) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await reader.readexactly(len(answer)) == answer
        writer.close()

    assert len(service.calls) == 1


async def test_answer_without_length_ends_with_the_connection() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await call.say(b"def")

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        modern = await proxy.exchange(LAST_GET)
        old = await proxy.exchange(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")

    head, _, body = modern.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body.endswith(b"0\r\n\r\n")
    assert old == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcdef"


async def test_unsolicited_bytes_after_an_answer_reach_nobody() -> None:
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    async def talk(call: Call) -> None:
        while await call.read_head():
            await call.say(OK + poison if len(service.calls) == 1 else OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        first = await proxy.exchange(LAST_GET)
        second = await proxy.exchange(LAST_GET)

    assert first.endswith(b"ok")
    assert second.endswith(b"ok")
    assert len(service.calls) == 2


async def test_malformed_answer_is_a_502() -> None:
    talk = always(b"SSH-2.0-OpenSSH\r\n\r\n")
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        received = await proxy.exchange(LAST_GET)

    assert received.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"The service's answer is not valid HTTP/1.1." in received


async def test_answer_with_a_coding_that_was_not_asked_for_is_a_502() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    async with raw_service(always(answer)) as service, proxying(service.url) as proxy:
        received = await proxy.exchange(LAST_GET)
        (exchange,) = await proxy.heard.wait_for(1)

    assert received.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert exchange.detail == "a transfer coding other than chunked"


async def test_what_would_lead_past_the_proxy_or_announce_no_body_stays_here() -> None:
    answer = b'HTTP/1.1 204 No Content\r\nAlt-Svc: h3=":443"\r\nContent-Length: 0\r\n\r\n'
    async with raw_service(always(answer)) as service, proxying(service.url) as proxy:
        received = await proxy.exchange(LAST_GET)

    assert received == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
