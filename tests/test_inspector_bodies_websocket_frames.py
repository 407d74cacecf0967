import os
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.inspector.bodies.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MOST_READ,
    PING,
    TEXT,
    Frames,
    WebSocketMessage,
    unmasked,
)


def frame(
    data: bytes, opcode: int = TEXT, *, fin: bool = True, mask: bytes = b"", rsv1: bool = False
) -> bytes:
    first = opcode | (128 if fin else 0) | (64 if rsv1 else 0)
    masked = 128 if mask else 0
    size = len(data)
    if size < 126:
        length = bytes([masked | size])
    elif size < 65536:
        length = bytes([masked | 126]) + size.to_bytes(2)
    else:
        length = bytes([masked | 127]) + size.to_bytes(8)
    return bytes([first]) + length + mask + (unmasked(data, mask, 0) if mask else data)


def read(data: bytes, size: int = 0, at_most: int = 1000, **options: Any) -> list[WebSocketMessage]:
    found: list[WebSocketMessage] = []
    frames = Frames(found.append, at_most, **options)
    size = size or len(data)
    for at in range(0, len(data), size):
        frames.feed(data[at : at + size])
    assert not frames.broken
    return found


CONVERSATION = (
    frame(b"hello")
    + frame(b"frag", fin=False)
    + frame(b"are you there", PING)
    + frame(b"mented", CONTINUATION)
    + frame(b"b" * 300, BINARY)
    + frame(b"c" * 70_000, BINARY)
    + frame(b"", TEXT)
    + frame((1000).to_bytes(2) + b"bye", CLOSE)
)


@pytest.mark.parametrize("size", [1, 3, 100, 100_000])
def test_messages_are_put_together(size: int) -> None:
    assert [
        (TEXT, b"hello", 5),
        (PING, b"are you there", 13),
        (TEXT, b"fragmented", 10),
        (BINARY, b"b" * 300, 300),
        (BINARY, b"c" * 1000, 70_000),
        (TEXT, b"", 0),
        (CLOSE, b"\x03\xe8bye", 5),
    ] == [(each.opcode, each.data, each.size) for each in read(CONVERSATION, size)]


@pytest.mark.parametrize("size", [1, 3, 5, 1000])
def test_masks_are_taken_off(size: int) -> None:
    data = frame(b"what a client says", mask=b"\x01\x82\x03\xf4") + frame(b"", mask=b"abcd")

    assert [b"what a client says", b""] == [each.data for each in read(data, size)]


@given(st.binary(max_size=50), st.binary(min_size=4, max_size=4), st.integers(0, 50))
def test_unmasking_does_not_depend_on_where_pieces_end(data: bytes, mask: bytes, at: int) -> None:
    whole = unmasked(data, mask, 0)

    assert whole == unmasked(data[:at], mask, 0) + unmasked(data[at:], mask, min(at, len(data)) & 3)
    assert data == unmasked(whole, mask, 0)


