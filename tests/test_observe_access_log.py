import asyncio
import json
from ipaddress import ip_address
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.commands.status import REQUEST
from authproxy.errors import Code
from authproxy.exchange import Exchange, RequestHead
from authproxy.observe.access_log import AccessLog, render_json, render_text
from authproxy.observe.stream import LogStream
from authproxy.wire.http1.heads import parse_field

SECRET = "hunter2"


class Sent:
    """What a LogStream has written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def __call__(self, data: bytes) -> int:
        self.pieces.append(data)
        return len(data)

    @property
    def text(self) -> str:
        return b"".join(self.pieces).decode()


def exchange(
    *,
    target: bytes = b"/a/b?key=hunter2",
    method: bytes = b"GET",
    client: str | None = "127.0.0.1",
    host: bytes = b"localhost:8080",
    status: int = 200,
    service: str = "billing",
    code: Code | None = None,
    detail: str = "",
    aborted: Literal["", "client", "service", "authproxy"] = "",
) -> Exchange:
    headers = [
        (b"authorization", b"Authorization", b"Bearer hunter2"),
        (b"cookie", b"Cookie", b"hunter2"),
        (b"x-api-key", b"X-Api-Key", b"hunter2"),
    ]
    address = None if client is None else ip_address(client)
    made = Exchange("abc", 7, address, RequestHead(method, target, "1.1", headers))
    made.started_at = 1_700_000_000.25
    made.host, made.status, made.service, made.code = host, status, service, code
    made.detail, made.aborted = detail, aborted
    made.duration_s, made.bytes_to_client = 0.0125, 42
    return made


def text(made: Exchange) -> str:
    """The text line without its clock, which is in local time."""
    return render_text(made).partition(" ")[2]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(exchange(), "127.0.0.1 GET /a/b 200 12ms 42B -> billing", id="good"),
        pytest.param(
            exchange(client=None), "unix GET /a/b 200 12ms 42B -> billing", id="Unix socket"
        ),
        pytest.param(
            exchange(
                status=421, service="", code=Code.HOST_NOT_ALLOWED, detail="Host: evil.example"
            ),
            "127.0.0.1 GET /a/b 421 12ms 42B [host_not_allowed, request abc-7] Host: evil.example",
            id="refused",
        ),
        pytest.param(
            exchange(status=504, code=Code.UPSTREAM_TIMEOUT),
            "127.0.0.1 GET /a/b 504 12ms 42B -> billing [upstream_timeout, request abc-7]",
            id="nothing to add",
        ),
        pytest.param(
            exchange(status=0, aborted="client"),
            "127.0.0.1 GET /a/b - 12ms 42B -> billing (client left early)",
            id="gone",
        ),
    ],
)
def test_a_text_line_says_who_what_and_how_it_went(made: Exchange, expected: str) -> None:
    assert f"{expected}\n" == text(made)


def test_a_json_line_leaves_out_what_has_no_value() -> None:
    expected = {
        "time": "2023-11-14T22:13:20.262Z",
        "severity": "INFO",
        "message": "GET /a/b 200",
        "request_id": "abc-7",
        "client": "127.0.0.1",
        "method": "GET",
        "host": "localhost:8080",
        "path": "/a/b",
        "status": 200,
        "duration_ms": 12.5,
        "first_byte_ms": 0.0,
        "bytes_from_client": 0,
        "bytes_to_client": 42,
        "service": "billing",
        "attempts": 0,
    }
    assert expected == json.loads(render_json(exchange()))


@pytest.mark.parametrize("client", ["10.1.2.3", "2001:db8::1", "fe80::1%eth0"])
def test_a_line_names_the_client(client: str) -> None:
    assert client == json.loads(render_json(exchange(client=client)))["client"]
    assert f" {client} GET" in render_text(exchange(client=client))


@given(st.text(), st.text())
def test_no_name_breaks_a_json_line(service: str, principal: str) -> None:
    made = exchange(service=service)
    made.principal = principal

    line = json.loads(render_json(made))
    assert (service, principal) == (line.get("service", ""), line.get("principal", ""))


def test_a_line_names_the_key_that_a_client_has_shown() -> None:
    made = exchange()
    assert "key" not in json.loads(render_json(made))
    made.key = "ci"

    assert "ci" == json.loads(render_json(made))["key"]
    assert render_text(made).endswith(" by key ci\n")


def test_a_json_line_says_why_it_went_wrong() -> None:
    made = exchange(
        client=None, status=502, code=Code.UPSTREAM_BROKE, detail="reset", aborted="service"
    )
    made.principal = "me@example.com"

    line = json.loads(render_json(made))
    assert "client" not in line
    assert ("ERROR", "upstream_broke", "reset") == (line["severity"], line["error"], line["detail"])
    assert ("service", "me@example.com") == (line["aborted"], line["principal"])


@pytest.mark.parametrize(
    ("target", "host", "path", "shown"),
    [
        (b"/a?key=hunter2", b"localhost", "/a", "localhost"),
        (b"/a#access_token=hunter2", b"localhost", "/a", "localhost"),
        (
            b"http://me:hunter2@localhost/a",
            b"me:hunter2@localhost",
            "http://localhost/a",
            "localhost",
        ),
        (b"http://hunter2@localhost", b"hunter2@localhost", "http://localhost", "localhost"),
        (b"http://a@hunter2@localhost/a", b"a@hunter2@b", "http://localhost/a", "b"),
        (b"me:hunter2@localhost:443", b"", "localhost:443", ""),
        (b"/@me/x@y", b"localhost", "/@me/x@y", "localhost"),
        (b"http://localhost/@me", b"localhost", "http://localhost/@me", "localhost"),
        (b"http:///@me", b"", "http:///@me", ""),
        (b"//me:hunter2@h/a", b"me:hun/ter2@h", "//h/a", "h"),
        (b"/fetch/https://me:hunter2@h/a", b"", "/fetch/https://h/a", ""),
        (b"*", b"localhost", "*", "localhost"),
    ],
)
def test_a_line_shows_no_query_no_fragment_and_no_password(
    target: bytes, host: bytes, path: str, shown: str
) -> None:
    made = exchange(target=target, host=host)

    line = json.loads(render_json(made))
    assert (path, shown) == (line["path"], line["host"])
    assert f" {path} " in render_text(made)


@pytest.mark.parametrize("render", [render_text, render_json], ids=["text", "json"])
def test_no_secret_of_a_request_is_in_a_line(render: type[str]) -> None:
    made = exchange(target=b"http://me:hunter2@localhost/a?k=hunter2", host=b"me:hunter2@localhost")

    assert SECRET not in render(made)


@given(st.binary(), st.binary(), st.binary(), st.text())
def test_nothing_that_a_client_sends_forges_a_line_or_steers_a_terminal(
    method: bytes, target: bytes, host: bytes, detail: str
) -> None:
    made = exchange(
        method=method, target=target, host=host, code=Code.BAD_REQUEST, detail=detail, status=400
    )

    for line in (render_text(made), render_json(made)):
        assert line.endswith("\n")
        assert line[:-1].isprintable()
    assert (detail or None) == json.loads(render_json(made)).get("detail")


async def test_lines_of_one_loop_iteration_are_written_at_once() -> None:
    sent = Sent()
    log = AccessLog(LogStream(sent), "text")
    log.exchange_ended(exchange())
    log.exchange_ended(exchange(status=404))
    assert [] == sent.pieces
    assert "0 lines left out]>>" in repr(log)

    await asyncio.sleep(0)
    assert [2] == [data.count(b"\n") for data in sent.pieces]

    log.exchange_ended(exchange())
    await asyncio.sleep(0)
    assert [2, 1] == [data.count(b"\n") for data in sent.pieces]


async def test_lines_are_json_when_asked_for() -> None:
    sent = Sent()
    log = AccessLog(LogStream(sent), "json")
    log.exchange_ended(exchange())
    await asyncio.sleep(0)

    assert "abc-7" == json.loads(sent.text)["request_id"]


async def test_a_line_that_still_waits_is_in_the_stream_when_the_program_ends() -> None:
    sent = Sent()
    stream = LogStream(sent)
    AccessLog(stream, "text").exchange_ended(exchange())
    stream.drain(0)

    assert 1 == sent.text.count("\n")


def asked(request: bytes, *, code: Code | None, client: str | None = "127.0.0.1") -> Exchange:
    """The exchange that `request` begins."""
    line, *fields = request.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = line.split(b" ")
    made = exchange(method=method, target=target, client=client, host=b"authproxy.invalid")
    made.code = code
    made.head.headers[:] = [parse_field(field) for field in fields]
    return made


async def test_health_checks_leave_no_line_and_others_of_that_name_do() -> None:
    sent = Sent()
    log = AccessLog(LogStream(sent), "text")
    for code in (Code.HOST_NOT_ALLOWED, Code.ADDRESS_NOT_ALLOWED):
        for client in ("127.0.0.1", "::1", None):
            log.exchange_ended(asked(REQUEST, code=code, client=client))
    await asyncio.sleep(0)
    assert "" == sent.text

    others = [
        REQUEST.replace(b"GET / ", b"GET /seen "),
        REQUEST.replace(b"GET / ", b"POST / "),
        REQUEST.replace(b"close", b"keep-alive"),
        REQUEST.replace(b"\r\nConnection: close", b""),
        REQUEST.replace(b"\r\nConn", b"\r\nAccept: */*\r\nConn"),
    ]
    for request in others:
        log.exchange_ended(asked(request, code=Code.HOST_NOT_ALLOWED))
    log.exchange_ended(asked(REQUEST, code=Code.HOST_NOT_ALLOWED, client="192.0.2.7"))
    log.exchange_ended(asked(REQUEST, code=Code.KEY_REQUIRED))
    log.exchange_ended(asked(REQUEST, code=None))
    await asyncio.sleep(0)
    assert len(others) + 3 == sent.text.count("\n")
