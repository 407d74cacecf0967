"""No answer but a yes may look like one, whatever the client speaks."""

import pytest

from authproxy.authorizer.answers import as_refusal, failed, refusal_answer
from authproxy.errors import AuthProxyError, Code, Refused, StartPage
from authproxy.exchange import RequestHead, make_field

SPOKEN = {
    "gRPC": [("Content-Type", "application/grpc"), ("TE", "trailers")],
    "gRPC-Web": [("Content-Type", "application/grpc-web+proto")],
    "Connect": [("Content-Type", "application/connect+json")],
    "MCP": [
        ("Accept", "application/json, text/event-stream"),
        ("Content-Type", "application/json"),
    ],
    "a browser": [("Accept", "text/html")],
    "nothing": [],
}


@pytest.mark.parametrize("spoken", SPOKEN)
@pytest.mark.parametrize("code", Code)
def test_no_refusal_has_a_status_that_lets_the_request_pass(code: Code, spoken: str) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in SPOKEN[spoken]]
    head = RequestHead(b"POST", b"/pkg.Service/Call", "1.1", [make_field(*pair) for pair in pairs])

    made = refusal_answer(Refused("No.", code=code), head, "id-1")

    assert made.status >= 400
    assert b"id-1" in made.body


def test_what_is_no_refusal_says_what_to_do_instead() -> None:
    preflight = as_refusal(Refused("Allowed.", code=Code.PREFLIGHT, fields={"X": "y"}))
    page = as_refusal(StartPage("Here.", code=Code.START_PAGE, links=[("a", "http://a")]))

    assert (403, {}) == (preflight.status, preflight.fields)
    assert "proxy in front answer OPTIONS" in preflight.hint
    assert 404 == page.status


def test_a_fault_of_its_own_lets_nothing_pass() -> None:
    error: AuthProxyError = failed()

    assert 403 == refusal_answer(error, None, "none").status
