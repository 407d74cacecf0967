"""A listener that speaks TLS, with the clients that people have, as a process of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from tests.support.certificates import Pair, write_authority, write_pair
from tests.support.program import Program, run_to_end
from tests.support.raw import Call, RawService, raw_service

ANSWER = b"HTTP/1.1 302 Found\r\nLocation: %b/next\r\nContent-Length: 2\r\n\r\nok"
AUTHORITY = trustme.CA()


@dataclass
class Listening:
    program: Program
    service: RawService
    pair: Pair
    ca_file: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.program.port}"


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[Listening]:
    async def talk(call: Call) -> None:
        while await call.read_head():
            await call.say(ANSWER % service.url.encode())

    pair = write_pair(tmp_path, "localhost", "127.0.0.1", authority=AUTHORITY)
    ca_file = write_authority(tmp_path, AUTHORITY)
    async with (
        raw_service(talk) as service,
        Program(
            service.url,
            *("--credentials", "none", "-l", "localhost:0"),
            *("--tls-cert", pair.cert, "--tls-key", pair.key),
        ) as program,
    ):
        yield Listening(program, service, pair, ca_file)


async def run(*argv: str | Path, said: bytes = b"") -> tuple[int, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        *map(str, argv),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        stdout, stderr = await process.communicate(said)
    return process.returncode or 0, stdout, stderr


async def test_ready_line_and_redirects_are_https(listening: Listening) -> None:
    assert listening.program.url == f"https://127.0.0.1:{listening.program.port}"
    context = ssl.create_default_context(cafile=str(listening.ca_file))
    async with httpx.AsyncClient(verify=context) as client:
        answer = await client.get(listening.url)
        again = await client.get(listening.program.url)

    assert answer.headers["Location"] == f"{listening.url}/next"
    assert again.headers["Location"] == f"{listening.program.url}/next"


async def test_curl_keeps_its_http1_connection(listening: Listening) -> None:
    curl = ("curl", "-sS", "--http1.1", "--cacert", listening.ca_file)
    told = ("-w", "%{http_code} %{http_version} %{num_connects}\n", "-o", "/dev/null")
    _, stdout, stderr = await run(*curl, *told, listening.url, *told, listening.url)

    assert b"" == stderr
    assert [b"302 1.1 1", b"302 1.1 0"] == stdout.splitlines()


@pytest.mark.parametrize(
    ("protocols", "told", "chosen"),
    [
        (["http/1.1"], "offered HTTP/1.1 only: localhost lacks HTTP/2", "http/1.1"),
        (["h2", "http/1.1"], "offered HTTP/2: every service speaks it", "h2"),
    ],
    ids=["http1 service", "http2 service"],
)
async def test_a_client_that_knows_both_gets_what_the_service_speaks(
    tmp_path: Path, protocols: list[str], told: str, chosen: str
) -> None:
    pair = write_pair(tmp_path, "localhost", authority=AUTHORITY)
    ca_file = write_authority(tmp_path, AUTHORITY)
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.load_cert_chain(pair.both)
    certificate.set_alpn_protocols(protocols)
    async with (
        raw_service(tls=certificate) as service,
        Program(
            service.url,
            *("--credentials", "none", "-l", "localhost:0", "--ca-file", ca_file),
            *("--tls-cert", pair.both),
        ) as program,
    ):
        await program.hear(f"TLS clients are {told}$")
        client = ssl.create_default_context(cafile=str(ca_file))
        client.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await asyncio.open_connection("localhost", program.port, ssl=client)
        found = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        writer.close()

    assert chosen == found


async def test_openssl_sees_the_certificate_and_no_tls_older_than_1_2(
    listening: Listening,
) -> None:
    at = ("-connect", f"localhost:{listening.program.port}", "-servername", "localhost")
    openssl = ("openssl", "s_client", "-brief", "-CAfile", listening.ca_file, *at)
    good, _, about = await run(*openssl, "-verify_return_error")
    old, _, _ = await run(*openssl, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")

    assert (0, 1) == (good, old)
    assert b"Verification: OK" in about


async def test_a_renewed_certificate_is_shown_without_a_restart(
    listening: Listening, tmp_path: Path
) -> None:
    newer = write_pair(tmp_path, "localhost", authority=AUTHORITY, stem="newer")
    newer.cert.replace(listening.pair.cert)
    newer.key.replace(listening.pair.key)
    await listening.program.hear(r"the new certificate in .* is now in use")

    pem = await asyncio.to_thread(ssl.get_server_certificate, ("localhost", listening.program.port))
    expected = newer.issued.cert_chain_pems[0].bytes().decode()
    assert ssl.PEM_cert_to_DER_cert(expected) == ssl.PEM_cert_to_DER_cert(pem)


async def test_plain_http_and_mere_connections_leave_no_error_behind(
    listening: Listening,
) -> None:
    port = listening.program.port
    code, stdout, _ = await run("curl", "-sS", f"http://localhost:{port}/")
    _, writer = await asyncio.open_connection("localhost", port)
    writer.close()
    await writer.wait_closed()
    served, _, _ = await run("curl", "-sS", "--cacert", listening.ca_file, listening.url)

    assert (0, True) == (code, b"Use https:// instead of http://;" in stdout)
    assert 0 == served
    assert "Traceback" not in listening.program.stderr
    assert " error " not in listening.program.stderr.lower()


async def test_status_finds_an_authproxy_that_speaks_tls(listening: Listening) -> None:
    address = f"localhost:{listening.program.port}"
    environ = {"AUTHPROXY_TLS_CERT_FILE": str(listening.pair.cert)}

    assert 0 == (await run_to_end("status", f"https://{address}"))[0]
    assert 0 == (await run_to_end("status", address, environ=environ))[0]
    # Without TLS it answers too, if only that it wants it: it is there.
    assert 0 == (await run_to_end("status", address))[0]


async def test_unix_listener_beside_it_stays_plain(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "localhost", authority=AUTHORITY)
    path = tmp_path / "proxy.sock"
    async with (
        raw_service() as service,
        Program(
            service.url,
            *("--credentials", "none", "-l", f"unix:{path}", "-l", "127.0.0.1:0"),
            *("--tls-cert", pair.both),
        ) as program,
    ):
        code, stdout, _ = await run("curl", "-sS", "--unix-socket", path, "http://localhost/")

    assert [f"unix:{path}", "https"] == [program.urls[0], program.urls[1].split(":")[0]]
    assert (0, b"ok") == (code, stdout)


async def test_a_certificate_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "localhost", authority=AUTHORITY)
    code, _, stderr = await run_to_end("https://a.example", "--tls-cert", pair.cert)

    assert 2 == code
    assert stderr.splitlines()[0] == (
        f'authproxy: command line: --tls-cert: "{pair.cert}" holds no PEM key; name the file that'
        " has it"
    )