def squeezed(texts: list[bytes], *, keeps_context: bool) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    found = b""
    for text in texts:
        data = (squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
        found += frame(data[:2], fin=False, rsv1=True) + frame(data[2:], CONTINUATION)
        if not keeps_context:
            squeeze = zlib.compressobj(wbits=-15)
    return found


TEXTS = [b"the same words " * 20, b"the same words " * 20, b"", os.urandom(200_000).hex().encode()]


@pytest.mark.parametrize("keeps_context", [True, False])
@pytest.mark.parametrize("size", [0, 1000])
def test_compressed_messages_are_read(keeps_context: bool, size: int) -> None:
    data = squeezed(TEXTS, keeps_context=keeps_context)

    found = read(data, size, 1_000_000, deflate=True, keeps_context=keeps_context)

    assert TEXTS == [each.data for each in found]
    assert all(each.compressed for each in found)


@pytest.mark.parametrize(
    ("data", "deflate", "why"),
    [
        (frame(b"x", 3), False, "no WebSocket frame"),
        (frame(b"x", 0), False, "has not begun"),
        (b"\x81\x7f" + b"\xff" * 8, False, "no WebSocket frame"),
        (frame(b"x", rsv1=True), False, "was not agreed on"),
        (frame(b"\xff\xff\xff", rsv1=True), True, "broken"),
        (squeezed([bytes(40_000_000)], keeps_context=True), True, "becomes too large"),
    ],
    ids=["opcode", "beginning", "length", "unexpected compression", "broken compression", "bomb"],
)
def test_reading_stops_where_it_makes_no_sense(data: bytes, deflate: bool, why: str) -> None:
    found: list[WebSocketMessage] = []
    frames = Frames(found.append, 1000, deflate=deflate)

    frames.feed(data)
    frames.feed(frame(b"more"))

    assert why in frames.broken
    assert [] == found


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_can_be_read(data: bytes, deflate: bool) -> None:
    frames = Frames(lambda _: None, 100, deflate=deflate)

    for byte in data:
        frames.feed(bytes([byte]))

    assert frames.held < 100_000


def test_direction_is_not_read_on_that_floods_us_with_frames() -> None:
    found: list[WebSocketMessage] = []
    frames = Frames(found.append, 1000)

    message = frame(b"", fin=False) + frame(b"", CONTINUATION)
    frames.feed(message * 2000)
    frames.feed(message * 2000)
    assert (4000, "") == (len(found), frames.broken)
    frames.feed(message * 2500)

    assert "too many frames come at once" == frames.broken
    assert len(found) < 6_200


@pytest.mark.parametrize("mask", [b"", b"abcd"])
@pytest.mark.parametrize("begun", [b"", frame(b"begun")[:3], frame(b"be", fin=False)])
def test_of_many_small_messages_at_once_the_last_ones_are_read(mask: bytes, begun: bytes) -> None:
    found: list[WebSocketMessage] = []
    stepped: list[int] = []
    frames = Frames(found.append, 1000, step_over=stepped.append)
    rest = {0: b"", 3: frame(b"begun")[3:], 4: frame(b"gun", CONTINUATION)}[len(begun)]
    many = b"".join(
        frame(b"%d" % number, PING if number % 3 else TEXT, mask=mask) for number in range(9000)
    )
    frames.feed(begun)
    frames.feed(rest + many + frame(b"large" * 100, mask=mask) + frame(b"last")[:3])
    frames.feed(frame(b"last")[3:])

    texts = [each.data for each in found]
    first = [b"begun"] if begun else []
    assert first == texts[: len(first)]
    assert [b"8999", b"large" * 100, b"last"] == texts[-3:]
    assert len(texts) <= MOST_READ + 3
    assert 9000 + 2 + len(first) == len(texts) + sum(stepped)


def test_what_a_byte_costs_is_bounded_however_small_the_frames_are() -> None:
    """Calls of functions and their ends, which no other work on the machine changes."""
    calls = [steps_of(frame(b"a" * size) * (200_000 // (size + 2))) for size in (0, 1, 5, 100)]

    assert max(calls) < 2 * 200_000


def steps_of(data: bytes) -> int:
    """Functions that were called while it was read in pieces as they come from a socket."""
    frames, count = Frames(lambda _: None, 1000), 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        for at in range(0, len(data), 65536):
            frames.feed(data[at : at + 65536])
    finally:
        sys.setprofile(None)
    assert not frames.broken
    return count


def test_direction_is_not_read_on_whose_messages_all_grow_too_much() -> None:
    compress = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = compress.compress(b"a" * 15 * 1024 * 1024) + compress.flush(zlib.Z_SYNC_FLUSH)
    found: list[WebSocketMessage] = []
    frames = Frames(found.append, 1000, deflate=True)

    for _ in range(3):
        frames.feed(frame(data.removesuffix(b"\0\0\xff\xff"), rsv1=True))

    assert (1, "a message becomes too large when it is decompressed") == (
        len(found),
        frames.broken,
    )
