"""Connections to a service: the protocol offered, and each failure told apart."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trustme

from authproxy.errors import Code, StartError, UpstreamError
from authproxy.settings import TimeoutSettings
from authproxy.values import parse_origin
from authproxy.wire.connector import Connector
from authproxy.wire.tls import ServiceTls, service_context
from tests.support.proxying import proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import LAST_GET, tls_contexts


class Ears(asyncio.Protocol):
    """Keeps what it hears."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.data = b""
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # -- aiofastnet's has the methods only

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def opened(connector: Connector, *, http2: bool = False) -> AsyncIterator[Ears]:
    ears = await connector.open(Ears, http2=http2)
    try:
        yield ears
    finally:
        ears.transport.close()
        async with asyncio.timeout(10):
            await ears.lost.wait()


def connector_to(url: str, trust: ssl.SSLContext | None = None, **more: float) -> Connector:
    return Connector(
        origin=parse_origin(url),
        timeout_s=more.get("timeout_s", 5),
        contexts=None if trust is None else offering(trust),
    )


def offering(context: ssl.SSLContext) -> Callable[[str], ssl.SSLContext]:
    """One context for all protocols is enough where they are asked for one at a time."""

    def offer(alpn: str) -> ssl.SSLContext:
        context.set_alpn_protocols([alpn])
        return context

    return offer


async def failure(connector: Connector) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await connector.open(Ears)
    assert not caught.value.sent
    return caught.value


async def quiet(call: Call) -> None:
    await call.reader.read(-1)


@pytest.mark.parametrize(("http2", "chosen"), [(False, "http/1.1"), (True, "h2")])
async def test_one_protocol_is_offered_and_its_choice_can_be_read(http2: bool, chosen: str) -> None:
    certificate, trust = tls_contexts()
    certificate.set_alpn_protocols(["h2", "http/1.1"])
    async with (
        raw_service(quiet, tls=certificate) as service,
        opened(connector_to(service.url, trust), http2=http2) as ears,
    ):
        tls = ears.transport.get_extra_info("ssl_object")

        assert chosen == tls.selected_alpn_protocol()


async def test_service_that_speaks_no_http2_chooses_nothing() -> None:
    certificate, trust = tls_contexts()
    async with (
        raw_service(quiet, tls=certificate) as service,
        opened(connector_to(service.url, trust), http2=True) as ears,
    ):
        assert ears.transport.get_extra_info("ssl_object").selected_alpn_protocol() is None


async def test_the_service_is_named_in_the_handshake() -> None:
    greetings = []

    async def listen(call: Call) -> None:
        greetings.append(await call.reader.read(4096))

    _, trust = tls_contexts()
    async with raw_service(listen) as service:
        await failure(connector_to(service.url.replace("http:", "https:"), trust))

    # RFC 6066 3: a list with one name, of the kind host_name, and its length.
    assert b"\x00\x0c\x00\x00\x09localhost" in greetings[0]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://no-such-name.invalid", "The host name no-such-name.invalid cannot be resolved."),
        (f"http://{'a' * 63}.{'b' * 63}.invalid", "cannot be resolved."),
    ],
)
async def test_name_that_cannot_be_resolved_is_told(url: str, message: str) -> None:
    error = await failure(connector_to(url))

    assert str(error).endswith(message)
    assert Code.CONNECT_FAILED == error.code


async def test_settings_that_can_no_longer_be_used_are_told() -> None:
    def gone(_: str) -> ssl.SSLContext:
        raise StartError("ca_file /etc/ca.pem cannot be used: no such file")

    connector = Connector(origin=parse_origin("https://localhost:9"), timeout_s=5, contexts=gone)
    error = await failure(connector)

    assert "The settings for TLS to https://localhost:9 can no longer be used." == str(error)
    assert "ca_file /etc/ca.pem cannot be used: no such file" == error.detail


async def test_certificate_that_is_not_trusted_is_told_apart() -> None:
    certificate, _ = tls_contexts()
    _, other = tls_contexts()
    async with (
        raw_service(tls=certificate) as service,
        proxying(service.url, trust=other) as proxy,
    ):
        answer = await proxy.exchange(LAST_GET)

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"X-Authproxy-Error: connect_failed\r\n" in answer
    assert b"The certificate of https://localhost:" in answer
    assert b"name its certificate with --ca-file." in answer


async def test_certificate_of_its_own_making_is_told_apart() -> None:
    authority = trustme.CA()
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(certificate)
    contexts = service_context(ServiceTls(), "http/1.1")
    async with raw_service(tls=certificate) as service:
        error = await failure(connector_to(service.url, contexts))

    expected = f"The certificate of {service.url} is not trusted: unable to get local issuer"
    assert str(error).startswith(expected)
    assert [] == service.heads


async def test_certificate_for_another_name_is_told_apart() -> None:
    certificate, trust = tls_contexts("elsewhere.example")
    async with (
        raw_service(tls=certificate) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        answer = await proxy.exchange(LAST_GET)

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"The certificate of https://localhost:" in answer
    assert b"ostname mismatch" in answer
    assert [] == service.heads


async def test_certificate_that_has_expired_is_told_apart() -> None:
    authority = trustme.CA()
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    authority.issue_cert("localhost", not_after=yesterday).configure_cert(certificate)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with (
        raw_service(tls=certificate) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        answer = await proxy.exchange(LAST_GET)

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b" is not trusted: certificate has expired." in answer
    assert [] == service.heads


async def test_service_without_tls_is_told_apart() -> None:
    async def plain(call: Call) -> None:
        await call.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    _, trust = tls_contexts()
    async with raw_service(plain) as service:
        url = service.url.replace("http:", "https:")
        async with proxying(url, trust=trust) as proxy:
            answer = await proxy.exchange(LAST_GET)

    assert b"The TLS handshake with https://localhost:" in answer


async def test_service_that_does_not_finish_its_handshake_is_a_504() -> None:
    _, trust = tls_contexts()
    async with raw_service(quiet) as service:
        url = service.url.replace("http:", "https:")
        timeouts = TimeoutSettings(connect=0.05)
        async with proxying(url, trust=trust, timeouts=timeouts) as proxy:
            answer = await proxy.exchange(LAST_GET)

    assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert b" did not accept a connection within 0.05 seconds." in answer
