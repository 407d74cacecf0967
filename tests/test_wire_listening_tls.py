"""TLS contexts: what they demand and show, files that cannot be used, and files that change."""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from authproxy.errors import StartError
from authproxy.file_watch import FileWatch
from authproxy.values import Listen, parse_origin
from authproxy.wire.listening.sockets import open_listener
from authproxy.wire.listening.tls import ListenerTls, ServiceTls, service_context
from authproxy.wire.upstream.connector import Connector
from tests.support.certificates import Pair, write_authority, write_lax_chain, write_pair
from tests.support.ears import Ears, opened
from tests.support.proxying import proxying
from tests.support.raw import OK, RawService, raw_service
from tests.support.talking import GET, until

AUTHORITY = trustme.CA()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path, "localhost", authority=AUTHORITY)


def test_name_and_certificate_are_always_checked() -> None:
    context = service_context(ServiceTls(), "http/1.1")

    assert context.check_hostname
    assert ssl.CERT_REQUIRED == context.verify_mode
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")

    for wrong in (ServiceTls(ca_file=file), ServiceTls(cert_file=file)):
        with pytest.raises(StartError, match=f'^"{file}" holds no PEM certificate; '):
            service_context(wrong, "http/1.1")
    with pytest.raises(StartError, match=f'^"{file}" holds no PEM certificate; '):
        ListenerTls(file, None, FileWatch())


