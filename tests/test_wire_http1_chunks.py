"""The chunked coding taken off, whatever pieces it comes in."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.wire.http1.chunks import MAX_LINE, Chunks
from authproxy.wire.http1.heads import HeadError


def chunks(trailer_bytes: int = 100, trailer_fields: int = 3) -> Chunks:
    return Chunks(trailer_bytes=trailer_bytes, trailer_fields=trailer_fields)


BODY = b'3;a="b";c\r\nabc\r\n00A \t;x\r\n0123456789\r\n0\r\nX-Sum: 1\r\ny:2\r\n\r\nNEXT'


@given(cuts=st.sets(st.integers(1, len(BODY) - 5), max_size=12))
def test_a_body_may_come_in_any_pieces(cuts: set[int]) -> None:
    decoder = chunks()
    edges = [0, *sorted(cuts), len(BODY)]
    rest = b""
    for begin, end in itertools.pairwise(edges):
        assert not decoder.is_over
        piece = b"before" + BODY[begin:end]
        rest = piece[decoder.feed(piece, len(b"before")) :]

    assert (b"abc0123456789", b"NEXT") == (b"".join(decoder.pieces), rest)
    assert [(b"x-sum", b"1", b"X-Sum: 1"), (b"y", b"2", b"y:2")] == decoder.trailers
    assert "<Chunks [over]>" == repr(decoder)


def test_a_piece_that_is_all_data_is_not_copied() -> None:
    decoder, data = chunks(), bytes(1000)
    decoder.feed(b"2000\r\n")
    decoder.feed(data)

    assert data is decoder.pieces[0]
    assert "<Chunks [7192 bytes left]>" == repr(decoder)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\r\n", "does not begin with its size"),
        (b"zz\r\n", "does not begin with its size"),
        (b"-1\r\n", "does not begin with its size"),
        (b"+1\r\n", "does not begin with its size"),
        (b"0x1\r\n", "does not begin with its size"),
        (b" 1\r\n", "does not begin with its size"),
        (b"1 \r\n", "does not begin with its size"),
        (b"1_0\r\n", "does not begin with its size"),
        (b"1;a\0\r\n", "does not begin with its size"),
        (b"1;a\rb\r\n", "does not begin with its size"),
        (b"f" * 16 + b"\r\n", "does not begin with its size"),
        (b"1;" + b"a" * MAX_LINE + b"\r\n", "its extensions are too long"),
        (b"1;" + b"a" * MAX_LINE, "its extensions are too long"),
        (b"1\nab", "does not end with CR LF"),
        (b"1\ra", "does not end with CR LF"),
        (b"1\r\nab\r\n", "longer than it said"),
        (b"1\r\nabcd", "longer than it said"),
        (b"1\r\na\n\n", "longer than it said"),
        (b"0\r\nX : 1\r\n", "a space before the colon"),
        (b"0\r\n X: 1\r\n", "folded"),
        (b"0\r\nX: 1\n\n", "does not end with CR LF"),
        (b"0\r\nX: " + b"a" * 100 + b"\r\n", "the trailers are too large"),
        (b"0\r\nX: " + b"a" * 100, "the trailers are too large"),
        (b"0\r\n" + b"X: 1\r\n" * 4, "the trailers are too large"),
    ],
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_what_could_be_read_otherwise_is_no_chunk(body: bytes, reason: str, step: int) -> None:
    decoder = chunks()

    def feed() -> None:
        for at in range(0, len(body), step):
            decoder.feed(body[at : at + step])

    with pytest.raises(HeadError) as raised:
        feed()
    # What is first seen to be wrong may differ when it comes byte by byte.
    assert step == 1 or reason in str(raised.value)
