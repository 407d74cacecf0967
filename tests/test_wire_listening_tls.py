"""What clients are shown: files that cannot be used, and files that change."""

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
from authproxy.values import Listen
from authproxy.wire.listening.sockets import open_listener
from authproxy.wire.listening.tls import ListenerTls
from tests.support.certificates import Pair, write_pair
from tests.support.proxying import proxying
from tests.support.raw import OK, raw_service
from tests.support.talking import GET

AUTHORITY = trustme.CA()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path, "localhost", authority=AUTHORITY)


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")

    with pytest.raises(StartError, match=f'^"{file}" holds no PEM certificate; '):
        ListenerTls(file, None, FileWatch())


@asynccontextmanager
async def listening(tls: ListenerTls) -> AsyncIterator[int]:
    async with raw_service() as service, proxying(service.url) as proxy:
        (sock,) = open_listener(Listen("127.0.0.1", 0))
        proxy.server.listen(sock, proxy.listener, lambda: tls.context)
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
        f"the new certificate in {pair.cert} and {pair.key} is now in use:"
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
        f"the new certificate in {pair.cert} and {pair.key} is not used; the old one stays in use:"
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
        f"the new certificate in {pair.both} is not used; the old one stays in use: there is no"
        " file"
    )
    assert [expected] == [message.split(' "')[0] for message in caplog.messages]
