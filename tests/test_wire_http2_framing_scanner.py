"""Frames found in any split of the bytes, runs that go on as one slice, and what is no frame."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.wire.http2.framing.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    ConnectionFault,
    Failure,
    frame,
)
from authproxy.wire.http2.framing.scanner import MAX_CONTINUATIONS, Scanner


class Notes:
    """Drops DATA of stream 3, doubles blocks of stream 5, lets all else pass."""

    def __init__(self) -> None:
        self.found: list[tuple[object, ...]] = []

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        self.found.append(("data", stream_id, length))
        return b"" if stream_id == 3 else None

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        self.found.append(("block", kind, stream_id, priority, block))
        return frame(HEADERS, END_HEADERS, 5, block * 2) if stream_id == 5 else None

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        self.found.append(("control", kind, stream_id))
        return None


def scanner(notes: Notes | None = None) -> Scanner:
    made = Scanner(notes or Notes(), [], max_block=1000)
    made.feed(frame(SETTINGS, 0, 0))
    made.out.clear()
    if notes is not None:
        notes.found.clear()
    return made


MIXED = [
    frame(SETTINGS, 0, 0, bytes(6)),
    frame(HEADERS, END_HEADERS, 1, b"one"),
    frame(DATA, 0, 1, b"x" * 300),
    frame(DATA, 0, 3, b"y" * 200),
    frame(HEADERS, 0, 5, b"fi"),
    frame(CONTINUATION, END_HEADERS, 5, b"ve"),
    frame(HEADERS, 0, 7, b"se"),
    frame(CONTINUATION, 0, 7, b"ve"),
    frame(CONTINUATION, END_HEADERS, 7, b"n"),
    frame(0x42, 0, 0, b"unknown"),
    frame(WINDOW_UPDATE, 0, 0, bytes(4)),
    frame(DATA, 0, 3, b""),
    frame(DATA, 1, 1, b""),
]
PASSED = b"".join(
    [*MIXED[:3], frame(HEADERS, END_HEADERS, 5, b"fivefive"), *MIXED[6:11], MIXED[12]]
)


@given(st.lists(st.integers(0, len(b"".join(MIXED))), max_size=30))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    data, notes = b"".join(MIXED), Notes()
    tested = scanner(notes)
    places = [0, *sorted(cuts), len(data)]
    for start, end in itertools.pairwise(places):
        tested.feed(data[start:end])
        if tested.is_between_frames:
            tested.insert(b"")

    assert PASSED == b"".join(tested.out)
    assert [
        ("control", SETTINGS, 0),
        ("block", HEADERS, 1, b"", b"one"),
        ("data", 1, 300),
        ("data", 3, 200),
        ("block", HEADERS, 5, b"", b"five"),
        ("block", HEADERS, 7, b"", b"seven"),
        ("control", 0x42, 0),
        ("control", WINDOW_UPDATE, 0),
        ("data", 3, 0),
        ("data", 1, 0),
    ] == notes.found


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_arbitrary_bytes_pass_or_are_a_fault(pieces: list[bytes]) -> None:
    tested = scanner()
    with contextlib.suppress(ConnectionFault):
        for piece in pieces:
            tested.feed(piece)

    assert len(b"".join(tested.out)) <= 2 * len(b"".join(pieces))


def test_run_of_frames_goes_on_as_one_slice() -> None:
    tested = scanner()
    tested.feed(MIXED[2] * 5)

    assert [MIXED[2] * 5] == tested.out


def test_frame_of_ours_waits_for_the_end_of_one_that_passes() -> None:
    tested = scanner()
    tested.feed(MIXED[2][:50])
    tested.insert(b"OURS")
    assert not tested.is_between_frames
    tested.feed(MIXED[2][50:] + MIXED[2])

    assert MIXED[2] + b"OURS" + MIXED[2] == b"".join(tested.out)


def test_held_scanner_keeps_what_comes() -> None:
    tested = scanner()
    tested.held = True
    tested.feed(MIXED[0])
    tested.feed(MIXED[1])
    assert [] == tested.out
    assert not tested.is_waiting
    tested.held = False
    tested.feed(b"")

    assert MIXED[0] + MIXED[1] == b"".join(tested.out)


def test_padding_and_priority_are_taken_off_a_block() -> None:
    notes = Notes()
    flags = END_HEADERS | PADDED | HAS_PRIORITY
    scanner(notes).feed(frame(HEADERS, flags, 1, b"\x03" + b"PRIOR" + b"block" + bytes(3)))

    assert [("block", HEADERS, 1, b"PRIOR", b"block")] == notes.found


@pytest.mark.parametrize(
    ("data", "failure", "reason"),
    [
        (frame(DATA, 0, 1, bytes(16385)), Failure.FRAME_SIZE_ERROR, "a frame is too large"),
        (frame(PING, 0, 0, b"1234567"), Failure.FRAME_SIZE_ERROR, "a frame of the wrong size"),
        (frame(SETTINGS, 0, 0, bytes(7)), Failure.FRAME_SIZE_ERROR, "a frame of the wrong size"),
        (frame(PRIORITY, 0, 1, bytes(4)), Failure.FRAME_SIZE_ERROR, "a frame of the wrong size"),
        (frame(RST_STREAM, 0, 0, bytes(4)), Failure.PROTOCOL_ERROR, "a frame on the wrong stream"),
        (frame(GOAWAY, 0, 1, bytes(8)), Failure.PROTOCOL_ERROR, "a frame on the wrong stream"),
        (frame(CONTINUATION, 4, 1), Failure.PROTOCOL_ERROR, "a header block is interrupted"),
        (
            frame(HEADERS, 0, 1) + frame(DATA, 0, 1),
            Failure.PROTOCOL_ERROR,
            "a header block is interrupted",
        ),
        (
            frame(HEADERS, 0, 1) + frame(0x42, 0, 0),
            Failure.PROTOCOL_ERROR,
            "a header block is interrupted",
        ),
        (
            frame(HEADERS, 0, 1) + frame(CONTINUATION, 4, 3),
            Failure.PROTOCOL_ERROR,
            "a header block is interrupted",
        ),
        (
            frame(HEADERS, 4, 1, bytes(1001)),
            Failure.ENHANCE_YOUR_CALM,
            "a header block is too large",
        ),
        (
            frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1) * MAX_CONTINUATIONS,
            Failure.ENHANCE_YOUR_CALM,
            "a header block is too large",
        ),
        (
            frame(HEADERS, 0, 1, bytes(600)) + frame(CONTINUATION, 4, 1, bytes(600)),
            Failure.ENHANCE_YOUR_CALM,
            "a header block is too large",
        ),
        (
            frame(HEADERS, 4 | PADDED, 1, b"\x09abc"),
            Failure.PROTOCOL_ERROR,
            "more padding than payload",
        ),
        (
            frame(HEADERS, 4 | PADDED, 1),
            Failure.FRAME_SIZE_ERROR,
            "a padded frame without a length",
        ),
        (
            frame(PUSH_PROMISE, 4, 1, b"abc"),
            Failure.FRAME_SIZE_ERROR,
            "a frame that is too short",
        ),
    ],
)
def test_broken_framing_is_a_fault(data: bytes, failure: Failure, reason: str) -> None:
    with pytest.raises(ConnectionFault) as caught:
        scanner().feed(data)

    assert (failure, reason) == (caught.value.failure, caught.value.reason)


def test_large_block_is_not_waited_for() -> None:
    with pytest.raises(ConnectionFault):
        scanner().feed(frame(HEADERS, 4, 1, bytes(1001))[:9])


def test_repr_says_what_it_waits_for() -> None:
    tested = scanner()
    assert "<Scanner [between frames]>" == repr(tested)
    tested.feed(MIXED[1][:5])
    assert "<Scanner [waiting]>" == repr(tested)
    tested.held = True
    assert "<Scanner [held]>" == repr(tested)
