"""Services that speak another protocol than they are spoken to in: the answer says so, and how."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import grpc
import pytest
import trustme
from grpc import aio

from authproxy.times import Opening
from authproxy.values import parse_origin
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.mismatch import find_mismatch, silence_hint
from tests.support.http2 import http2_client, http2_service
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import OK, Call, Conversation, raw_service
from tests.support.talking import get, read_answer, tls_contexts, until

P = TypeVar("P", bound=asyncio.BaseProtocol)

ORIGIN = parse_origin("http://localhost:1")
SETTINGS_COME_FIRST = b"\0\0\x06\4\0\0\0\0\0" + bytes(6)


@pytest.mark.parametrize(
    ("begun", "code", "word"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x46", "upstream_broke", "speaks TLS"),
        (b"\x16\x03\x03\x00", "upstream_broke", "speaks TLS"),
        (SETTINGS_COME_FIRST, "no_http1", "speaks HTTP/2 only"),
        (b"HTTP/1.1 400 Bad Request\r\n", "no_http2", "does not speak HTTP/2"),
        (b"HTTP/1.0 400 Bad Request\r\n", "no_http2", "does not speak HTTP/2"),
    ],
)
def test_what_a_service_speaks_is_told_by_its_first_bytes(
    begun: bytes, code: str, word: str
) -> None:
    found = find_mismatch(begun, ORIGIN, "why", http2=begun.startswith(b"HTTP"))

    assert found is not None
    assert (code, "why") == (found.code, found.detail)
    assert f"http://localhost:1 {word}" in found.message
    assert found.hint


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"HTTP",
        b"\x15",
        b"SSH-2.0",
        b"\0\0\x06\4\0\0\0\0\1",
        b"\0\0\x06\1\0\0\0\0\0",
        b"<html>",
    ],
)
def test_anything_else_is_no_protocol_that_we_know(begun: bytes) -> None:
    assert find_mismatch(begun, ORIGIN, "why", http2=begun.startswith(b"HTTP")) is None


def test_silence_means_what_the_address_leaves_open() -> None:
    https = parse_origin("https://localhost:1")

    assert "https://" in silence_hint(ORIGIN)
    assert "" == silence_hint(https)
    assert "" == silence_hint(https, http2=True)
    assert "HTTP/1.1 only" in silence_hint(ORIGIN, http2=True)
    assert "Most gRPC services speak HTTP/2 only." in silence_hint(https, is_grpc=True)


# With real services.

Serving = Callable[[], AsyncIterator[tuple[str, ssl.SSLContext | None]]]
Ask = Callable[[RunningProxy], Awaitable[str]]


async def by_http_1(proxy: RunningProxy) -> str:
    reader, writer = await proxy.connect()
    writer.write(get("/", "Content-Type: application/grpc", "Accept: application/json"))
    head, body = await read_answer(reader)
    writer.close()
    return (head + body).decode()


async def by_http_2(proxy: RunningProxy) -> str:
    async with http2_client(proxy) as client:
        client.call(1)
        answer = await client.answer(1)
    return answer.body.decode()


async def plain_http_1() -> AsyncIterator[tuple[str, ssl.SSLContext | None]]:
    async with raw_service() as service:
        yield service.url, None


async def plain_http_1_by_https() -> AsyncIterator[tuple[str, ssl.SSLContext | None]]:
    async with raw_service(lambda call: call.say(b"HTTP/1.1 400 What?\r\n\r\n")) as service:
        yield service.url.replace("http:", "https:"), tls_contexts()[1]


async def http_1_with_tls_by_http() -> AsyncIterator[tuple[str, ssl.SSLContext | None]]:
    async with raw_service(tls=tls_contexts()[0]) as service:
        yield service.url.replace("https:", "http:"), None


async def http_2_only() -> AsyncIterator[tuple[str, ssl.SSLContext | None]]:
    async with http2_service(tls=True) as service:
        trust = service.trust
        assert trust is not None
        trust.set_alpn_protocols(["http/1.1"])
        yield service.url, trust


async def plain_grpc() -> AsyncIterator[tuple[str, ssl.SSLContext | None]]:
    server = aio.server()
    port = server.add_insecure_port("localhost:0")
    await server.start()
    try:
        yield f"http://localhost:{port}", None
    finally:
        await server.stop(None)


async def grpc_with_tls() -> AsyncIterator[tuple[str, ssl.SSLContext | None]]:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    trust.set_alpn_protocols(["http/1.1"])
    server = aio.server()
    credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
    port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    try:
        yield f"https://localhost:{port}", trust
    finally:
        await server.stop(None)


@pytest.mark.parametrize(
    ("serving", "ask", "words"),
    [
        (plain_http_1, by_http_2, "does not speak HTTP/2, and this request came by HTTP/2."),
        (plain_http_1_by_https, by_http_1, "does not speak TLS at this port. If that is the"),
        (plain_http_1_by_https, by_http_2, "does not speak TLS at this port."),
        (http_1_with_tls_by_http, by_http_1, "write https:// in the service's url."),
        (http_1_with_tls_by_http, by_http_2, "write https:// in the service's url."),
        (http_2_only, by_http_1, "speaks HTTP/2 only, and this request came by HTTP/1.1. Let the"),
        (plain_grpc, by_http_1, "speaks HTTP/2 only, and this request came by HTTP/1.1. Let the"),
        (grpc_with_tls, by_http_1, "Most gRPC services speak HTTP/2 only. Let the client"),
    ],
)
async def test_the_answer_says_what_does_not_fit(serving: Serving, ask: Ask, words: str) -> None:
    async with asynccontextmanager(serving)() as (url, trust), proxying(url, trust=trust) as proxy:
        said = await ask(proxy)

    assert words in said


# With services that were quicker than the way from the opened connection to the request.


class Late(Connector):
    """Hands out a connection when the service has closed it, or has said something."""

    async def open_timed(
        self, factory: Callable[[], P], *, http2: bool = False
    ) -> tuple[P, Opening]:
        protocol, opening = await super().open_timed(factory, http2=http2)
        assert isinstance(protocol, ServiceConnection)
        await until(protocol.transport.is_closing)
        return protocol, opening


async def closes(call: Call) -> None:
    call.writer.close()


async def says_settings(call: Call) -> None:
    await call.say(SETTINGS_COME_FIRST)
    await call.reader.read()


async def answers_nobody(call: Call) -> None:
    await call.say(OK)
    await call.reader.read()


@pytest.mark.parametrize(
    ("talk", "message", "hint"),
    [
        (closes, "closed the connection as soon as it was open.", "gRPC services speak HTTP/2"),
        (says_settings, "speaks HTTP/2 only, and this request came by", "Let the client speak"),
        (answers_nobody, "answer is not valid HTTP/1.1.", "that of an HTTPS service"),
    ],
)
async def test_a_service_that_is_quicker_than_the_request_is_told_as_well(
    talk: Conversation, message: str, hint: str
) -> None:
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        connector = Late(origin=parse_origin(service.url), timeout_s=5, contexts=None)
        proxy.pool.lead_to(connector)
        said = await by_http_1(proxy)

    assert message in said
    assert hint in said
    assert "may have reached" not in said
    assert 1 == len(service.calls)
