"""Our own answers, to gRPC and to everybody else."""

import hpack
import pytest

from authproxy.errors import STATUS_OF, AuthProxyError, Code, CredentialError, Refused
from authproxy.exchange import RequestHead
from authproxy.wire.http2.frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame
from authproxy.wire.http2.replies import grpc_status, render

ERROR = Refused("100 % no: schön.", code=Code.ADDRESS_NOT_ALLOWED, hint="Ask.")


def head(method: bytes = b"GET", accept: bytes = b"*/*") -> RequestHead:
    return RequestHead(method, b"/", "2", [(b"accept", accept, b"accept: " + accept)])


def fields_of(frames: bytes) -> dict[bytes, bytes]:
    length = int.from_bytes(frames[:3], "big")
    return dict(hpack.Decoder().decode(frames[9 : 9 + length], raw=True))


def test_grpc_gets_status_and_message_in_one_block() -> None:
    frames, counted = render(ERROR, head(), "r-1", stream_id=5, is_grpc=True)

    assert frame(HEADERS, END_STREAM | END_HEADERS, 5, frames[9:]) == frames
    assert 0 == counted
    assert {
        b":status": b"200",
        b"content-type": b"application/grpc",
        b"grpc-status": b"7",
        b"grpc-message": b"100 %25 no: sch%C3%B6n. Ask."
        b" (authproxy: address_not_allowed, request r-1)",
        b"x-authproxy-error": b"address_not_allowed",
    } == fields_of(frames)


def test_others_get_what_http_1_would_give_them() -> None:
    frames, counted = render(
        ERROR, head(accept=b"application/json"), "r-1", stream_id=5, is_grpc=False
    )
    body = (
        b'{"error": "address_not_allowed", "message": "100 % no: sch\\u00f6n.", "hint": "Ask.",'
        b' "request_id": "r-1"}\n'
    )

    assert frames.endswith(frame(DATA, END_STREAM, 5, body))
    assert len(body) == counted
    assert {
        b":status": b"403",
        b"content-type": b"application/json",
        b"content-length": str(len(body)).encode(),
        b"x-authproxy-error": b"address_not_allowed",
        b"cache-control": b"no-store",
    } == fields_of(frames)


def test_answer_to_head_has_no_body() -> None:
    frames, counted = render(ERROR, head(b"HEAD"), "r-1", stream_id=5, is_grpc=False)

    assert 0 == counted
    assert frame(HEADERS, END_STREAM | END_HEADERS, 5, frames[9:]) == frames


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_status_of_grpc(code: Code) -> None:
    error = AuthProxyError("No.", code=code)

    assert (2 == grpc_status(error)) == (STATUS_OF[code] < 300)  # which is no error


def test_credentials_that_only_a_human_can_mend_are_no_passing_trouble() -> None:
    assert 14 == grpc_status(CredentialError("Later."))
    assert 16 == grpc_status(CredentialError("Never.", permanent=True))
