"""What MCP clients get in place of an answer."""

import json

import pytest

from authproxy.errors import Code, Refused, RefusedByGoogle
from authproxy.policy.mcp.forms import Form
from authproxy.policy.mcp.jsonrpc import RpcBody
from authproxy.wire.mcp_replies import Telling, fields_of, status_and_body

ERROR = RefusedByGoogle("Google said no.", status=401, hint="Sign in.")
KNOWN = RpcBody(ids=("7",))


@pytest.mark.parametrize(
    ("form", "asked", "status", "id_"),
    [
        (Form.CALL, KNOWN, 200, 7),
        (Form.CALL, RpcBody(), 401, None),
        (Form.LISTEN, RpcBody(), 503, None),
    ],
)
def test_the_status_is_one_whose_body_is_read(
    form: Form, asked: RpcBody, status: int, id_: object
) -> None:
    got, body = status_and_body(ERROR, Telling(form=form, asked=asked), "r-1")
    said = json.loads(body)

    assert (status, id_) == (got, said["id"])
    assert "Google said no. Sign in." == said["error"]["message"]


def test_there_is_no_oauth_server() -> None:
    got, body = status_and_body(ERROR, Telling(form=Form.DISCOVERY, asked=RpcBody()), "r-1")

    assert 404 == got
    assert {
        "error": "refused_by_google",
        "error_description": "Google said no. Sign in.",
        "message": "Google said no.",
        "hint": "Sign in.",
        "request_id": "r-1",
    } == json.loads(body)


def test_nobody_is_challenged() -> None:
    fields = {"WWW-Authenticate": "ApiKey", "Retry-After": "5"}
    error = Refused("No.", code=Code.KEY_REQUIRED, fields=fields)

    assert [("Retry-After", "5")] == fields_of(error)
