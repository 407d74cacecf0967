import gzip
import itertools
import zlib
from typing import Any

import pytest

from authproxy.inspector.bodies.content import BodyType
from authproxy.inspector.bodies.event_streams import Events
from tests.support.recorded import redactor

SECRET = "s3cr3t-of-a-test"


def events(*pieces: bytes, encoding: str = "", at_most: int = 100_000) -> Any:
    kept = Events(
        BodyType("events", "text/event-stream", encoding), redactor(), at_most, clock=lambda: 5.0
    )
    for piece in pieces:
        kept.feed(piece)
    return kept


STREAM = (
    b": hello\n\nevent: a\nid: 1\ndata: one\ndata: two\n\n"
    b'data: {"token":\ndata: "' + SECRET.encode() + b'"}\n\n'
    b"data: password=" + SECRET.encode() + b"\r\n\r\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_events_are_kept_as_they_come_without_secrets(size: int, encoding: str) -> None:
    data = gzip.compress(STREAM) if encoding else STREAM
    kept = events(*(data[at : at + size] for at in range(0, len(data), size)), encoding=encoding)

    shown = kept.shown()

    assert 4 == shown["count"]
    assert {"number": 1, "at_s": 0.0, "comment": "hello", "data": ""} == shown["events"][0]
    assert {"number": 2, "at_s": 0.0, "event": "a", "id": "1", "data": "one\ntwo"} == (
        shown["events"][1]
    )
    assert SECRET not in str(shown)
    assert 2 == str(shown).count("[redacted:")


def test_compressed_event_is_there_before_the_stream_ends() -> None:
    squeeze = zlib.compressobj(wbits=31)
    data = squeeze.compress(b"data: now\n\n") + squeeze.flush(zlib.Z_SYNC_FLUSH)

    assert ["now"] == [each["data"] for each in events(data, encoding="gzip").shown()["events"]]


def test_last_events_are_kept_within_the_bound() -> None:
    kept = events(*(b"data: %d\n\n" % number for number in range(1000)), at_most=10_000)

    shown = kept.shown()

    assert kept.held <= 10_000
    assert "999" == shown["events"][-1]["data"]
    assert 1000 == shown["dropped"] + len(shown["events"]) == shown["count"]


def test_event_without_an_end_is_bounded_and_what_follows_it_is_read() -> None:
    kept = events(*[b"data: " + b"x" * 5000] * 10, b"\n\ndata: next\n\n", at_most=10_000)

    assert kept.held <= 11_000
    assert "next" == kept.shown()["events"][-1]["data"]


@pytest.mark.parametrize(
    ("encoding", "data"), [("br", b"x"), ("gzip", gzip.compress(bytes(20_000_000)))]
)
def test_stream_that_cannot_be_read_says_so(encoding: str, data: bytes) -> None:
    kept = events(data, b"data: more\n\n", encoding=encoding)

    assert kept.shown()["omitted"]
    assert kept.held < 2000


def test_half_an_event_is_let_go_at_the_end() -> None:
    kept = events(b"data: half")
    kept.finish()

    assert (True, 0) == (kept.shown()["complete"], kept.shown()["count"])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_lines_end_in_each_way_and_what_is_empty_is_no_event(size: int) -> None:
    data = b"\n\ndata: a\r\n\r\n\r\n\r\ndata: b\r\rdata: c\ndata: d\n\n\n\n: e\r\n\n"
    kept = events(*(data[at : at + size] for at in range(0, len(data), size)))

    assert [
        {"number": 1, "at_s": 0.0, "data": "a"},
        {"number": 2, "at_s": 0.0, "data": "b"},
        {"number": 3, "at_s": 0.0, "data": "c\nd"},
        {"number": 4, "at_s": 0.0, "comment": "e", "data": ""},
    ] == kept.shown()["events"]


def test_of_many_events_at_once_only_those_that_can_stay_are_looked_at() -> None:
    looks = itertools.count()
    kept = Events(
        BodyType("events", "text/event-stream", ""),
        redactor(),
        100_000,
        clock=lambda: float(next(looks)),
    )

    kept.feed(b"data: " + b"a" * 200_000)
    kept.feed(b"\n\n" + b":\n\n" * 50_000 + b"data: last\n\n")

    shown: Any = kept.shown()
    assert (50_002, "last") == (shown["count"], shown["events"][-1]["data"])
    assert next(looks) <= 1 + 100_000 // 200


def test_stream_that_grows_too_much_by_many_small_pieces_is_not_read() -> None:
    compress = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [
        compress.compress(b"\n" * 500_000) + compress.flush(zlib.Z_SYNC_FLUSH) for _ in range(9)
    ]

    assert "too large" in events(*pieces, encoding="gzip").shown()["omitted"]
    assert 0 == events(*pieces, encoding="gzip").shown()["count"]