def demanding(authority: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A service that lets in only who shows a certificate of `authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    return context


def connector_to(service: RawService, settings: ServiceTls) -> Connector:
    context = service_context(settings, "http/1.1")
    return Connector(origin=parse_origin(service.url), timeout_s=5, contexts=lambda _: context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_is_shown_to_a_service_that_asks(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    clients = trustme.CA()
    shown = write_pair(tmp_path, "me@example.com", authority=clients, stem="client")
    settings = ServiceTls(
        ca_file=write_authority(tmp_path, AUTHORITY), cert_file=shown.cert, key_file=shown.key
    )
    async with (
        raw_service(tls=demanding(clients, version)) as service,
        opened(connector_to(service, settings)) as ears,
    ):
        ears.transport.write(GET)
        await until(lambda: ears.data == OK)
        tls_object = service.calls[0].writer.get_extra_info("ssl_object")

        assert "me@example.com" in str(tls_object.getpeercert()["subjectAltName"])


async def test_without_one_such_a_service_lets_nobody_in(tmp_path: Path) -> None:
    settings = ServiceTls(ca_file=write_authority(tmp_path, AUTHORITY))
    async with raw_service(tls=demanding(trustme.CA(), ssl.TLSVersion.TLSv1_3)) as service:
        # With TLS 1.3 the client's side of the handshake is over before the service refuses.
        ears = await connector_to(service, settings).open(Ears)
        async with asyncio.timeout(5):
            await ears.lost.wait()

    assert [] == service.heads


@pytest.mark.parametrize("anchor", ["authority", "intermediate"])
async def test_who_may_sign_is_judged_the_same_on_every_python(anchor: str, tmp_path: Path) -> None:
    """3.13 refuses authorities of inspecting proxies, 3.11 an anchor that somebody else signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if anchor == "authority":
        ca_file, pair = write_lax_chain(tmp_path)
        context.load_cert_chain(pair)
    else:
        child = trustme.CA().create_child_ca()
        ca_file = write_authority(tmp_path, child)
        child.issue_cert("localhost").configure_cert(context)
    async with (
        raw_service(tls=context) as service,
        opened(connector_to(service, ServiceTls(ca_file=ca_file))) as ears,
    ):
        ears.transport.write(GET)
        await until(lambda: ears.data == OK)


async def test_a_service_with_old_tls_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    ca_file = write_authority(tmp_path, AUTHORITY)
    async with raw_service(tls=context) as service:
        async with opened(connector_to(service, ServiceTls(ca_file=ca_file))) as ears:
            assert "TLSv1.2" == ears.transport.get_extra_info("ssl_object").version()
        modern = connector_to(service, ServiceTls(ca_file=ca_file, min_version="1.3"))
        with pytest.raises(Exception, match=r"handshake with .* failed|before it stood"):
            await modern.open(Ears)


@asynccontextmanager
async def listening(tls: ListenerTls) -> AsyncIterator[int]:
    async with raw_service() as service, proxying(service.url) as proxy:
        (sock,) = open_listener(Listen("127.0.0.1", 0))
        await proxy.server.listen(sock, proxy.listener, lambda: tls.context)
        yield sock.getsockname()[1]


async def seen_by_client(port: int, *protocols: str) -> tuple[bytes, str | None]:
    """The certificate that a new client is shown, and the protocol that is chosen for it."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    if protocols:
        context.set_alpn_protocols(protocols)
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    tls_object = writer.get_extra_info("ssl_object")
    found = tls_object.getpeercert(binary_form=True), tls_object.selected_alpn_protocol()
    writer.write(GET)
    assert OK == await reader.readexactly(len(OK))
    writer.close()
    await writer.wait_closed()
    return found


def in_der(pair: Pair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.issued.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize(
    ("http2_first", "offered", "chosen"),
    [
        (True, ("h2", "http/1.1"), "h2"),
        (False, ("h2", "http/1.1"), "http/1.1"),
        (False, ("h2",), "h2"),
        (True, ("http/1.1",), "http/1.1"),
        (True, (), None),
    ],
)
async def test_clients_get_the_protocol_that_fits(
    pair: Pair, http2_first: bool, offered: tuple[str, ...], chosen: str | None
) -> None:
    files = FileWatch()
    listener = ListenerTls(pair.cert, pair.key, files)
    async with listening(listener) as port:
        if http2_first:
            listener.prefer_http2()
        assert (in_der(pair), chosen) == await seen_by_client(port, *offered)


def replace(pair: Pair, by: Pair, *, key_too: bool = True) -> None:
    """As programs that renew certificates do it, one file after the other."""
    by.cert.replace(pair.cert)
    if key_too:
        by.key.replace(pair.key)


def used(pair: Pair, newer: Pair) -> str:
    digest = hashlib.sha256(in_der(newer)).hexdigest()[:16]
    return (
        f"the new certificate in {pair.cert} and {pair.key} is used from now on:"
        f" <Certificate [SHA-256 {digest}…]>"
    )


async def test_a_new_certificate_is_shown_to_new_clients(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    files = FileWatch()
    listener = ListenerTls(pair.cert, pair.key, files)
    newer = write_pair(pair.cert.parent, "localhost", authority=AUTHORITY, stem="newer")
    async with listening(listener) as port:
        first, _ = await seen_by_client(port)
        replace(pair, newer)
        await files.look()
        assert [] == caplog.messages
        await files.look()
        second, _ = await seen_by_client(port)
        await files.look()

    assert (in_der(pair), in_der(newer)) == (first, second)
    assert [used(pair, newer)] == caplog.messages


async def test_a_pair_that_does_not_fit_keeps_the_old_certificate_and_is_told_once(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    files = FileWatch()
    listener = ListenerTls(pair.cert, pair.key, files)
    newer = write_pair(pair.cert.parent, "localhost", authority=AUTHORITY, stem="newer")
    async with listening(listener) as port:
        replace(pair, newer, key_too=False)
        for _ in range(4):
            await files.look()
        kept, _ = await seen_by_client(port)
        newer.key.replace(pair.key)
        for _ in range(4):
            await files.look()
        shown, _ = await seen_by_client(port)

    assert (in_der(pair), in_der(newer)) == (kept, shown)
    assert caplog.messages == [
        f"the new certificate in {pair.cert} and {pair.key} is not used, and the old one stays:"
        f' the key in "{pair.key}" does not belong to the certificate in "{pair.cert}"',
        used(pair, newer),
    ]


async def test_files_that_vanish_keep_the_old_certificate(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    files = FileWatch()
    listener = ListenerTls(pair.both, None, files)
    async with listening(listener) as port:
        pair.both.unlink()
        for _ in range(3):
            await files.look()

        assert in_der(pair) == (await seen_by_client(port))[0]
    expected = (
        f"the new certificate in {pair.both} is not used, and the old one stays: there is no file"
    )
    assert [expected] == [message.split(' "')[0] for message in caplog.messages]
