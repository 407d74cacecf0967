"""TLS contexts towards services: what they demand and show, and files that cannot be used."""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from authproxy.errors import StartError
from authproxy.values import parse_origin
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.tls import ServiceTls, TlsContexts, service_context
from tests.support.certificates import write_authority, write_lax_chain, write_pair
from tests.support.ears import Ears, opened
from tests.support.raw import OK, RawService, raw_service
from tests.support.talking import GET, until

AUTHORITY = trustme.CA()


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
        with pytest.raises(Exception, match=r"handshake with .* failed|while it was being opened"):
            await modern.open(Ears)


def test_contexts_are_shared_until_their_files_are_others(tmp_path: Path) -> None:
    contexts = TlsContexts()
    plain, named = ServiceTls(), ServiceTls(ca_file=write_authority(tmp_path, AUTHORITY))
    asked = [(tls, alpn) for tls in (plain, named) for alpn in ("http/1.1", "h2")]
    first = [contexts(*each) for each in asked]
    for tls in (plain, named):
        contexts.look(tls)
    same = [contexts(*each) for each in asked]
    write_authority(tmp_path, trustme.CA())
    unseen = [contexts(*each) for each in asked]
    for tls in (plain, named):
        contexts.look(tls)
    others = [contexts(*each) for each in asked]

    assert 4 == len(set(map(id, first))) == len(contexts)
    assert first == same == unseen
    assert [True, True, False, False] == [a is b for a, b in zip(first, others, strict=True)]


def test_contexts_that_are_not_wanted_are_given_up() -> None:
    contexts = TlsContexts()
    old, new = ServiceTls(min_version="1.2"), ServiceTls(min_version="1.3")
    before = [contexts(each, "h2") for each in (old, new)]
    contexts.keep_only({new})

    assert 1 == len(contexts)
    assert [False, True] == [
        contexts(each, "h2") is context for each, context in zip((old, new), before, strict=True)
    ]


def test_threads_that_ask_at_once_get_one_context() -> None:
    contexts = TlsContexts()
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: contexts(ServiceTls(), "h2"), range(4)))

    assert 1 == len(set(map(id, made)))
