"""Who gets through to the service, and with whose token, between raw sockets."""

import asyncio
import logging
import socket
import struct
from collections.abc import Sequence
from ipaddress import ip_network

import aiofastnet
import pytest

from authproxy.errors import Code, CredentialError
from authproxy.exchange import NO_TOKEN, Exchange
from authproxy.policy.access.networks import AccessList
from authproxy.values import LOOPBACK
from tests.support.proxying import TOKEN_TEXT, FixedTokens, make_token, proxying
from tests.support.raw import OK, Call, always, raw_service
from tests.support.talking import get, read_answer

LAST_GET = b"GET /path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
REJECTED = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nwww-authenticate: Bearer "
    b'error="invalid_token" error_description="The access token could not be verified"\r\n'
    b"\r\nnope"
)
SELF = [ip_network("127.0.0.1")]


def request(*lines: bytes, target: bytes = b"/", host: bytes = b"localhost") -> bytes:
    head = (b"GET " + target + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *lines)
    return b"\r\n".join(head) + b"\r\n\r\n"


def outcome(received: bytes, exchange: Exchange) -> tuple[bytes, Code | None, str]:
    """The answer's status line, and what the observers heard."""
    return received.partition(b"\r\n")[0], exchange.code, exchange.detail


@pytest.mark.parametrize(
    ("data", "status", "code", "detail"),
    [
        pytest.param(
            b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"405 Method Not Allowed",
            Code.CONNECT_NOT_SUPPORTED,
            "",
            id="CONNECT",
        ),
        pytest.param(
            b"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"405 Method Not Allowed",
            Code.TRACE_NOT_SUPPORTED,
            "",
            id="TRACE",
        ),
        pytest.param(
            b"Trace / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"405 Method Not Allowed",
            Code.TRACE_NOT_SUPPORTED,
            "",
            id="TRACE as some services read it",
        ),
        pytest.param(
            request(host=b"evil.example"),
            b"421 Misdirected Request",
            Code.HOST_NOT_ALLOWED,
            "Host: evil.example",
            id="rebinding",
        ),
        pytest.param(
            request(target=b"http://evil.example/"),
            b"421 Misdirected Request",
            Code.HOST_NOT_ALLOWED,
            "Host: evil.example",
            id="absolute target elsewhere",
        ),
        pytest.param(request(host=b""), b"400 Bad Request", Code.BAD_REQUEST, "", id="empty Host"),
        pytest.param(
            request(host=b"evil@localhost"), b"400 Bad Request", Code.BAD_REQUEST, "", id="user"
        ),
        pytest.param(
            request(target=b"http://evil:80@localhost/"),
            b"400 Bad Request",
            Code.BAD_REQUEST,
            "",
            id="user in the target",
        ),
        pytest.param(
            request(b"Host: evil.example"), b"400 Bad Request", Code.BAD_REQUEST, "", id="two Hosts"
        ),
        *(
            pytest.param(request(target=target), b"400 Bad Request", Code.BAD_REQUEST, "", id=name)
            for target, name in (
                (b"/admin#x", "fragment"),
                (b"http://localhost/admin#x", "fragment of a URL"),
                (b"*", "asterisk of a GET"),
                (b"http://me@localhost/", "user alone"),
                (b"http://localhost\\@evil.example/", "backslash in the host"),
                (b"http:///", "no host"),
                (b"http:/localhost/", "one slash"),
                (b"?x", "no path"),
            )
        ),
        pytest.param(request(target=b"*x"), b"400 Bad Request", Code.BAD_REQUEST, "", id="target"),
        pytest.param(
            b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
            b"400 Bad Request",
            Code.BAD_REQUEST,
            "the first line is not `METHOD TARGET HTTP/1.1`",
            id="HTTP/2.0",
        ),
    ],
)
async def test_who_does_not_ask_properly_reaches_nobody(
    data: bytes, status: bytes, code: Code, detail: str
) -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        received = await proxy.exchange(data)
        (exchange,) = await proxy.heard.wait_for(1)

    assert (b"HTTP/1.1 " + status, code, detail) == outcome(received, exchange)
    assert ("", 0) == (exchange.service, exchange.attempts)
    assert [] == service.calls


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"Content-Length: 5", b"Transfer-Encoding: chunked"], id="both"),
        pytest.param([b"Transfer-Encoding: chunked", b"Content-Length: 5"], id="both, other way"),
        pytest.param([b"Content-Length: 5", b"Content-Length: 6"], id="two lengths"),
        pytest.param([b"Content-Length: 5, 5"], id="a list of lengths"),
        pytest.param([b"Content-Length: +5"], id="a sign"),
        pytest.param([b"Content-Length: 0x5"], id="hexadecimal"),
        pytest.param([b"Content-Length : 5"], id="a blank before the colon"),
        pytest.param([b"Transfer-Encoding : chunked"], id="a blank before the colon of a coding"),
        pytest.param([b"Transfer-Encoding: xchunked"], id="another coding"),
        pytest.param([b"Transfer-Encoding: \x0bchunked"], id="a vertical tab"),
        pytest.param([b"Transfer-Encoding: chunked, identity"], id="chunked not last"),
        pytest.param([b"Transfer-Encoding: identity, chunked"], id="two codings"),
        pytest.param([b"Transfer-Encoding:\r\n chunked"], id="a folded line"),
        pytest.param([b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"], id="two fields"),
        pytest.param([b"X: 1\nTransfer-Encoding: chunked"], id="a bare LF"),
        pytest.param([b"X: 1\rTransfer-Encoding: chunked"], id="a bare CR"),
        pytest.param([b"X: 1\0"], id="NUL"),
    ],
)
async def test_a_body_that_could_be_read_in_two_ways_reaches_nobody(
    lines: Sequence[bytes],
) -> None:
    data = b"\r\n".join((b"POST / HTTP/1.1", b"Host: localhost", *lines)) + b"\r\n\r\n"
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with raw_service() as service, proxying(service.url) as proxy:
        received = await proxy.exchange(data + smuggled)

    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert 1 == received.count(b"HTTP/1.1 ")
    assert [] == service.heads


