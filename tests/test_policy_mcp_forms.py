"""Which requests are an MCP client's."""

import pytest

from authproxy.errors import AuthProxyError, Code, Refused, UpstreamError
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.mcp.forms import Form, find_form, is_told, may_batch

BOTH = "application/json, text/event-stream"


def asked(method: str, target: str = "/mcp", **fields: str) -> RequestHead:
    pairs = ((name.replace("_", "-"), value) for name, value in fields.items())
    headers = [make_field(name.encode(), value.encode()) for name, value in pairs]
    return RequestHead(method.encode(), target.encode(), "1.1", headers)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (asked("POST", accept=BOTH), Form.CALL),
        (asked("POST", accept="text/event-stream,application/json;q=0.9, */*"), Form.CALL),
        (asked("POST", accept=BOTH.upper()), Form.CALL),
        (asked("POST", accept=f"{BOTH}, {'x/' + 'y' * 300}"), Form.CALL),
        (asked("POST", "/register", accept=BOTH), Form.CALL),
        (asked("POST", accept="application/json"), None),
        (asked("POST", accept="text/event-stream"), None),
        (asked("POST", accept="*/*"), None),
        (asked("POST", accept=f"{BOTH}, text/html"), None),
        (asked("POST", accept="application/json;q=0, text/event-stream"), None),
        (asked("POST", accept="application/json;Q=0.000, text/event-stream"), None),
        (asked("POST", accept="application/jsonx, text/event-stream"), None),
        (asked("POST"), None),
        (asked("PUT", accept=BOTH), None),
        (asked("GET", accept="text/event-stream"), Form.LISTEN),
        (asked("GET", accept=BOTH), Form.LISTEN),
        (asked("GET", accept="text/event-stream, text/html"), None),
        (asked("GET", accept="application/json"), None),
        (asked("DELETE", accept=BOTH), None),
        (asked("GET", "/.well-known/oauth-protected-resource/mcp"), Form.DISCOVERY),
        (asked("HEAD", "/.well-known/openid-configuration"), Form.DISCOVERY),
        (asked("GET", "/a/.well-known/oauth-authorization-server?b"), Form.DISCOVERY),
        (asked("GET", "/.well-known/openid-configuration", accept="text/html"), None),
        (asked("PUT", "/.well-known/openid-configuration"), None),
        (asked("GET", "/.well-known/openid"), None),
        (asked("GET", "/.well-known/"), None),
        (asked("GET", "/.well-known"), None),
        (asked("GET", "/?/.well-known/oauth-x"), None),
        (asked("POST", "/register?a=b"), Form.DISCOVERY),
        (asked("POST", "/register/"), None),
        (asked("GET", "/register"), None),
    ],
)
def test_a_form_is_told_by_the_head(head: RequestHead, expected: Form | None) -> None:
    assert expected is find_form(head)


def refused(code: Code, *, let_in: bool = False) -> AuthProxyError:
    return Refused("No.", code=code, let_in=let_in)


@pytest.mark.parametrize(
    ("error", "is_admitted", "expected"),
    [
        (UpstreamError("No.", code=Code.UPSTREAM_BROKE, sent=True), True, True),
        (UpstreamError("No.", code=Code.UPSTREAM_TIMEOUT, sent=True), False, False),
        (refused(Code.TOO_MANY_REQUESTS, let_in=True), False, True),
        (refused(Code.TOO_MANY_REQUESTS), False, False),
        (refused(Code.ADDRESS_NOT_ALLOWED), False, False),
        (refused(Code.KEY_REQUIRED), False, False),
        (refused(Code.CROSS_SITE), False, False),
        (refused(Code.METHOD_NOT_ALLOWED), False, False),
        (refused(Code.BAD_REQUEST), True, False),
        (refused(Code.ANOTHER_SERVICE, let_in=True), True, False),
        (refused(Code.START_PAGE), True, False),
    ],
)
def test_who_was_let_in_is_told(error: AuthProxyError, is_admitted: bool, expected: bool) -> None:
    call, listening = asked("POST", accept=BOTH), asked("GET", accept="text/event-stream")

    for form, head in ((Form.CALL, call), (Form.LISTEN, listening)):
        assert expected == is_told(error, form, head, is_admitted=is_admitted)


@pytest.mark.parametrize("code", [Code.KEY_REQUIRED, Code.CROSS_SITE, Code.NO_ROUTE])
def test_that_there_is_no_oauth_server_everybody_may_know(code: Code) -> None:
    head = asked("GET", "/.well-known/openid-configuration", origin="http://a.example")

    assert is_told(refused(code), Form.DISCOVERY, head, is_admitted=False)


@pytest.mark.parametrize("field", ["origin", "sec_fetch_site"])
def test_a_page_of_nobody_knows_whom_is_not_let_in_by_a_path_that_leads_nowhere(field: str) -> None:
    error = refused(Code.NO_ROUTE, let_in=True)

    assert is_told(error, Form.CALL, asked("POST", accept=BOTH), is_admitted=False)
    assert not is_told(
        error, Form.CALL, asked("POST", accept=BOTH, **{field: "x"}), is_admitted=False
    )


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (asked("POST"), True),
        (asked("POST", mcp_protocol_version="2025-03-26"), True),
        (asked("POST", mcp_protocol_version="2025-06-18"), False),
        (asked("POST", mcp_protocol_version="2026-07-28"), False),
    ],
)
def test_one_version_has_batches(head: RequestHead, expected: bool) -> None:
    assert expected == may_batch(head)
