"""Fields of answers: what may be in them."""

import pytest

from authproxy.policy.messages.http2.answer_validity import (
    BLANKS,
    NO_LENGTH,
    content_length,
    field_fault,
)

NAME = "the name of a field is not valid"
VALUE = "the value of a field is not valid"
PSEUDO = "a pseudo-header field that no answer has"


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        (b"server", b"x", ""),
        (b"x-empty", b"", ""),
        (b"x-tab", b"a\tb", ""),
        (b"x-latin", b"\xe9", ""),
        (b"te", b"trailers", ""),
        (b"te", b"gzip", "the field te, which is about HTTP/1.1's connection"),
        (b"connection", b"close", "the field connection, which is about HTTP/1.1's connection"),
        (b"upgrade", b"x", "the field upgrade, which is about HTTP/1.1's connection"),
        (b"Server", b"x", NAME),
        (b"", b"x", NAME),
        (b"a b", b"x", NAME),
        (b"a:b", b"x", NAME),
        (b"a\x7f", b"x", NAME),
        (b"a\xe9", b"x", NAME),
        (b"a\r\nb", b"x", NAME),
        (b"a", b"x\r\ny: z", VALUE),
        (b"a", b"\x00", VALUE),
        (b"a", b" x", BLANKS),
        (b"a", b"x\t", BLANKS),
        (b":status", b"200", ""),
        (b":status", b"099", "a :status that is not valid"),
        (b":status", b"20", "a :status that is not valid"),
        (b":status", b"2000", "a :status that is not valid"),
        (b":status", b"", "a :status that is not valid"),
        (b":path", b"/", PSEUDO),
        (b":", b"/", PSEUDO),
        (b":Status", b"200", PSEUDO),
        (b"content-length", b"12", ""),
        (b"content-length", b"1, 1", "a content-length that is not a number"),
        (b"content-length", b"+1", "a content-length that is not a number"),
        (b"content-length", b"1" * 19, "a content-length that is not a number"),
    ],
)
def test_each_field_is_judged_by_itself(name: bytes, value: bytes, fault: str) -> None:
    assert fault == field_fault(name, value)


def test_length_is_one_number_or_none() -> None:
    assert (NO_LENGTH, 0, 12) == (
        content_length([]),
        content_length([b"0"]),
        content_length([b"12"]),
    )


@pytest.mark.parametrize("values", [[b""], [b"-1"], [b"1", b"1"], [b"9" * 5000]])
def test_length_that_is_none(values: list[bytes]) -> None:
    with pytest.raises(ValueError, match="not a number, or repeated"):
        content_length(values)
