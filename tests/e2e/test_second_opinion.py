"""What our own parsers accept, llhttp accepts, and reads in the same way.

The other way round is not asked: ours may be stricter. Both must agree with each other all the same
on what the known attacks of tests/support/corpus.py are.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.corpus import ANSWERS, REQUESTS
from tests.support.second_opinion import doubt_answer, doubt_chunks, doubt_request

LAX = settings(deadline=None, max_examples=500)
ODD = st.sampled_from(
    [b"", b"\r\n", b"\n", b"\r", b"\0", b"\x0b", b"\x7f", b"\x80", b"\xff", b" ", b"\t", b":", b";"]
)
LINES = st.sampled_from(
    sorted({line for text in (*REQUESTS, *ANSWERS) for line in text.split(b"\r\n") if line})
)
NUMBERS = st.sampled_from([b"0", b"2", b"02", b"-2", b"+2", b"0x2", b"f" * 15, b"f" * 16, b"2 "])


def spoilt(data: bytes) -> st.SearchStrategy[bytes]:
    """`data` with up to four bytes somewhere replaced."""
    return st.builds(
        lambda at, size, new: data[:at] + new + data[at + size :],
        st.integers(0, len(data)),
        st.integers(0, 4),
        st.one_of(ODD, st.binary(max_size=3)),
    )


HEADS = st.lists(LINES, min_size=1, max_size=5).map(lambda lines: b"\r\n".join([*lines, b"", b""]))
CHUNKS = st.lists(
    st.one_of(NUMBERS, ODD, st.sampled_from([b"2\r\nab\r\n", b"0\r\n\r\n", b"X: y\r\n", b"ab"])),
    max_size=8,
).map(b"".join)


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_llhttp_accepts_the_known_requests_that_we_accept(request_: bytes) -> None:
    assert "" == doubt_request(request_)


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_llhttp_accepts_the_known_answers_that_we_accept(answer: bytes) -> None:
    assert "" == doubt_answer(answer)


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_llhttp_accepts_the_known_chunks_that_we_accept(request_: bytes) -> None:
    assert "" == doubt_chunks(request_.partition(b"\r\n\r\n")[2])


@LAX
@given(data=st.one_of(HEADS, HEADS.flatmap(spoilt), st.sampled_from(REQUESTS).flatmap(spoilt)))
def test_llhttp_accepts_every_request_that_we_accept(data: bytes) -> None:
    assert "" == doubt_request(data)


@LAX
@given(data=st.one_of(HEADS, HEADS.flatmap(spoilt), st.sampled_from(ANSWERS).flatmap(spoilt)))
def test_llhttp_accepts_every_answer_that_we_accept(data: bytes) -> None:
    assert "" == doubt_answer(data)


@LAX
@given(data=st.one_of(CHUNKS, CHUNKS.flatmap(spoilt)))
def test_llhttp_accepts_every_chunk_that_we_accept(data: bytes) -> None:
    assert "" == doubt_chunks(data)
