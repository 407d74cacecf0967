"""Connections to a service: the protocol offered, and each failure told apart."""

import datetime
import ssl
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import trustme

from authproxy.errors import Code, StartError, UpstreamError
from authproxy.values import parse_origin
from authproxy.wire.upstream.connector import Connector, connector_for
from authproxy.wire.upstream.tls import ServiceTls, TlsContexts, service_context
from tests.support.certificates import write_authority
from tests.support.configuring import settings
from tests.support.connecting import connect_proxy
from tests.support.ears import Ears, opened
from tests.support.proxying import proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import LAST_GET, tls_contexts


def connector_to(
    url: str, trust: ssl.SSLContext | None = None, *, timeout_s: float = 5
) -> Connector:
    return Connector(
        origin=parse_origin(url),
        timeout_s=timeout_s,
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
    async with raw_service(tls=certificate) as service:
        error = await failure(connector_to(service.url, trust))

    assert str(error).startswith(f"The certificate of {service.url} is not trusted: ")
    assert "ostname mismatch" in str(error)
    assert [] == service.heads


async def test_certificate_that_has_expired_is_told_apart() -> None:
    authority = trustme.CA()
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    past = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    authority.issue_cert("localhost", not_after=past).configure_cert(certificate)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with raw_service(tls=certificate) as service:
        error = await failure(connector_to(service.url, trust))

    expected = f"The certificate of {service.url} is not trusted: certificate has expired."
    assert expected == str(error)
    assert [] == service.heads


async def test_service_without_tls_is_told_apart() -> None:
    async def plain(call: Call) -> None:
        await call.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    _, trust = tls_contexts()
    async with raw_service(plain) as service:
        url = service.url.replace("http:", "https:")
        error = await failure(connector_to(url, trust))

    assert f"{url} does not speak TLS at this port." == str(error)
    expected = "If that is the right port, write http:// and not https:// for the service."
    assert expected == error.hint


async def test_service_that_does_not_finish_its_handshake_is_a_timeout() -> None:
    _, trust = tls_contexts()
    async with raw_service(quiet) as service:
        url = service.url.replace("http:", "https:")
        error = await failure(connector_to(url, trust, timeout_s=0.05))

    assert f"{url} did not accept a connection within 0.05 seconds." == str(error)
    assert Code.UPSTREAM_TIMEOUT == error.code


async def test_a_service_is_reached_as_its_settings_say() -> None:
    authority = trustme.CA()
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("billing.example", "localhost").configure_cert(certificate)
    with authority.cert_pem.tempfile() as ca_file:
        async with raw_service(quiet, tls=certificate) as service:
            at = ("localhost", service.port)
            async with connect_proxy(tls=certificate, at=at) as proxy:
                environ = {"HTTPS_PROXY": proxy.url, "AUTHPROXY_CA_FILE": ca_file}
                made = settings(urls=["https://billing.example"], environ=environ)
                connector = connector_for(
                    made.services["billing"], made, cache(service_context), environ
                )
                async with opened(connector) as ears:
                    peer = ears.transport.get_extra_info("peercert")

    names = [name for _, name in peer["subjectAltName"]]
    assert "billing.example" in names
    assert [b"CONNECT billing.example:443 HTTP/1.1"] == [h.split(b"\r\n")[0] for h in proxy.heads]


def test_services_with_the_same_tls_share_a_context() -> None:
    made = settings(urls=["a=https://a.example", "b=https://b.example", "c=https://localhost:9"])
    contexts = cache(service_context)
    both = [connector_for(made.services[name], made, contexts, {}) for name in ("a", "b")]
    first, second = [one.contexts and one.contexts("h2") for one in both]

    assert first is second
    assert first is not None
    assert both[0].egress is None


async def test_whether_a_service_speaks_http2_is_found_out() -> None:
    certificate, trust = tls_contexts()
    async with raw_service(quiet, tls=certificate) as service, raw_service(quiet) as plain:
        connector = connector_to(service.url, trust)
        assert not await connector.speaks_http2()
        certificate.set_alpn_protocols(["http/1.1"])
        assert not await connector.speaks_http2()
        certificate.set_alpn_protocols(["http/1.1", "h2"])
        assert await connector.speaks_http2()
        assert not await connector_to(plain.url).speaks_http2()
        assert not await connector_to(plain.url.replace("http:", "https:"), trust).speaks_http2()


async def test_files_for_a_protocol_are_read_once_and_not_in_the_event_loop() -> None:
    certificate, trust = tls_contexts()
    certificate.set_alpn_protocols(["h2", "http/1.1"])
    asked: list[tuple[str, bool]] = []

    def contexts(alpn: str) -> ssl.SSLContext:
        asked.append((alpn, threading.current_thread() is threading.main_thread()))
        return trust

    async with raw_service(quiet, tls=certificate) as service:
        connector = Connector(origin=parse_origin(service.url), timeout_s=5, contexts=contexts)
        for http2 in (True, True, False, False):
            async with opened(connector, http2=http2):
                pass

    assert [("h2", False), ("http/1.1", False)] == asked


async def test_a_file_that_went_before_http2_was_spoken_is_told_of(tmp_path: Path) -> None:
    ca_file = write_authority(tmp_path, trustme.CA())
    made = settings(urls=["https://localhost:9"], environ={"AUTHPROXY_CA_FILE": str(ca_file)})
    [service] = made.services.values()
    connector = connector_for(service, made, TlsContexts(), {})
    ca_file.unlink()
    with pytest.raises(UpstreamError, match=r"settings for TLS to .* can no longer be used"):
        await connector.open(Ears, http2=True)
