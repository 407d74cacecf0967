"""Answers' header blocks, compared with what a full decoder makes of them."""

import contextlib

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.wire.http2.framing.frames import ConnectionFault
from authproxy.wire.http2.headers.response_blocks import ResponseBlockReader

NAMES = st.sampled_from([b"server", b"date", b"x-long-name", b"etag", b"set-cookie"])
VALUES = st.one_of(st.binary(max_size=20), st.just(b"v" * 3000), st.just(b"w" * 5000))
FIELDS = st.lists(st.tuples(NAMES, VALUES, st.booleans()), max_size=6)
BLOCKS = st.lists(
    st.tuples(FIELDS, st.booleans(), st.sampled_from([None, 0, 100, 4096])), max_size=8
)
MAX = 10**6


@given(BLOCKS, st.booleans())
def test_reads_what_a_full_decoder_reads(
    blocks: list[tuple[list[tuple[bytes, bytes, bool]], bool, int | None]], twice: bool
) -> None:
    encoder, decoder, reader = hpack.Encoder(), hpack.Decoder(), ResponseBlockReader()
    for fields, huffman, size in blocks:
        if size is not None and size != encoder.header_table_size:
            encoder.header_table_size = size
        answer = [(b":status", b"200", False), *fields]
        for _ in range(1 + twice):
            block = encoder.encode(answer, huffman=huffman)
            parsed = reader.read(block)
            expected = [tuple(field) for field in decoder.decode(block, raw=True)]

            assert expected == parsed.fields(max_bytes=MAX)
            assert 200 == parsed.status


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_arbitrary_bytes_are_fields_or_a_fault(blocks: list[bytes]) -> None:
    reader = ResponseBlockReader()
    with contextlib.suppress(ConnectionFault):
        for block in blocks:
            parsed = reader.read(block)
            assert parsed.status in range(1000)
            parsed.fields(max_bytes=MAX)


def test_block_that_adds_to_the_table_is_known_again_and_adds_again() -> None:
    reader = ResponseBlockReader()
    block = b"\x88" + b"\x40\x01a\x01b"
    first = reader.read(block)

    assert first is reader.read(block)
    assert [(b"a", b"b")] * 2 == reader.read(b"\xbe\xbf").fields(max_bytes=MAX)
    with pytest.raises(ConnectionFault):
        reader.read(b"\xc0")


def test_block_that_refers_to_the_table_is_read_anew_when_that_has_changed() -> None:
    reader = ResponseBlockReader()
    reader.read(b"\x88\x40\x01a\x011")
    assert [(b"a", b"1")] == reader.read(b"\xbe").fields(max_bytes=MAX)
    reader.read(b"\x88\x40\x01a\x012")

    assert [(b"a", b"2")] == reader.read(b"\xbe").fields(max_bytes=MAX)


def test_trailers_have_no_status() -> None:
    parsed = ResponseBlockReader().read(b"\x40\x0bgrpc-status\x010")

    assert 0 == parsed.status
    assert b"0" == parsed.find(b"grpc-status")
    assert 0 == parsed.rpc_status
    assert None is parsed.find(b"location")


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        pytest.param(b"\x08\x02ab", "a :status that is not valid", id="status that is none"),
        pytest.param(b"\x88\x88", "a :status that is repeated, or behind other fields", id="twice"),
        pytest.param(
            b"\x10\x01a\x01b\x88", "a :status that is repeated, or behind other fields", id="late"
        ),
        pytest.param(b"\x88\x84", "a pseudo-header field that no answer has", id=":path"),
        pytest.param(b"\x88\x10\x01A\x01b", "the name of a field is not valid", id="capital"),
        pytest.param(b"\x88\x10\x01a\x03b\r\n", "the value of a field is not valid", id="CR LF"),
        pytest.param(
            b"\x88\x0f\x0d\x011\x0f\x0d\x011", "a content-length that is repeated", id="lengths"
        ),
    ],
)
def test_fault_is_remembered_with_the_block(block: bytes, fault: str) -> None:
    reader = ResponseBlockReader()

    assert [fault, fault] == [reader.read(block).fault, reader.read(block).fault]


def test_entry_of_the_table_keeps_its_fault() -> None:
    reader = ResponseBlockReader()
    reader.read(b"\x88\x40\x01A\x01b")

    assert "the name of a field is not valid" == reader.read(b"\x88\xbe").fault


def test_blanks_are_told_apart() -> None:
    parsed = ResponseBlockReader().read(b"\x88\x10\x01a\x02b ")

    assert ("", True) == (parsed.fault, parsed.has_blanks)


def test_what_the_table_has_dropped_is_no_entry() -> None:
    reader = ResponseBlockReader()
    large = b"\x40\x01a\x7f\xd1\x0e" + b"x" * 2000
    reader.read(b"\x88" + large * 3)
    assert 1 == len(reader.read(b"\xbf").entries)
    with pytest.raises(ConnectionFault):
        reader.read(b"\xc0")


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"\x88", "a header block without the required update of the table's size"),
        (b"\x3f\x45\x88", "a header block without the required update of the table's size"),
        (b"\x3f\xe1\x1f\x88", "a table that is larger than the client allows"),
        (b"\x88\x20", "an update of the table's size behind a field"),
    ],
)
def test_smaller_table_is_said_first(block: bytes, reason: str) -> None:
    reader = ResponseBlockReader()
    reader.read(b"\x88")
    reader.allow_table(99)
    reader.allow_table(2000)
    with pytest.raises(ConnectionFault) as caught:
        reader.read(block)
    reader = ResponseBlockReader()
    reader.allow_table(99)

    assert reason == caught.value.reason
    assert 200 == reader.read(b"\x3f\x44\x88").status


def test_bomb_is_a_fault_when_it_is_spelled_out() -> None:
    reader = ResponseBlockReader()
    reader.read(b"\x40\x01a" + b"\x7f\xa1\x1e" + b"x" * 4000)
    parsed = reader.read(b"\xbe" * 100)
    with pytest.raises(ConnectionFault) as caught:
        parsed.fields(max_bytes=100_000)

    assert "a header block is too large when decoded" == caught.value.reason
