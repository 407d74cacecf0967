"""A client's blocks are understood once, as long as they mean the same."""

import pytest

from authproxy.policy.messages.http2.answer_validity import NO_LENGTH
from authproxy.settings import LimitSettings
from authproxy.wire.http2.headers.blocks import plain_block
from authproxy.wire.http2.headers.request_blocks import MAX_KNOWN, RequestBlocks
from tests.support.http2 import call_of

CALL = plain_block(call_of())


def test_block_that_changes_no_table_is_known_again() -> None:
    blocks = RequestBlocks(LimitSettings())

    assert blocks.find(CALL) is blocks.find(CALL)


def test_block_is_read_anew_when_the_table_has_changed() -> None:
    blocks = RequestBlocks(LimitSettings())
    first = blocks.find(CALL)
    blocks.find(CALL + b"\x40\x01a\x01b")

    assert first is not blocks.find(CALL)


def test_what_is_known_has_a_bound() -> None:
    blocks = RequestBlocks(LimitSettings())
    each = [plain_block(call_of((b"n", b"%d" % number))) for number in range(MAX_KNOWN + 1)]
    first, *_ = [blocks.find(block) for block in each[:MAX_KNOWN]]
    assert first is blocks.find(each[0])
    blocks.find(each[MAX_KNOWN])

    assert first is not blocks.find(each[0])


@pytest.mark.parametrize(
    ("fields", "length", "refused"),
    [
        ([], NO_LENGTH, False),
        ([(b"content-length", b"12")], 12, False),
        ([(b"content-length", b" 12 ")], 12, False),
        ([(b"content-length", b"x")], NO_LENGTH, True),
        ([(b"content-length", b"9" * 5000)], NO_LENGTH, True),
        ([(b"connection", b"close")], NO_LENGTH, True),
    ],
)
def test_length_is_read_with_the_call(
    fields: list[tuple[bytes, bytes]], length: int, refused: bool
) -> None:
    blocks = RequestBlocks(LimitSettings())
    known = blocks.find(plain_block(call_of(*fields)))
    blocks.understand(known)

    assert (length, refused) == (known.length, known.refusal is not None)
