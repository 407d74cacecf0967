"""Our own answers to calls, as their protocols have them."""

import base64
import json
from urllib.parse import unquote

import pytest

from authproxy.errors import Code, CredentialError, Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.messages.rpc import Rpc
from authproxy.wire.rpc_replies import last_message, status_and_body, status_lines

ERROR = Refused("100 % no: schön", code=Code.ADDRESS_NOT_ALLOWED, hint="Ask.")
SAID = "100 % no: schön. Ask. (authproxy: address_not_allowed, request r-1)"
CONNECT_ERROR = {"code": "permission_denied", "message": SAID}


def asked_with(content_type: str) -> RequestHead:
    field = make_field(b"content-type", content_type.encode())
    return RequestHead(b"POST", b"/a.B/C", "2", [field])


def opened(data: bytes) -> tuple[int, bytes]:
    """Flags and message of the only envelope in `data`."""
    assert len(data) == 5 + int.from_bytes(data[1:5], "big")
    return data[0], data[5:]


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto"])
def test_grpc_has_status_and_message_in_the_head(kind: str) -> None:
    status, lines, body = status_and_body(ERROR, Rpc.GRPC, asked_with(kind), "r-1")

    assert (200, b"") == (status, body)
    assert [
        ("Content-Type", kind),
        ("grpc-status", "7"),
        ("grpc-message", SAID.replace("%", "%25").replace("ö", "%C3%B6")),
    ] == lines


@pytest.mark.parametrize(
    ("rpc", "asked", "kind"),
    [
        (Rpc.GRPC_WEB, "application/grpc-web+proto", "application/grpc-web+proto"),
        (Rpc.GRPC_WEB, "application/grpc-web-text", "application/grpc-web"),
        (Rpc.GRPC_WEB_TEXT, "application/grpc-web+proto", "application/grpc-web-text+proto"),
    ],
)
def test_grpc_web_has_them_in_the_last_frame_of_the_body(rpc: Rpc, asked: str, kind: str) -> None:
    status, lines, body = status_and_body(ERROR, rpc, asked_with(asked), "r-1")
    flags, trailers = opened(base64.b64decode(body) if rpc is Rpc.GRPC_WEB_TEXT else body)

    assert (200, [("Content-Type", kind)]) == (status, lines)
    assert (0x80, b"") == (flags, trailers.splitlines(keepends=True)[-1][-2:].strip())
    fields = dict(line.split(": ", 1) for line in trailers.decode().splitlines())
    assert {"grpc-status": "7", "grpc-message": fields["grpc-message"]} == fields
    assert SAID == unquote(fields["grpc-message"])


def test_connect_has_an_error_and_the_status_that_belongs_to_it() -> None:
    head = asked_with("application/proto")
    status, lines, body = status_and_body(CredentialError("No token"), Rpc.CONNECT, head, "r-1")

    assert (503, [("Content-Type", "application/json")]) == (status, lines)
    assert {
        "code": "unavailable",
        "message": "No token (authproxy: token_unavailable, request r-1)",
    } == json.loads(body)


def test_a_stream_of_connects_ends_with_the_error() -> None:
    head = asked_with("application/connect+json")
    status, lines, body = status_and_body(ERROR, Rpc.CONNECT_STREAM, head, "r-1")
    flags, message = opened(body)

    assert (200, [("Content-Type", "application/connect+json")]) == (status, lines)
    assert (0x02, {"error": CONNECT_ERROR}) == (flags, json.loads(message))


def test_what_a_client_says_about_its_messages_is_not_repeated_if_it_is_odd() -> None:
    lines = status_and_body(ERROR, Rpc.GRPC, asked_with("application/grpc+\x80"), "r-1")[1]

    assert ("Content-Type", "application/grpc") == lines[0]


@pytest.mark.parametrize("rpc", [Rpc.GRPC, Rpc.CONNECT])
def test_where_no_message_ends_a_body_there_is_none(rpc: Rpc) -> None:
    assert b"" == last_message(ERROR, rpc, "r-1")


def test_no_line_can_be_added_to_the_trailers() -> None:
    error = Refused("a\r\ngrpc-status: 0", code=Code.BAD_REQUEST)

    assert (
        "a%0D%0Agrpc-status: 0 (authproxy: bad_request, request r)"
        == status_lines(error, "r")[1][1]
    )
