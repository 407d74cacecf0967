"""HTTP/2 as curl, httpx and h2load speak it, through authproxy as a process of its own."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from tests.support.certificates import Pair, write_authority, write_pair
from tests.support.http2 import Call, Service, http2_service
from tests.support.jwt import unsigned_jwt
from tests.support.program import Program

AUTHORITY = trustme.CA()
TOKEN = unsigned_jwt(aud="https://localhost")


@dataclass
class Running:
    program: Program
    service: Service
    pair: Pair
    ca_file: Path
    token_file: Path


async def answer(call: Call) -> None:
    await call.ended.wait()
    if call.get(b":path") == b"/redirect":
        where = b"https://" + call.connection.service.authority + b"/next"
        call.answer(b"", (b"location", where), (b"alt-svc", b'h3=":443"'), status=b"302")
    else:
        call.answer((call.get(b":method") or b"") + b" " + call.body, (b"alt-svc", b'h3=":443"'))


@pytest.fixture(params=[False, True], ids=["h2c", "TLS"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    pair = write_pair(tmp_path, "localhost", "127.0.0.1", authority=AUTHORITY)
    ca_file = write_authority(tmp_path, AUTHORITY)
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    tls: list[str | Path] = []
    if request.param:
        tls = ["--tls-cert", pair.cert, "--tls-key", pair.key]
    async with (
        http2_service(answer, tls=True, authority=AUTHORITY) as service,
        Program(
            service.url,
            *("--credentials", f"token-file:{token_file}", "-l", "127.0.0.1:0"),
            *("--ca-file", ca_file, "--log-level", "debug"),
            *tls,
        ) as program,
    ):
        if request.param:
            await program.hear("offered HTTP/2: every service speaks it")
        yield Running(program, service, pair, ca_file, token_file)


async def curl(running: Running, path: str, *arguments: str) -> str:
    http2 = "--http2" if running.program.url.startswith("https") else "--http2-prior-knowledge"
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--show-error", "--max-time", "20", "--cacert", str(running.ca_file)),
        *(http2, "--write-out", "|%{http_code}|%{http_version}|%{redirect_url}", *arguments),
        running.program.url + path,
        stdout=asyncio.subprocess.PIPE,
    )
    stdout, _ = await process.communicate()
    return stdout.decode()


async def test_curl_speaks_http2_and_the_service_sees_the_token(running: Running) -> None:
    said = await curl(running, "/a?b=c", "--data", "hello")

    assert "POST hello|200|2|" == said
    (call,) = running.service.calls
    assert f"Bearer {TOKEN}".encode() == call.get(b"authorization")
    assert b"/a?b=c" == call.get(b":path")
    assert running.service.authority == call.get(b"x-forwarded-host")
    await running.program.hear(r"POST /a 200 \d+ms 10B -> ")


async def test_redirect_leads_back_to_us(running: Running) -> None:
    said = await curl(running, "/redirect")

    assert f"|302|2|{running.program.url}/next" == said


async def test_answers_advertise_no_other_way_where_clients_would_take_it(running: Running) -> None:
    said = await curl(running, "/", "--dump-header", "-")

    assert ("alt-svc" in said) == running.program.url.startswith("http:")


async def test_unknown_host_is_refused(running: Running) -> None:
    said = await curl(running, "/", "--header", "Host: evil.example")

    assert said.startswith("This proxy does not answer for the host name of this request.\n")
    assert said.endswith("|421|2|")
    assert [] == running.service.calls


async def test_httpx_speaks_both_versions_to_one_listener(running: Running) -> None:
    context = ssl.create_default_context(cafile=str(running.ca_file))
    async with httpx.AsyncClient(verify=context, http1=False, http2=True) as client:
        answers = [await client.post(running.program.url, content=b"%d" % n) for n in range(5)]

    assert [("HTTP/2", f"POST {n}") for n in range(5)] == [
        (answer.http_version, answer.text) for answer in answers
    ]


@pytest.mark.outside
async def test_many_calls_at_once(running: Running) -> None:
    process = await asyncio.create_subprocess_exec(
        *("h2load", "-n", "2000", "-c", "4", "-m", "8", running.program.url),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(50):
        stdout, _ = await process.communicate()

    assert re.search(r"2000 succeeded, 0 failed, 0 errored", stdout.decode())
    tokens = {call.get(b"authorization") for call in running.service.calls}
    assert {f"Bearer {TOKEN}".encode()} == tokens
