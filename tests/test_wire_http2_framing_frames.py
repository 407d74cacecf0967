"""The frames that authproxy makes, byte by byte."""

import pytest

from authproxy.wire.http2.framing.frames import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    ConnectionFault,
    Failure,
    block_frames,
    frame,
    goaway,
    rst_stream,
    window_update,
    without_padding,
)


def test_frames_are_what_rfc_9113_says() -> None:
    assert b"\x00\x00\x04\x03\x00\x00\x00\x00\x05\x00\x00\x00\x08" == rst_stream(5, Failure.CANCEL)
    assert b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x01\x00" == window_update(0, 256)
    assert b"\x00\x00\x0b\x07\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x0bwhy" == goaway(
        7, Failure.ENHANCE_YOUR_CALM, "why"
    )
    assert b"\x01\x00\x02\x00\x00\x00\x00\x00\x01" == frame(0, 0, 1, bytes(0x10002))[:9]


def test_block_is_one_frame_if_it_fits() -> None:
    made = block_frames(b"block", flags=END_STREAM, stream_id=1, max_frame=10, priority=b"PRIOR")

    assert frame(HEADERS, END_STREAM | END_HEADERS, 1, b"PRIORblock") == made


def test_large_block_goes_on_in_continuations() -> None:
    made = block_frames(b"abcdefgh", flags=END_STREAM, stream_id=1, max_frame=3)

    assert (
        frame(HEADERS, END_STREAM, 1, b"abc")
        + frame(CONTINUATION, 0, 1, b"def")
        + frame(CONTINUATION, END_HEADERS, 1, b"gh")
    ) == made


def test_padding_is_taken_off() -> None:
    assert (b"", b"block") == without_padding(HEADERS, PADDED, b"\x02blockPP")
    with pytest.raises(ConnectionFault):
        without_padding(HEADERS, PADDED, b"\x06block")
