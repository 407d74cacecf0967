import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from authproxy.errors import Code
from authproxy.exchange import Exchange, make_field
from authproxy.observe.access_lines import (
    PLAIN,
    Severity,
    Style,
    find_agent,
    render_json,
    render_text,
    severity,
)
from authproxy.observe.trace_context import TraceContext
from tests.support.exchanges import exchange

SECRET = "hunter2"


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
        "protocol": "HTTP/1.1",
    }
    line = json.loads(render_json(exchange()))
    assert "GET" == line.pop("httpRequest")["requestMethod"]
    assert expected == line


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


STRING = {"type": "string"}
NUMBER = {"type": "number", "minimum": 0}
COUNT = {"type": "integer", "minimum": 0}
INT64 = {"type": "string", "pattern": r"^\d+$"}
LINE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["time", "severity", "message", "request_id", "status", "httpRequest"],
    "properties": {
        "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "severity": {"enum": ["INFO", "WARNING", "ERROR"]},
        **dict.fromkeys(("message", "request_id", "method", "host", "path"), STRING),
        "client": {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
        "status": {"type": "integer", "minimum": 0, "maximum": 999},
        **dict.fromkeys(("duration_ms", "first_byte_ms"), NUMBER),
        **dict.fromkeys(("bytes_from_client", "bytes_to_client", "attempts"), COUNT),
        **dict.fromkeys(("service", "principal", "key", "detail"), STRING),
        "error": {"enum": list(Code)},
        "aborted": {"enum": ["client", "service", "authproxy"]},
        "protocol": {"enum": ["HTTP/1.0", "HTTP/1.1", "HTTP/2", "tunnel"]},
        "grpc_status": COUNT,
        "sample": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "httpRequest": {
            "type": "object",
            "additionalProperties": False,
            "required": ["requestMethod", "requestUrl", "latency", "protocol"],
            "properties": {
                **dict.fromkeys(("requestMethod", "userAgent"), STRING),
                "requestUrl": {"type": "string", "pattern": r"^[^?#]*$"},
                "status": {"type": "integer", "minimum": 100, "maximum": 999},
                **dict.fromkeys(("requestSize", "responseSize"), INT64),
                "latency": {"type": "string", "pattern": r"^\d+\.\d{1,9}s$"},
                "remoteIp": {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
                "protocol": {"enum": ["HTTP/1.0", "HTTP/1.1", "HTTP/2"]},
            },
        },
        "logging.googleapis.com/trace": {
            "type": "string",
            "pattern": r"^(projects/[a-z0-9-]+/traces/)?[0-9a-f]{32}$",
        },
        "logging.googleapis.com/spanId": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "logging.googleapis.com/trace_sampled": {"type": "boolean"},
    },
}
"""What a line may have: Cloud Logging's `HttpRequest` and special fields, and our own."""

TRACE = TraceContext(
    "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True, is_w3c=True
)
AGENT = make_field(b"User-Agent", b'curl/8 "x" \x1b[31m')
EVERYTHING = Style(user_agent=True, trace_project="acme-prod", is_tls=True)


@pytest.mark.parametrize("style", [Style(), EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("trace", [None, TRACE, TRACE._replace(span_id="", sampled=None)])
@pytest.mark.parametrize(
    "made",
    [
        exchange(fields=(AGENT,)),
        exchange(client=None),
        exchange(client="2001:db8::1", version="1.0"),
        exchange(status=0, aborted="client"),
        exchange(status=101, fields=(AGENT,)),
        exchange(method=b"POST", version="2", grpc_status=14),
        exchange(status=421, service="", code=Code.HOST_NOT_ALLOWED, detail="Host: evil.example"),
        exchange(target=b"http://me:hunter2@localhost/a?k=hunter2", host=b"me:hunter2@localhost"),
        exchange(target=b"*", method=b"OPTIONS"),
        exchange(method=b"-", target=b"-", host=b"", status=400, code=Code.BAD_REQUEST),
        exchange(target=b"/a#access_token=hunter2"),
    ],
    ids=repr,
)
def test_every_json_line_keeps_to_the_schema(
    made: Exchange, trace: TraceContext | None, style: Style
) -> None:
    made.principal, made.key = "me@example.com", "ci"
    text = render_json(made, style, trace, 0.25)

    Draft202012Validator(LINE, format_checker=FormatChecker()).validate(json.loads(text))
    assert SECRET not in text


def http_request(made: Exchange, style: Style = PLAIN) -> dict[str, Any]:
    request = json.loads(render_json(made, style))["httpRequest"]
    assert isinstance(request, dict)
    return request


def test_a_json_line_has_what_cloud_logging_shows_of_a_request() -> None:
    made = exchange(fields=(make_field(b"User-Agent", b"curl/8"),))
    made.bytes_from_client = 7

    expected = {
        "requestMethod": "GET",
        "requestUrl": "http://localhost:8080/a/b",
        "requestSize": "7",
        "status": 200,
        "responseSize": "42",
        "latency": "0.012500s",
        "remoteIp": "127.0.0.1",
        "protocol": "HTTP/1.1",
    }
    assert expected == http_request(made)
    assert expected | {"userAgent": "curl/8"} == http_request(made, Style(user_agent=True))


def test_the_address_is_https_where_clients_speak_tls() -> None:
    style = Style(is_tls=True)

    assert "https://localhost:8080/a/b" == http_request(exchange(), style)["requestUrl"]
    assert "http://localhost:8080/a/b" == http_request(exchange(client=None), style)["requestUrl"]


@pytest.mark.parametrize(
    ("project", "trace", "expected"),
    [
        ("", TRACE, {"trace": TRACE.trace_id, "spanId": TRACE.span_id, "trace_sampled": True}),
        (
            "acme-prod",
            TRACE._replace(sampled=False),
            {
                "trace": f"projects/acme-prod/traces/{TRACE.trace_id}",
                "spanId": TRACE.span_id,
                "trace_sampled": False,
            },
        ),
        ("", TRACE._replace(span_id="", sampled=None), {"trace": TRACE.trace_id}),
    ],
    ids=["id alone", "with the project", "no span"],
)
def test_a_json_line_names_its_trace(
    project: str, trace: TraceContext, expected: dict[str, object]
) -> None:
    line = json.loads(render_json(exchange(), Style(trace_project=project), trace))

    prefix = "logging.googleapis.com/"
    assert expected == {
        name.removeprefix(prefix): value for name, value in line.items() if name.startswith(prefix)
    }


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (exchange(), "INFO"),
        (exchange(status=404), "INFO"),
        (exchange(aborted="client"), "INFO"),
        (exchange(grpc_status=0), "INFO"),
        (exchange(grpc_status=5), "INFO"),
        (exchange(status=421, code=Code.HOST_NOT_ALLOWED), "WARNING"),
        (exchange(aborted="authproxy", code=Code.SHUTTING_DOWN), "WARNING"),
        (exchange(grpc_status=14), "ERROR"),
        (exchange(status=500), "ERROR"),
        (exchange(status=503, code=Code.TOKEN_UNAVAILABLE), "ERROR"),
        (exchange(aborted="service", code=Code.UPSTREAM_BROKE), "ERROR"),
    ],
)
def test_a_line_is_as_severe_as_what_happened(made: Exchange, expected: Severity) -> None:
    assert expected == severity(made)


def test_a_text_line_has_the_agent_the_status_of_a_call_and_the_share() -> None:
    made = exchange(fields=(make_field(b"user-agent", b"curl/8"),), grpc_status=5)

    line = render_text(made, Style(user_agent=True), None, 0.25)
    assert line.endswith('42B grpc-status 5 -> billing "curl/8" (a share of 0.25 is logged)\n')


@given(st.binary())
def test_no_user_agent_forges_a_line_or_steers_a_terminal(agent: bytes) -> None:
    made = exchange(fields=((b"user-agent", agent, b""),))

    for render in (render_json, render_text):
        line = render(made, Style(user_agent=True))
        assert line[:-1].isprintable()
    assert find_agent(made) == http_request(made, Style(user_agent=True)).get("userAgent", "")


def test_a_long_user_agent_is_cut() -> None:
    assert 256 == len(find_agent(exchange(fields=(make_field(b"user-agent", b"x" * 5000),))))
