from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.mcp.events import Event, EventReader

STREAM = (
    b": hello\n\ndata: one\n\nid: 4\nevent: other\ndata:two\ndata: and a half\n\n"
    b"id: 5\nretry: 250\ndata: \n\ndata: three\n\n"
)
EVENTS = [
    Event("message", b"one"),
    Event("other", b"two\nand a half"),
    Event("message", b"three"),
]


def read(*pieces: bytes) -> tuple[list[Event], EventReader]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)], reader


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_events_are_read_whatever_ends_their_lines(end: bytes) -> None:
    events, reader = read(STREAM.replace(b"\n", end))

    assert (EVENTS, "5", 0.25) == (events, reader.last_id, reader.retry_s)


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, len(STREAM) * 2)))
def test_events_are_read_in_whatever_pieces_they_come(end: bytes, cuts: list[int]) -> None:
    stream = STREAM.replace(b"\n", end)
    edges = [0, *sorted(cuts), len(stream)]

    events, _ = read(*(stream[a:b] for a, b in pairwise(edges)))

    assert EVENTS == events


def test_an_event_without_data_is_none_but_its_id_counts() -> None:
    events, reader = read(b"id: 9\ndata:\n\n")

    assert ([], "9") == (events, reader.last_id)


def test_an_event_that_has_not_ended_is_none_and_neither_is_its_id() -> None:
    events, reader = read(b"id: 9\ndata: half")

    assert ([], None) == (events, reader.last_id)


def test_a_large_event_is_looked_through_once() -> None:
    """Each piece would be a copy of all before it otherwise: minutes, not moments."""
    piece = b"x" * 4096

    events, _ = read(b"data: ", *([piece] * 8192), b"\n\n")

    assert [4096 * 8192] == [len(event.data) for event in events]


def test_ids_with_a_zero_byte_and_odd_retries_do_not_count() -> None:
    events, reader = read(b"id: a\0b\nretry: soon\ndata: 1\n\n")

    assert ([Event("message", b"1")], None, None) == (events, reader.last_id, reader.retry_s)


def test_a_pause_that_nobody_lives_to_see_is_none() -> None:
    _, reader = read(b"retry: 250\n\n", b"retry: " + b"9" * 400 + b"\n\n")

    assert reader.retry_s == 0.25
