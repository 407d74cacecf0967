"""Our own answers, to gRPC and to everybody else."""

import hpack
import pytest

from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.wire.http2.framing.frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame
from authproxy.wire.http2.replies import render, render_end

ERROR = Refused("100 % no: schön.", code=Code.ADDRESS_NOT_ALLOWED, hint="Ask.")


MESSAGE = b"100 %25 no: sch%C3%B6n. Ask. (authproxy: address_not_allowed, request r-1)"


def head(method: bytes = b"GET", accept: bytes = b"*/*", kind: bytes = b"") -> RequestHead:
    fields = [make_field(b"accept", accept), make_field(b"content-type", kind)]
    return RequestHead(method, b"/", "2", fields)


GRPC = head(b"POST", kind=b"application/grpc")


def fields_of(frames: bytes) -> dict[bytes, bytes]:
    length = int.from_bytes(frames[:3], "big")
    return dict(hpack.Decoder().decode(frames[9 : 9 + length], raw=True))


def test_grpc_gets_status_and_message_in_one_block() -> None:
    frames, counted = render(ERROR, GRPC, "r-1", stream_id=5)

    assert frame(HEADERS, END_STREAM | END_HEADERS, 5, frames[9:]) == frames
    assert 0 == counted
    assert {
        b":status": b"200",
        b"content-type": b"application/grpc",
        b"grpc-status": b"7",
        b"grpc-message": MESSAGE,
        b"x-authproxy-error": b"address_not_allowed",
        b"cache-control": b"no-store",
    } == fields_of(frames)


def test_others_get_what_http_1_would_give_them() -> None:
    frames, counted = render(ERROR, head(accept=b"application/json"), "r-1", stream_id=5)
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
    frames, counted = render(ERROR, head(b"HEAD"), "r-1", stream_id=5)

    assert 0 == counted
    assert frame(HEADERS, END_STREAM | END_HEADERS, 5, frames[9:]) == frames


def test_a_page_of_an_allowed_origin_may_read_it() -> None:
    cors = b"Access-Control-Allow-Origin: http://a\r\nVary: Origin\r\n"
    fields = fields_of(render(ERROR, head(), "r-1", stream_id=5, cors=cors)[0])

    assert (b"http://a", b"Origin") == (fields[b"access-control-allow-origin"], fields[b"vary"])


def test_cut_off_call_of_grpc_ends_with_trailers() -> None:
    frames, counted = render_end(ERROR, GRPC, "r-1", stream_id=5, is_empty=False)

    assert frame(HEADERS, END_STREAM | END_HEADERS, 5, frames[9:]) == frames
    assert ({b"grpc-status": b"7", b"grpc-message": MESSAGE}, 0) == (fields_of(frames), counted)


@pytest.mark.parametrize(
    ("kind", "flag"), [(b"application/grpc-web", 0x80), (b"application/connect+json", 0x02)]
)
def test_cut_off_stream_ends_in_its_body_where_that_has_not_begun(kind: bytes, flag: int) -> None:
    call = head(b"POST", kind=kind)
    frames, counted = render_end(ERROR, call, "r-1", stream_id=5, is_empty=True)

    assert frame(DATA, END_STREAM, 5, frames[9:]) == frames
    assert (len(frames) - 9, flag) == (counted, frames[9])
    assert (b"", 0) == render_end(ERROR, call, "r-1", stream_id=5, is_empty=False)


def test_for_everybody_else_there_are_no_words() -> None:
    assert (b"", 0) == render_end(ERROR, head(), "r-1", stream_id=5, is_empty=True)