async def test_chunks_in_http_1_0_reach_nobody() -> None:
    data = (
        b"POST / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    async with raw_service() as service, proxying(service.url) as proxy:
        received = await proxy.exchange(data)

    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"An HTTP/1.0 request cannot have a Transfer-Encoding." in received
    assert [] == service.heads


async def test_an_address_that_is_not_allowed_reaches_nobody() -> None:
    async with (
        raw_service() as service,
        proxying(service.url, allow=LOOPBACK, deny=SELF) as proxy,
    ):
        received = await proxy.exchange(LAST_GET)
        (exchange,) = await proxy.heard.wait_for(1)

    expected = (
        b"HTTP/1.1 403 Forbidden",
        Code.ADDRESS_NOT_ALLOWED,
        "127.0.0.1 is in deny 127.0.0.1/32",
    )
    assert expected == outcome(received, exchange)
    assert b"127.0.0" not in received
    assert [] == service.calls


async def test_a_service_can_narrow_what_the_listener_allows() -> None:
    access = AccessList(allow=[ip_network("10.0.0.0/8")])
    async with raw_service() as service, proxying(service.url, service_access=access) as proxy:
        received = await proxy.exchange(LAST_GET)
        (exchange,) = await proxy.heard.wait_for(1)

    expected = (
        b"HTTP/1.1 403 Forbidden",
        Code.ADDRESS_NOT_ALLOWED,
        "127.0.0.1 is not in allow 10.0.0.0/8",
    )
    assert expected == outcome(received, exchange)
    assert [] == service.calls


def test_a_client_that_left_before_it_was_accepted_reaches_nobody() -> None:
    """aiofastnet asks for the address after `accept`, when a reset has taken it away already."""

    async def try_it() -> None:
        async with raw_service() as service, proxying(service.url, deny=SELF) as proxy:
            client = socket.create_connection(("127.0.0.1", proxy.port))
            client.sendall(b"POST /blind HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()  # with a reset, while the loop has had no turn to accept
            (exchange,) = await proxy.heard.wait_for(1)

            assert Code.ADDRESS_NOT_ALLOWED == exchange.code
            assert "the client left before its address could be read" == exchange.detail
            assert [] == service.calls

    with asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner:
        runner.run(try_it())


async def test_a_token_at_hand_goes_out_with_the_request() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        await proxy.exchange(LAST_GET)
        (exchange,) = await proxy.heard.wait_for(1)

    assert b"\r\nAuthorization: Bearer " + TOKEN_TEXT.encode() + b"\r\n" in service.heads[0]
    assert ("service", "tester@example.com") == (exchange.service, exchange.principal)
    assert b"localhost" == exchange.host


async def test_the_decision_for_no_token_sends_none() -> None:
    tokens = FixedTokens(NO_TOKEN)
    async with raw_service() as service, proxying(service.url, tokens=tokens) as proxy:
        received = await proxy.exchange(LAST_GET)

    assert received.endswith(b"\r\n\r\nok")
    assert b"authorization" not in service.heads[0].lower()


async def test_an_absolute_target_goes_out_as_a_path_under_its_own_host() -> None:
    data = request(target=b"http://service.localhost:99/x?y", host=b"evil.example")
    async with raw_service() as service, proxying(service.url) as proxy:
        await proxy.exchange(data)
        (exchange,) = await proxy.heard.wait_for(1)

    assert service.heads[0].startswith(b"GET /x?y HTTP/1.1\r\nHost: " + service.authority + b"\r\n")
    assert b"X-Forwarded-Host: " + service.authority + b"\r\n" in service.heads[0]
    assert b"evil" not in service.heads[0]
    assert b"service.localhost:99" == exchange.host


async def test_without_a_token_the_client_hears_why_and_nothing_is_sent() -> None:
    tokens = FixedTokens()
    error = CredentialError("No token for it.", hint="Log in.", detail="400", retry_after_s=7)
    tokens.arrives.set_exception(error)
    async with raw_service() as service, proxying(service.url, tokens=tokens) as proxy:
        received = await proxy.exchange(LAST_GET)
        (exchange,) = await proxy.heard.wait_for(1)

    expected = (b"HTTP/1.1 503 Service Unavailable", Code.TOKEN_UNAVAILABLE, "400")
    assert expected == outcome(received, exchange)
    assert b"\r\nRetry-After: 7\r\n" in received
    assert b"\r\n\r\nNo token for it.\nLog in.\n(authproxy: token_unavailable, " in received
    assert [] == service.calls


async def test_a_source_that_fails_unforeseen_leaves_nobody_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens = FixedTokens()
    tokens.arrives.set_exception(KeyError("exp"))
    async with raw_service() as service, proxying(service.url, tokens=tokens) as proxy:
        received = await proxy.exchange(LAST_GET)

    assert received.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"No token is available, because of an unexpected error." in received
    expected = [("authproxy.tasks", logging.ERROR, "token for service failed")]
    assert expected == caplog.record_tuples
    assert [] == service.calls


async def test_a_token_that_comes_after_its_client_left_is_not_used() -> None:
    tokens = FixedTokens()
    async with raw_service() as service, proxying(service.url, tokens=tokens) as proxy:
        _, writer = await proxy.connect()
        writer.write(LAST_GET)
        await tokens.asked.wait()
        writer.transport.abort()
        (exchange,) = await proxy.heard.wait_for(1)
        tokens.arrives.set_result(make_token())
        received = await proxy.exchange(LAST_GET)

    assert ("client", 0) == (exchange.aborted, exchange.attempts)
    assert received.endswith(b"\r\n\r\nok")
    assert 1 == len(service.heads)


async def rejected(tokens: FixedTokens, *requests: bytes) -> tuple[list[bytes], list[bytes]]:
    """What clients and the service see when the front end takes no token but `new`."""

    async def talk(call: Call) -> None:
        while head := await call.read_head():
            if b"Content-Length: 2" in head:
                await call.reader.readexactly(2)
            await call.say(OK if b"Bearer new" in head else REJECTED)

    async with raw_service(talk) as service, proxying(service.url, tokens=tokens) as proxy:
        received = [await proxy.exchange(data) for data in requests]
    return received, service.heads


async def test_a_rejected_token_is_replaced_once() -> None:
    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("new")

    (received,), heads = await rejected(tokens, LAST_GET)
    assert received.endswith(b"\r\n\r\nok")
    assert [False, True] == [b"Bearer new" in head for head in heads]
    assert [make_token("old")] == tokens.rejected


async def test_a_second_rejection_is_passed_on() -> None:
    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("other")

    (received,), heads = await rejected(tokens, LAST_GET)
    assert received.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert received.endswith(b"\r\n\r\nnope")
    assert 2 == len(heads)
    assert [make_token("old")] == tokens.rejected


async def test_a_rejection_is_passed_on_when_there_is_no_other_token() -> None:
    (received,), heads = await rejected(FixedTokens(make_token("old")), LAST_GET)

    assert received.endswith(b"\r\n\r\nnope")
    assert 1 == len(heads)


async def test_options_with_no_hop_left_is_answered_here() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        answer = await proxy.exchange(
            b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n"
        )

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nAllow: GET, " in answer
    assert b"\r\n\r\nThis is authproxy: Max-Forwards let the request go no further.\n" in answer
    assert [] == service.heads


@pytest.mark.parametrize(
    ("method", "passed_on"), [("OPTIONS", b"4"), ("GET", b"5"), ("OPTIONS-X", b"5")]
)
async def test_max_forwards_is_counted_down_for_options_alone(
    method: str, passed_on: bytes
) -> None:
    request = get("/", "max-Forwards:  5", "Connection: close", method=method)
    async with raw_service() as service, proxying(service.url) as proxy:
        await proxy.exchange(request)

    (head,) = service.heads
    (line,) = [line for line in head.split(b"\r\n") if line.startswith(b"max-Forwards:")]
    assert passed_on == line.partition(b":")[2].strip()


async def test_an_applications_own_401_is_none_of_our_business() -> None:
    answer = (
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n"
        b'WWW-Authenticate: Bearer error="invalid_token"\r\n\r\nown'
    )
    tokens = FixedTokens(make_token("old"))
    async with (
        raw_service(always(answer)) as service,
        proxying(service.url, tokens=tokens) as proxy,
    ):
        received = await proxy.exchange(LAST_GET)

    assert received.endswith(b"\r\n\r\nown")
    assert 1 == len(service.heads)
    assert [] == tokens.rejected


async def test_whoever_is_refused_behind_a_proxy_is_not_logged_as_the_client_before() -> None:
    network = [ip_network("192.0.2.0/24")]
    said = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: %b\r\n\r\n"
    async with (
        raw_service(always(OK)) as service,
        proxying(service.url, allow=network, trusted=SELF) as proxy,
    ):
        reader, writer = await proxy.connect()
        for address in (b"192.0.2.7", b"198.51.100.1"):
            writer.write(said % address)
            await read_answer(reader)
        writer.close()
        good, bad = await proxy.heard.wait_for(2)

    assert ("192.0.2.7", "127.0.0.1") == (str(good.client), str(bad.client))
    assert "198.51.100.1 is not in allow 192.0.2.0/24" == bad.detail
