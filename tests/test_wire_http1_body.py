"""Bodies in both directions: told pieces, told ends, and what follows them."""

import pytest

from authproxy.wire.http1.body import ENDLESS, BodyReader
from authproxy.wire.http1.heads import HeadError

CHUNKS = b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"


def reader() -> BodyReader:
    return BodyReader(trailer_bytes=100, trailer_fields=2)


@pytest.mark.parametrize(("data", "chunked"), [(b"abcde", False), (CHUNKS, True)])
def test_a_body_is_the_same_however_it_is_split(data: bytes, chunked: bool) -> None:
    for cut in range(len(data) + 1):
        body, pieces = reader(), list[bytes]()
        body.begin(0 if chunked else 5, chunked=chunked)
        end = body.feed(data[:cut], pieces.append) if cut else 0
        assert data[:cut][end:] == b""
        if not body.is_over:
            more = b"before" + data[cut:] + b"next"
            rest = more[body.feed(more, pieces.append, len(b"before")) :]
            assert rest == b"next"

        assert body.is_over
        assert b"abcde" == b"".join(pieces)
        assert b"" not in pieces or not chunked
        assert ([b"x-sum"] if chunked else []) == [name for name, _, _ in body.trailers]


def test_good_chunks_are_handed_over_before_bad_ones_are_refused() -> None:
    body, pieces = reader(), list[bytes]()
    body.begin(0, chunked=True)

    with pytest.raises(HeadError, match="longer than it said"):
        body.feed(b"3\r\nabc\r\n2\r\ndeXX\r\n", pieces.append)
    assert [b"abc", b"de"] == pieces


def test_an_endless_body_ends_when_it_is_dropped() -> None:
    body, pieces = reader(), list[bytes]()
    body.begin(ENDLESS, chunked=False)
    body.feed(b"abc", pieces.append)
    assert (True, False) == (body.is_endless, body.is_over)
    body.drop()

    assert (False, True) == (body.is_endless, body.is_over)
    assert "<BodyReader [over]>" == repr(body)


def test_trailers_of_one_body_are_not_those_of_the_next() -> None:
    body = reader()
    body.begin(0, chunked=True)
    body.feed(CHUNKS, lambda _: None)
    body.begin(1, chunked=False)
    body.feed(b"x", lambda _: None)

    assert [] == body.trailers
