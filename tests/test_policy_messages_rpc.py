"""Which protocol for calls a request speaks, and what an error is called in it."""

import pytest

from authproxy.errors import (
    STATUS_OF,
    AuthProxyError,
    Code,
    CredentialError,
    RefusedByGoogle,
    UpstreamError,
)
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.messages.rpc import (
    Rpc,
    connect_code,
    find_rpc,
    grpc_status,
    media_type,
    read_status,
)


def post(
    content_type: bytes = b"", *fields: tuple[bytes, bytes], method: bytes = b"POST"
) -> RequestHead:
    first = [(b"Content-Type", content_type)] if content_type else []
    return RequestHead(method, b"/", "1.1", [make_field(*field) for field in (*first, *fields)])


VERSION = (b"Connect-Protocol-Version", b"1")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (post(b"application/grpc"), Rpc.GRPC),
        (post(b"application/grpc+proto"), Rpc.GRPC),
        (post(b"Application/GRPC; charset=utf-8"), Rpc.GRPC),
        (post(b"application/grpc+json ;x=y"), Rpc.GRPC),
        (post(b"application/grpc-web"), Rpc.GRPC_WEB),
        (post(b"application/grpc-web+proto"), Rpc.GRPC_WEB),
        (post(b"application/grpc-web-text"), Rpc.GRPC_WEB_TEXT),
        (post(b"application/grpc-web-text+proto"), Rpc.GRPC_WEB_TEXT),
        (
            post(b"application/grpc-web+proto", (b"Accept", b"application/grpc-web-text")),
            Rpc.GRPC_WEB_TEXT,
        ),
        (
            post(b"application/grpc-web-text", (b"Accept", b"a/b, Application/Grpc-Web+proto;q=1")),
            Rpc.GRPC_WEB,
        ),
        (post(b"application/grpc-web-text", (b"Accept", b"*/*")), Rpc.GRPC_WEB_TEXT),
        (post(b"application/connect+json"), Rpc.CONNECT_STREAM),
        (post(b"application/connect+proto", VERSION), Rpc.CONNECT_STREAM),
        (post(b"application/json", VERSION), Rpc.CONNECT),
        (post(b"application/proto", VERSION), Rpc.CONNECT),
        (RequestHead(b"GET", b"/a.B/C?connect=v1&encoding=json", "1.1", []), Rpc.CONNECT),
        (RequestHead(b"GET", b"/a.B/C?encoding=json&connect=v1", "2", []), Rpc.CONNECT),
        (RequestHead(b"GET", b"/a.B/C?connect=v2", "1.1", []), None),
        (RequestHead(b"GET", b"/a.B/C?disconnect=v1", "1.1", []), None),
        (RequestHead(b"GET", b"/connect=v1", "1.1", []), None),
        (post(b"application/json"), None),
        (post(b"application/json", (VERSION[0], b"2")), None),
        (post(b"text/plain", VERSION), None),
        (post(b"application/grpcish"), None),
        (post(b"application/grpc-webby"), None),
        (post(), None),
        (post(b"application/grpc", method=b"HEAD"), None),
        (post(b"application/grpc", method=b"OPTIONS"), None),
    ],
)
def test_the_protocol_of_a_call_is_told_by_its_head(head: RequestHead, expected: Rpc) -> None:
    assert expected == find_rpc(head)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"0", 0), (b"16", 16), (b"", None), (b"-1", None), (b"OK", None), (b"1" * 5000, None)],
)
def test_a_status_is_a_small_number(value: bytes, expected: int | None) -> None:
    assert expected == read_status(value)


def test_media_type_has_neither_parameters_nor_capitals() -> None:
    assert b"application/grpc+proto" == media_type(post(b"Application/GRPC+proto ; a=b"))
    assert b"" == media_type(post())


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_status_of_grpc_and_a_code_of_connect(code: Code) -> None:
    error = AuthProxyError("No.", code=code)
    is_error = STATUS_OF[code] >= 300  # the others are none

    assert (grpc_status(error) != 2) == is_error
    assert (connect_code(error)[0] != "unknown") == is_error


@pytest.mark.parametrize(
    ("status", "grpc", "connect"),
    [
        # https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
        (400, 13, ("internal", 500)),
        (401, 16, ("unauthenticated", 401)),
        (403, 7, ("permission_denied", 403)),
        (404, 12, ("unimplemented", 501)),
        (413, 2, ("unknown", 500)),
        (429, 14, ("unavailable", 503)),
        (500, 2, ("unknown", 500)),
        (502, 14, ("unavailable", 503)),
        (503, 14, ("unavailable", 503)),
        (504, 14, ("unavailable", 503)),
    ],
)
def test_a_page_of_googles_is_to_a_call_what_its_client_would_have_made_of_it(
    status: int, grpc: int, connect: tuple[str, int]
) -> None:
    error = RefusedByGoogle("No.", status=status)

    assert (grpc, connect) == (grpc_status(error), connect_code(error))


def test_credentials_that_only_a_human_can_mend_are_no_passing_trouble() -> None:
    assert 14 == grpc_status(CredentialError("Later."))
    assert 16 == grpc_status(CredentialError("Never.", permanent=True))


def test_who_is_sent_to_sign_in_is_not_authenticated() -> None:
    error = UpstreamError("Sign in.", code=Code.SIGN_IN_REDIRECT, sent=True)

    assert (16, ("unauthenticated", 401)) == (grpc_status(error), connect_code(error))
