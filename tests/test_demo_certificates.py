"""The certificates satisfy Python's strictest verification for every name of the demo."""

import asyncio
import ssl
from pathlib import Path

import pytest

from authproxy.demo.certificates import make_certificates

HOSTS = [
    "localhost",
    "127.0.0.1",
    "::1",
    "hello.localhost",
    "oauth2.googleapis.com",
    "iamcredentials.googleapis.com",
    "sts.googleapis.com",
    "run.googleapis.com",
    "www.googleapis.com",
    "metadata.google.internal",
    "hello-123456789012.europe-west4.run.app",
    "hello-d3m0d3m0d3-ez.a.run.app",
    "any.run.app",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_every_name_passes_strict_verification(host: str, tmp_path: Path) -> None:
    await shake_hands(tmp_path, host)


async def test_another_name_does_not_pass(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await shake_hands(tmp_path, "example.com")


def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)

    assert 0o600 == files.key_file.stat().st_mode & 0o777


async def shake_hands(directory: Path, host: str) -> None:
    files = make_certificates(directory)
    client = ssl.create_default_context(cafile=str(files.ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    done = asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        done.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=files.server_context())
    try:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=host
        )
        await done.wait()
        writer.close()
    finally:
        server.close()
        await server.wait_closed()
