"""Whether a stream of events has brought the response, wherever its pieces are cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy.mcp.jsonrpc import MAX_BYTES
from authproxy.policy.mcp.response_watch import ResponseWatch

ERROR = Refused("Gone.", code=Code.NO_ROUTE)
RESPONSE = b'{"jsonrpc":"2.0","id":7,"result":{}}'
PROGRESS = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'

STREAMS = {
    "nothing": (b"", True),
    "a notification": (PROGRESS, True),
    "a comment": (b": ping\n", True),
    "a comment and an end": (b": ping\r\n\r\n", True),
    "half a line": (PROGRESS + b"da", False),
    "half an event": (PROGRESS + b"data: x\n", False),
    "the response": (b"event: message\ndata: " + RESPONSE + b"\n\n", False),
    "in two lines": (b'data: {"jsonrpc":"2.0",\ndata: "id":7,"result":{}}\n\n', False),
    "with CR": (b"data: " + RESPONSE + b"\r\r", False),
    "with CR LF": (b"data: " + RESPONSE + b"\r\n\r\n", False),
    "behind a BOM": (b"\xef\xbb\xbfdata:" + RESPONSE + b"\n\n", False),
    "of another request": (b'data: {"jsonrpc":"2.0","id":8,"result":{}}\n\n', True),
    "as text": (b'data: {"jsonrpc":"2.0","id":"7","result":{}}\n\n', True),
    "a request of the server's": (b'data: {"jsonrpc":"2.0","id":7,"method":"ping"}\n\n', True),
    "another event": (b"event: x\ndata: " + RESPONSE + b"\n\n", True),
    "an id": (b"id: 1\n" + PROGRESS, False),
    "an id alone": (b"id: 1\ndata:\n\n", False),
    "an id taken back": (b"id: 1\n" + PROGRESS + b"id\n" + PROGRESS, True),
    "what cannot be looked at": (b"data: " + b"x" * MAX_BYTES + b"\n\n", False),
    "much in small events": (PROGRESS * 2000, True),
}


@pytest.mark.parametrize(("stream", "expected"), STREAMS.values(), ids=STREAMS)
def test_an_error_can_be_said_between_events_to_whom_it_helps(
    stream: bytes, expected: bool
) -> None:
    watch = ResponseWatch(["7"])
    watch.feed(stream)

    assert expected == watch.wants_error


@given(
    st.sampled_from([stream for stream, _ in STREAMS.values() if len(stream) < 500]),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_it_does_not_matter_how_the_pieces_are_cut(stream: bytes, cuts: list[int]) -> None:
    whole, cut = ResponseWatch(["7"]), ResponseWatch(["7"])
    whole.feed(stream)
    at = [0, *sorted(cuts), len(stream)]
    for start, end in pairwise(at):
        cut.feed(stream[start:end])

    assert repr(whole) == repr(cut)
    assert whole.wants_error == cut.wants_error


def test_whoever_waits_is_told_once() -> None:
    watch = ResponseWatch(["7", '"a"', "8"])
    watch.feed(b"data: " + RESPONSE + b"\n\n")
    said = watch.errors(ERROR, "r-1")

    events = [event.split(b"\n") for event in said.removesuffix(b"\n\n").split(b"\n\n")]
    assert [b"event: message"] * 2 == [name for name, _ in events]
    assert ["a", 8] == [json.loads(data.removeprefix(b"data: "))["id"] for _, data in events]
    assert not watch.wants_error
    assert b"" == watch.errors(ERROR, "r-1")
    assert "<ResponseWatch [0 responses, between events]>" == repr(watch)
