import json

import pytest

from authproxy.errors import ConfigError, Problem, StartError
from authproxy.mcp.failures import (
    Broken,
    Failed,
    SessionLost,
    by_configuration,
    explain,
    lost_answer,
    not_mcp,
)

HERE = "https://service.example/mcp"
OWN = {"code": -32602, "message": "Invalid params"}
UNKNOWN = {"code": -32601, "message": "Method not found"}
NO_SESSION = {"code": -32000, "message": "Bad Request: No valid session ID provided"}


def rpc(error: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()


def ours(code: str) -> bytes:
    said = {"error": code, "message": "There is no token.", "hint": "Run: gcloud auth login"}
    return json.dumps(said).encode()


HINT = {"X-Authproxy-Hint": "Run: gcloud run services add-iam-policy-binding x"}

TABLE = [
    (
        503,
        {"X-Authproxy-Error": "token_unavailable"},
        ours("token_unavailable"),
        "There is no token. Run: gcloud auth login",
    ),
    (502, {"X-Authproxy-Error": "odd"}, b"<html>", "authproxy refused the request: odd"),
    (
        403,
        HINT,
        b"<html>",
        f"Google refused the request to {HERE} with 403. {HINT['X-Authproxy-Hint']}",
    ),
    (
        401,
        HINT,
        b"<html>",
        f"Google refused the request to {HERE} with 401. {HINT['X-Authproxy-Hint']}",
    ),
    (
        401,
        {},
        b"",
        f"The MCP server at {HERE} asks for a sign-in of its own (401). authproxy signs in"
        " at Google only.",
    ),
    (
        404,
        {},
        b"<html>",
        f"There is no MCP server at {HERE} (404). Is the path right? Most servers have it at /mcp.",
    ),
    (
        302,
        {"Location": "https://accounts.google.com/o?secret=1"},
        b"",
        f"{HERE} redirects with 302 to https://accounts.google.com/o, where no MCP server can be"
        " expected. Is that a page to sign in? The service may be behind a sign-in of its own.",
    ),
    (500, {}, b"  Internal\n error ", f"{HERE} answered with 500: Internal error"),
    (500, {}, b"x" * 1000, f"{HERE} answered with 500: {'x' * 300}…"),
    (500, {}, b"", f"{HERE} answered with 500"),
]  # fmt: skip -- a row each


@pytest.mark.parametrize(("status", "fields", "body", "message"), TABLE)
def test_what_is_no_answer_becomes_a_sentence_for_people(
    status: int, fields: dict[str, str], body: bytes, message: str
) -> None:
    failed = explain(status, fields, body, address=HERE)

    assert (-32000, message) == (failed.error["code"], failed.error["message"])


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("in_session", [False, True])
def test_the_servers_own_error_passes_with_all_that_is_in_it(status: int, in_session: bool) -> None:
    error = {**UNKNOWN, "data": {"a": [1]}, "more": True}

    assert error == explain(status, {}, rpc(error), address=HERE, in_session=in_session).error


@pytest.mark.parametrize(
    ("status", "body", "is_lost"),
    [
        (404, b"", True),
        (404, rpc({"code": -32600, "message": "Session not found"}), True),
        (404, rpc(UNKNOWN), False),
        (400, rpc(NO_SESSION), True),
        (400, rpc(OWN), False),
        (400, b"Bad session", False),
        (500, rpc(NO_SESSION), False),
    ],
)
def test_a_session_is_lost_when_the_server_does_not_know_it(
    status: int, body: bytes, is_lost: bool
) -> None:
    failed = explain(status, {}, body, address=HERE, in_session=True)

    assert is_lost == isinstance(failed, SessionLost)
    assert not isinstance(explain(status, {}, body, address=HERE), SessionLost)


def test_googles_404_loses_no_session() -> None:
    assert not isinstance(explain(404, HINT, b"", address=HERE, in_session=True), SessionLost)


@pytest.mark.parametrize(
    ("status", "may_be"), [(400, True), (404, True), (405, True), (500, False)]
)
def test_a_server_of_the_old_transport_is_suspected_by_its_status(
    status: int, may_be: bool
) -> None:
    assert may_be == explain(status, {}, b"", address=HERE).may_be_older
    assert not explain(status, HINT, b"", address=HERE).may_be_older


def test_the_code_is_there_for_programs() -> None:
    fields = {"X-Authproxy-Error": "token_unavailable"}
    error = explain(503, fields, ours("token_unavailable"), address=HERE).error

    assert {"authproxy": "token_unavailable"} == error["data"]


def test_what_authproxy_says_in_json_rpc_is_taken_as_it_is() -> None:
    fields = {"X-Authproxy-Error": "upstream_broke"}
    error = {"code": -32000, "message": "It broke.", "data": {"a": 1}}
    failed = explain(200, fields, rpc(error), address=HERE, in_session=True)

    assert (Broken, error) == (type(failed), failed.error)


def test_a_service_that_broke_off_may_have_seen_the_request() -> None:
    broke = {"X-Authproxy-Error": "upstream_broke"}

    assert isinstance(explain(502, broke, ours("upstream_broke"), address=HERE), Broken)
    assert "may have done" in str(lost_answer("It ended"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ConfigError([Problem(where="a.toml:1", key="url", message="is no URL")]),
            "authproxy cannot start: a.toml:1: url: is no URL. After a change to how the client"
            " starts it, have the client start it again.",
        ),
        (StartError("no", hint="Do it."), "authproxy cannot start: no. Do it."),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said(error: Exception, message: str) -> None:
    assert message == by_configuration(error).error["message"]


def test_a_page_is_no_message() -> None:
    failed: Failed = not_mcp(HERE, "text/html", b"<h1>Hello</h1>")

    assert str(failed).startswith(
        f"{HERE} does not answer as an MCP server, but with text/html: <h1>"
    )
    assert "with nothing. Is the path" in str(not_mcp(HERE, "", b""))
