"""Questions by HTTP to a whole authproxy, as a proxy asks them."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from authproxy.authorizer.http_form import STRANGERS, HttpForm
from tests.support.jwt import unsigned_jwt
from tests.support.running import running

QUESTION = {
    "X-Forwarded-Method": "GET",
    "X-Forwarded-Uri": "/x?y=1",
    "X-Forwarded-Host": "localhost",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "127.0.0.1",
}
CONFIG = """
listen = ["127.0.0.1:0"]
trusted_proxies = ["127.0.0.1"]
[authorizer]
listen = "127.0.0.1:0"
[services.a]
url = "https://a.example"
credentials = "token-file:{folder}/token"
path = "/"
"""


async def ask(
    folder: Path,
    question: Mapping[str, str],
    *,
    service: str = "",
    trusted: str = "127.0.0.1",
    path: str = "/",
) -> tuple[int, str, Mapping[str, str]]:
    (folder / "token").write_text(unsigned_jwt(aud="https://a.example"))
    text = CONFIG.format(folder=folder).replace('["127.0.0.1"]', f'["{trusted}"]') + service
    async with running(folder, text) as it, aiohttp.ClientSession() as session:
        [url] = it.proxy.inside.authorizer.urls
        async with session.get(url + path, headers=question) as answer:
            return answer.status, await answer.text(), answer.headers


async def test_a_yes_has_the_token_and_where_it_goes(tmp_path: Path) -> None:
    status, text, fields = await ask(tmp_path, QUESTION)

    assert (200, "") == (status, text)
    assert fields["Authorization"].startswith("Bearer eyJ")
    assert "X-Serverless-Authorization" not in fields
    assert ("a", "https://a.example", "a.example", "/x?y=1", "me@x.example", "no-store") == tuple(
        fields[name]
        for name in (
            "X-Authproxy-Service",
            "X-Authproxy-Upstream",
            "X-Authproxy-Host",
            "X-Authproxy-Target",
            "X-Authproxy-Principal",
            "Cache-Control",
        )
    )


async def test_a_clients_own_authorization_comes_back_beside_the_token(tmp_path: Path) -> None:
    _, _, fields = await ask(tmp_path, QUESTION | {"Authorization": "Basic bWU="})

    assert "Basic bWU=" == fields["Authorization"]
    assert fields["X-Serverless-Authorization"].startswith("Bearer eyJ")


async def ask_raw(folder: Path, authorization: bytes) -> bytes:
    """The whole answer, byte for byte."""
    (folder / "token").write_text(unsigned_jwt(aud="https://a.example"))
    lines = [f"{name}: {value}".encode() for name, value in QUESTION.items()]
    lines += [b"Host: localhost", b"Connection: close", b"Authorization: " + authorization]
    async with running(folder, CONFIG.format(folder=folder)) as it:
        [url] = it.proxy.inside.authorizer.urls
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")
        answer = await reader.read()
        writer.close()
    return answer


@pytest.mark.parametrize("own", ["Basic ä:€", "Token \U0001f511"], ids=["two and three", "four"])
async def test_a_clients_own_authorization_comes_back_byte_for_byte(
    tmp_path: Path, own: str
) -> None:
    answer = await ask_raw(tmp_path, own.encode())

    assert b"200" == answer[9:12]
    assert b"\r\nAuthorization: " + own.encode() + b"\r\n" in answer


@pytest.mark.parametrize("own", [b"Basic \xe4", b"Basic \xed\xa0\x80"], ids=["Latin-1", "halves"])
async def test_an_authorization_that_could_not_come_back_as_it_was_is_refused(
    tmp_path: Path, own: bytes
) -> None:
    answer = await ask_raw(tmp_path, own)

    assert b"400" == answer[9:12]
    assert b"The request's Authorization is not in UTF-8." in answer
    assert own not in answer
    assert b"eyJ" not in answer


@pytest.mark.parametrize("path", ["/?X-Forwarded-Uri=/a", "/anything"])
async def test_nothing_is_taken_from_the_questions_own_path(tmp_path: Path, path: str) -> None:
    status, _, fields = await ask(tmp_path, QUESTION, path=path)

    assert (200, "/x?y=1") == (status, fields["X-Authproxy-Target"])


async def test_a_no_has_no_token_and_says_why(tmp_path: Path) -> None:
    status, text, fields = await ask(tmp_path, QUESTION, service='deny_paths = ["/x"]')

    assert (403, "path_not_allowed") == (status, fields["X-Authproxy-Error"])
    assert "Authorization" not in fields
    assert "eyJ" not in text


@pytest.mark.parametrize("rule", ['methods = ["GET"]', 'deny_methods = ["DELETE"]'])
async def test_a_field_that_would_get_round_the_rules_is_refused_where_it_is_not_removed(
    tmp_path: Path, rule: str
) -> None:
    name = "X-HTTP-Method-Override"
    service = f'{rule}\nremove_headers = ["{name}"]'

    status, _, fields = await ask(tmp_path, QUESTION | {name: "DELETE"}, service=service)

    assert (403, "override_not_allowed") == (status, fields["X-Authproxy-Error"])


async def test_calls_of_grpc_are_refused_by_the_status_too(tmp_path: Path) -> None:
    call = {"X-Forwarded-Method": "POST", "Content-Type": "application/grpc", "TE": "trailers"}

    status, _, _ = await ask(tmp_path, QUESTION | call, service='deny_paths = ["/x"]')

    assert 403 == status


async def test_who_is_no_trusted_proxy_hears_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    status, text, fields = await ask(tmp_path, QUESTION, trusted="192.0.2.1")

    assert (403, "address_not_allowed") == (status, fields["X-Authproxy-Error"])
    assert "192.0.2.1" not in text
    assert "127.0.0.1 asks the authorizer, and is not in trusted_proxies" in caplog.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9191", "127.0.0.1.evil.example"])
async def test_no_page_of_a_name_that_leads_here_gets_a_token(tmp_path: Path, host: str) -> None:
    status, text, fields = await ask(tmp_path, QUESTION | {"Host": host})

    assert (421, "host_not_allowed") == (status, fields["X-Authproxy-Error"])
    assert "Authorization" not in fields
    assert "eyJ" not in text


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1:9191", "localhost"),
        ("[::1]:9191", "localhost"),
        ("10.0.0.5", "localhost"),
        ("authproxy:9191", "localhost"),
        ("b.example", "b.example"),
        ("b.example:9191", "localhost"),
    ],
    ids=["address", "IPv6", "another address", "container", "the client's", "one of ours"],
)
async def test_proxies_may_ask_by_these_names(tmp_path: Path, host: str, asked: str) -> None:
    question = QUESTION | {"Host": host, "X-Forwarded-Host": asked}

    status, text, _ = await ask(tmp_path, question, service='hosts = ["b.example"]')

    assert (200, "") == (status, text)


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization : Bearer SECRET\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: SECRET\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"SECRET" * 15_000 + b"\r\n\r\n",
    ],
    ids=["space", "control", "long"],
)
async def test_what_is_no_http_is_repeated_nowhere(
    tmp_path: Path, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_text(unsigned_jwt(aud="https://a.example"))
    async with running(tmp_path, CONFIG.format(folder=tmp_path)) as it:
        [url] = it.proxy.inside.authorizer.urls
        reader, writer = await it.connect(int(url.rpartition(":")[2]))
        writer.write(said)
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"answered.\n")
        writer.close()

    assert b" 400 " in answer
    assert b"SECRET" not in answer
    assert "SECRET" not in caplog.text
    assert "127.0.0.1 has sent what is no HTTP request" in caplog.text


async def test_strangers_are_few_and_stay_for_a_moment_only(tmp_path: Path) -> None:
    text = CONFIG.format(folder=tmp_path).replace('["127.0.0.1"]', '["192.0.2.1"]')
    (tmp_path / "token").write_text(unsigned_jwt(aud="https://a.example"))
    async with running(tmp_path, text) as it:
        authorizer = it.proxy.inside.authorizer.authorizer
        assert authorizer is not None
        form = HttpForm(authorizer, target_bytes=999, head_bytes=999, strangers_idle_s=0.5)
        sock = socket.create_server(("127.0.0.1", 0), backlog=STRANGERS + 1)
        sock.setblocking(False)
        port = sock.getsockname()[1]
        await form.start([sock])
        opened = [await it.connect(port) for _ in range(STRANGERS + 1)]
        async with asyncio.timeout(10):
            said = [await reader.read(-1) for reader, _ in reversed(opened)]
            after = await it.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", port)
        for _, writer in opened:
            writer.close()
        await form.close()

    assert {b""} == set(said)
    assert after.startswith(b"HTTP/1.1 403 ")


async def test_a_question_without_its_fields_says_what_is_missing(tmp_path: Path) -> None:
    status, text, _ = await ask(tmp_path, {})

    assert 400 == status
    assert "X-Forwarded-Method is missing" in text
