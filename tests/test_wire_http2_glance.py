"""Answers' header blocks, compared with what a full decoder makes of them."""

import contextlib

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.wire.http2.frames import ConnectionFault
from authproxy.wire.http2.glance import GlanceReader

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
    encoder, decoder, reader = hpack.Encoder(), hpack.Decoder(), GlanceReader()
    for fields, huffman, size in blocks:
        if size is not None and size != encoder.header_table_size:
            encoder.header_table_size = size
        answer = [(b":status", b"200", False), *fields]
        for _ in range(1 + twice):
            block = encoder.encode(answer, huffman=huffman)
            glance = reader.read(block)
            expected = [tuple(field) for field in decoder.decode(block, raw=True)]

            assert expected == glance.fields(max_bytes=MAX)
            assert 200 == glance.status


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_arbitrary_bytes_are_fields_or_a_fault(blocks: list[bytes]) -> None:
    reader = GlanceReader()
    with contextlib.suppress(ConnectionFault):
        for block in blocks:
            glance = reader.read(block)
            assert glance.status in range(1000)
            glance.fields(max_bytes=MAX)


def test_block_that_adds_to_the_table_is_known_again_and_adds_again() -> None:
    reader = GlanceReader()
    block = b"\x88" + b"\x40\x01a\x01b"
    first = reader.read(block)

    assert first is reader.read(block)
    assert [(b"a", b"b")] * 2 == reader.read(b"\xbe\xbf").fields(max_bytes=MAX)
    with pytest.raises(ConnectionFault):
        reader.read(b"\xc0")


def test_block_that_refers_to_the_table_is_read_anew_when_that_has_changed() -> None:
    reader = GlanceReader()
    reader.read(b"\x88\x40\x01a\x011")
    assert [(b"a", b"1")] == reader.read(b"\xbe").fields(max_bytes=MAX)
    reader.read(b"\x88\x40\x01a\x012")

    assert [(b"a", b"2")] == reader.read(b"\xbe").fields(max_bytes=MAX)


def test_trailers_have_no_status() -> None:
    glance = GlanceReader().read(b"\x40\x0bgrpc-status\x010")

    assert 0 == glance.status
    assert b"0" == glance.find(b"grpc-status")
    assert None is glance.find(b"location")


@pytest.mark.parametrize("status", [b"2", b"2000", b"abc", b""])
def test_status_that_is_none_is_a_fault(status: bytes) -> None:
    with pytest.raises(ConnectionFault) as caught:
        GlanceReader().read(b"\x08" + bytes((len(status),)) + status)

    assert "an answer without a status" == caught.value.reason


def test_bomb_is_a_fault_when_it_is_spelled_out() -> None:
    reader = GlanceReader()
    reader.read(b"\x40\x01a" + b"\x7f\xa1\x1e" + b"x" * 4000)
    glance = reader.read(b"\xbe" * 100)
    with pytest.raises(ConnectionFault) as caught:
        glance.fields(max_bytes=100_000)

    assert "a header block unfolds to too much" == caught.value.reason
