"""Header blocks: what they say, when they may be remembered, and what our own look like."""

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.wire.http2.framing.frames import ConnectionFault, Failure
from authproxy.wire.http2.headers.blocks import (
    EMPTY_TABLE,
    BlockReader,
    BlockWriter,
    plain_block,
)

FIELDS = [(b":method", b"GET"), (b"x-a", b"1"), (b"x-b", b"2" * 200)]
TEXT = st.binary(max_size=300)


def test_reader_says_whether_a_block_changed_the_table() -> None:
    encoder, reader = hpack.Encoder(), BlockReader(max_list=4096)
    first = encoder.encode(FIELDS)
    assert FIELDS == reader.read(first)
    changed = reader.changes
    assert changed > 0
    assert FIELDS == reader.read(encoder.encode(FIELDS))

    assert changed == reader.changes


def test_table_emptied_and_restored_within_a_block_counts_as_changed() -> None:
    reader = BlockReader(max_list=4096)
    before = reader.changes
    reader.read(b"\x20" + b"\x3f\xe1\x1f" + b"\x82")

    assert reader.changes > before


@pytest.mark.parametrize(
    "block",
    [
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xbe",
        b"\x80",
        b"\x40\x05abc",
        b"\x3f\xe2\x1f",
        b"\x00",
    ],
    ids=["endless number", "unknown index", "index 0", "short string", "larger table", "cut off"],
)
def test_broken_block_is_a_fault(block: bytes) -> None:
    with pytest.raises(ConnectionFault) as caught:
        BlockReader(max_list=4096).read(block)

    assert Failure.COMPRESSION_ERROR == caught.value.failure


def test_bomb_is_a_fault() -> None:
    reader = BlockReader(max_list=64 * 1024)
    reader.read(b"\x40\x01a" + b"\x7f\xa1\x1e" + b"x" * 4000)
    with pytest.raises(ConnectionFault):
        reader.read(b"\xbe" * 100)


def test_client_must_shrink_its_table_when_told() -> None:
    reader = BlockReader(max_list=4096)
    reader.allow_table(100)
    with pytest.raises(ConnectionFault):
        reader.read(b"\x82")


def test_writer_uses_its_table_and_follows_the_service() -> None:
    writer, decoder = BlockWriter(), hpack.Decoder()
    first = writer.write(FIELDS, keep_path=True)
    again = writer.write(FIELDS, keep_path=True)
    assert 3 == len(again) < len(first)
    assert FIELDS == list(decoder.decode(first, raw=True)) == list(decoder.decode(again, raw=True))

    writer.allow_table(0)
    decoder.max_allowed_table_size = 0
    none = writer.write(FIELDS, keep_path=True)
    assert b"\x20" == none[:1]
    assert FIELDS == list(decoder.decode(none, raw=True))
    assert none[1:] == writer.write(FIELDS, keep_path=True)


def test_writer_does_not_keep_what_differs_from_call_to_call() -> None:
    writer = BlockWriter()
    before = writer.changes
    writer.write([(b":path", b"/a"), (b"grpc-timeout", b"1S")], keep_path=False)
    assert before == writer.changes
    writer.write([(b":path", b"/a")], keep_path=True)

    assert before < writer.changes


def test_what_must_never_be_indexed_stays_so() -> None:
    block = hpack.Encoder().encode([(b"cookie", b"secret", True)])
    fields = BlockReader(max_list=4096).read(block)
    writer = BlockWriter()
    before = writer.changes
    written = writer.write(fields, keep_path=True)

    assert before == writer.changes
    assert 0x10 == written[0] & 0xF0


@pytest.mark.parametrize("size", [0, 126, 127, 128, 300])
def test_a_plain_field_may_be_of_any_length(size: int) -> None:
    for field in ((b"a", b"v" * size), (b"n" * (size or 1), b"v")):
        assert [field] == list(hpack.Decoder().decode(plain_block([field]), raw=True))


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_plain_block_needs_no_table(fields: list[tuple[bytes, bytes]]) -> None:
    decoder = hpack.Decoder()
    block = EMPTY_TABLE + plain_block(fields)

    assert fields == list(decoder.decode(block, raw=True))
    assert 0 == decoder.header_table_size
