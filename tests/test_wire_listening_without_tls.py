"""TLS at a plain listener, and no TLS at one that has it: said where somebody can read it."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest
from grpc import aio

from authproxy.settings import TimeoutSettings
from authproxy.values import Listen, parse_network
from authproxy.wire.listening.sockets import open_listener
from authproxy.wire.listening.without_tls import WrongPorts
from tests.support.http2 import Client, http2_client
from tests.support.proxy_header import v1
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import RawService, raw_service
from tests.support.talking import GET, get, read_answer, read_rest, tls_contexts

ALERT = b"\x15\x03\x01\x00\x02\x02\x28"
SAID = b"This port speaks TLS, and the request came without it."


@dataclass
class Listening:
    proxy: RunningProxy
    service: RawService
    trust: ssl.SSLContext
    plain: int
    with_tls: int
    behind: int
    """With TLS, for proxies that say whose client it is."""


@asynccontextmanager
async def listening(*, head_s: float = 10.0) -> AsyncIterator[Listening]:
    certificate, trust = tls_contexts()
    timeouts = TimeoutSettings(head=head_s)
    trusted = [parse_network("127.0.0.1")]
    async with (
        raw_service() as service,
        proxying(service.url, trusted=trusted, timeouts=timeouts) as proxy,
    ):
        ports = []
        for listen in (proxy.server.listen, proxy.server.listen_behind):
            (sock,) = open_listener(Listen("127.0.0.1", 0))
            ports.append(sock.getsockname()[1])
            listen(sock, proxy.listener, lambda: certificate)
        yield Listening(proxy, service, trust, proxy.port, *ports)


async def say(port: int, data: bytes) -> bytes:
    """All that comes for `data`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        return await read_rest(reader)
    except ConnectionResetError:
        return b"reset"
    finally:
        writer.close()


async def test_a_request_without_tls_is_told_to_use_it(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as setup:
        answers = [await say(setup.with_tls, GET) for _ in range(2)]
        exchanges = await setup.proxy.heard.wait_for(2)

        assert [] == setup.service.calls
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"\r\nX-Authproxy-Error: tls_required\r\n" in head
        assert b"\r\nConnection: close" in head
        assert body.startswith(
            SAID + b"\nUse https:// instead of http://; with gRPC, a secure channel"
        )
    assert ["tls_required"] * 2 == [exchange.code for exchange in exchanges]
    assert [
        f"a client used plain HTTP at 127.0.0.1:{setup.with_tls}, which is a TLS listener: use"
        " https://, or remove tls_cert_file from the listener"
    ] == caplog.messages


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "trace", "OPTIONS", "PROPFIND"])
async def test_whatever_the_method_what_lacks_is_tls(method: str) -> None:
    async with listening() as setup:
        answer = await say(setup.with_tls, get("/", "Max-Forwards: 0", method=method))

    assert b"\r\nX-Authproxy-Error: tls_required\r\n" in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        GET + GET,
        get("/", "Accept: application/json"),
        get("http://localhost/"),
        get("/", "Expect: 100-continue", "Content-Length: 5", method="POST") + b"hello",
        get("/", "Connection: Upgrade", "Upgrade: websocket"),
        get("/", "Content-Type: application/grpc", method="POST"),
        get("localhost:443", "Connection: close", method="CONNECT"),
        get("*", method="OPTIONS"),
        get("*", "Max-Forwards: 0", method="OPTIONS"),
        b"get / HTTP/1.0\r\n\r\n",
        b"HELO me\r\n\r\n",
    ],
)
async def test_nothing_passes_without_tls_at_a_listener_that_has_it(request_bytes: bytes) -> None:
    async with listening() as setup:
        answers = [
            await say(setup.with_tls, request_bytes),
            await say(setup.behind, v1("127.0.0.7") + request_bytes),
        ]

        assert [] == setup.service.calls
    assert not [answer for answer in answers if b"\r\nX-Authproxy-Error: " not in answer]
    passed = [answer for answer in answers if answer.startswith(b"HTTP/1.1 2")]
    assert not [answer for answer in passed if b"\r\ngrpc-status: 3\r\n" not in answer]


async def test_grpc_hears_it_too() -> None:
    async with listening() as setup:
        async with aio.insecure_channel(f"127.0.0.1:{setup.with_tls}") as channel:
            with pytest.raises(aio.AioRpcError) as caught:
                await channel.unary_unary("/a.B/C")(b"", timeout=10)
        port, setup.proxy.port = setup.proxy.port, setup.with_tls
        async with http2_client(setup.proxy) as client:
            answer = await _answer_of(client)
        setup.proxy.port = port

        assert [] == setup.service.calls
    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
    assert (caught.value.details() or "").startswith(SAID.decode())
    assert answer.startswith(SAID)


async def _answer_of(client: Client) -> bytes:
    client.call(1)
    answer = await client.answer(1)
    assert b"400" == answer.get(b":status")
    return answer.body


async def test_who_speaks_tls_is_served_as_before() -> None:
    async with listening() as setup:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", setup.with_tls, ssl=setup.trust, server_hostname="localhost"
        )
        for _ in range(2):
            writer.write(GET)
            assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()
        await setup.proxy.heard.wait_for(2)


@pytest.mark.parametrize("begun", [b"\x80\x2e\x01\x03\x01", b"\0", b"{", b"\x15\x03"])
async def test_what_is_neither_is_left_to_tls(begun: bytes) -> None:
    async with listening() as setup:
        answer = await say(setup.with_tls, begun + bytes(200))

    assert not answer.startswith(b"HTTP/")


async def test_who_says_nothing_is_not_waited_for() -> None:
    async with listening(head_s=0.05) as setup:
        reader, writer = await asyncio.open_connection("127.0.0.1", setup.with_tls)
        assert b"" == await read_rest(reader)
        behind_reader, behind = await asyncio.open_connection("127.0.0.1", setup.behind)
        behind.write(v1("127.0.0.7"))
        assert b"" == await read_rest(behind_reader)
        writer.close()
        behind.close()


async def test_tls_at_a_plain_listener_fails_at_once_and_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "authproxy")
    async with listening() as setup:
        failed = [await _handshake(setup) for _ in range(2)]
        exchanges = await setup.proxy.heard.wait_for(2)

    assert all("HANDSHAKE_FAILURE" in reason for reason in failed)
    assert ["tls_unexpected"] * 2 == [exchange.code for exchange in exchanges]
    assert [
        f"a client at 127.0.0.1 used TLS at 127.0.0.1:{setup.plain}, which is a plain HTTP"
        " listener: use http://, or give the listener a certificate (tls_cert_file)"
    ] == caplog.messages


async def _handshake(setup: Listening) -> str:
    with pytest.raises(ssl.SSLError) as caught:
        await asyncio.open_connection(
            "127.0.0.1", setup.plain, ssl=setup.trust, server_hostname="localhost"
        )
    return str(caught.value.reason)


@pytest.mark.parametrize("hello", [b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_the_alert_does_not_wait_for_the_whole_hello(hello: bytes) -> None:
    async with listening() as setup:
        assert ALERT == await say(setup.plain, hello)


async def test_tls_in_the_place_of_a_second_request_is_no_handshake() -> None:
    async with listening() as setup:
        answer = await say(setup.plain, GET + b"\x16\x03\x01")

    assert b"X-Authproxy-Error: bad_request\r\n" in answer
    assert ALERT not in answer


def test_the_lines_say_how_many_there_were() -> None:
    assert "<WrongPorts [<Seldom [0 unsaid]>, <Seldom [0 unsaid]>]>" == repr(WrongPorts())
