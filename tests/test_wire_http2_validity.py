"""What makes frames a valid message; `tests/e2e/test_rfc9113.py` plays the same to a proxy."""

import pytest

from authproxy.exchange import Exchange, RequestHead, make_field
from authproxy.policy.messages.http2.answer_validity import BLANKS, NO_LENGTH
from authproxy.wire.http2.framing.frames import END_STREAM
from authproxy.wire.http2.headers.blocks import plain_field
from authproxy.wire.http2.headers.response_blocks import ResponseBlock, ResponseBlockReader
from authproxy.wire.http2.streams import Stream
from authproxy.wire.http2.validity import answer_length, length_fault, misplaced


def parsed(*fields: tuple[bytes, bytes]) -> ResponseBlock:
    return ResponseBlockReader().read(b"".join(plain_field(*field) for field in fields))


def stream(*, method: bytes = b"GET", status: int = 0, content_type: bytes = b"") -> Stream:
    fields = [make_field(b"content-type", content_type)]
    made = Stream(Exchange("a", 1, None, RequestHead(method, b"/", "2", fields)), client_ended=True)
    made.exchange.status = status
    return made


@pytest.mark.parametrize(
    ("got", "wanted", "is_last", "fault"),
    [
        (0, NO_LENGTH, True, ""),
        (9, NO_LENGTH, False, ""),
        (1, 3, False, ""),
        (3, 3, True, ""),
        (4, 3, False, "more content than its content-length says"),
        (2, 3, True, "less content than its content-length says"),
    ],
)
def test_content_is_as_long_as_was_said(got: int, wanted: int, is_last: bool, fault: str) -> None:
    assert fault == length_fault(got, wanted, is_last=is_last)


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [(b"GET", b"200", 5), (b"HEAD", b"200", 0), (b"GET", b"204", 0), (b"GET", b"304", 0)],
)
def test_some_answers_have_no_content_whatever_they_say(
    method: bytes, status: bytes, length: int
) -> None:
    found = parsed((b":status", status), (b"content-length", b"5"))

    assert length == answer_length(found, method)


@pytest.mark.parametrize(
    ("fields", "flags", "status", "fault"),
    [
        ([(b":status", b"200")], 0, 0, ""),
        ([(b":status", b"103")], 0, 0, ""),
        ([(b":status", b"103")], END_STREAM, 0, "an interim answer that ends the call"),
        ([(b":status", b"101")], 0, 0, "the status 101, which HTTP/2 does not have"),
        ([(b"a", b"b")], END_STREAM, 0, "a head without :status"),
        ([(b"a", b"b")], END_STREAM, 200, ""),
        ([(b"a", b"b")], 0, 200, "trailers that do not end the answer"),
        ([(b":status", b"200")], END_STREAM, 200, "a second head, or a :status in trailers"),
    ],
)
def test_blocks_stand_where_they_belong(
    fields: list[tuple[bytes, bytes]], flags: int, status: int, fault: str
) -> None:
    assert fault == misplaced(parsed(*fields), flags, stream(status=status))


@pytest.mark.parametrize(
    ("content_type", "fault"),
    [(b"application/grpc+proto", ""), (b"application/json", BLANKS), (b"", BLANKS)],
)
def test_blanks_pass_for_grpc_only(content_type: bytes, fault: str) -> None:
    found = parsed((b":status", b"200"), (b"a", b"b "))

    assert fault == misplaced(found, 0, stream(content_type=content_type))
