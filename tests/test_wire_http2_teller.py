"""When observers hear of calls: what is told waits for what passes, and for the connection."""

import pytest

from authproxy.exchange import Exchange, RequestHead, SentHead
from authproxy.times import Opening
from authproxy.wire import refusals
from authproxy.wire.http2 import teller
from authproxy.wire.http2.framing.frames import DATA, END_STREAM, PADDED, SETTINGS, frame
from authproxy.wire.http2.framing.scanner import Scanner
from authproxy.wire.http2.streams import Stream
from authproxy.wire.http2.teller import Teller
from authproxy.wire.recorder import Recorder
from tests.support.proxying import make_token

HEAD = RequestHead(b"POST", b"/", "2", [])
OPENING = Opening(began=1.0, connected=2.0, ready=3.0)


class Heard:
    """What was heard, as it came."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def exchange_sent(self, _: Exchange, sent: SentHead) -> None:
        self.events.append(sent.opening)

    def request_piece(self, _: Exchange, data: bytes) -> None:
        self.events.append(data)

    def answer_piece(self, _: Exchange, data: bytes) -> None:
        self.events.append(data.upper())

    def exchange_ended(self, _: Exchange) -> None:
        self.events.append("ended")


class Table:
    """A receiver of frames that ends the call with its last frame, and drops those of others."""

    def __init__(self, teller: Teller, streams: dict[int, Stream]) -> None:
        self.teller = teller
        self.streams = streams

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        stream = self.streams.get(stream_id)
        if stream is None:
            return b""
        if flags & END_STREAM:
            self.teller.ended(self.streams.pop(stream_id).exchange, length - padding, 0)
        return b"" if length == 7 else None

    def block(self, *_: object) -> bytes | None:
        raise NotImplementedError

    def control(self, *_: object) -> bytes | None:
        return None


class Connection:
    """A teller on both ways, with one open call."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.recorder = Recorder([self.heard])
        self.exchange = self.recorder.begin(None, HEAD)
        self.streams = {1: Stream(self.exchange, client_ended=False)}
        self.teller = Teller(self.recorder, self.streams)
        table = Table(self.teller, self.streams)
        self.up, self.down = (Scanner(table, [], max_block=100) for _ in "ab")
        self.teller.listen(self.up, self.down)
        for scanner in (self.up, self.down):
            scanner.feed(frame(SETTINGS, 0, 0))


CASES = {
    "whole": ([frame(DATA, END_STREAM, 1, b"abc")], [b"abc", "ended"]),
    "by bytes": (
        [bytes((byte,)) for byte in frame(DATA, END_STREAM, 1, b"abc")],
        [b"a", b"b", b"c", "ended"],
    ),
    "padded": ([frame(DATA, PADDED | END_STREAM, 1, b"\x02abc\0\0")], [b"abc", "ended"]),
    "padded, by bytes": (
        [bytes((byte,)) for byte in frame(DATA, PADDED | END_STREAM, 1, b"\x02abc\0\0")],
        [b"a", b"b", b"c", "ended"],
    ),
    "nothing but padding": ([frame(DATA, PADDED | END_STREAM, 1, b"\x02\0\0")], ["ended"]),
    "empty": ([frame(DATA, END_STREAM, 1, b"")], ["ended"]),
    "dropped": ([frame(DATA, 0, 1, b"1234567")], []),
    "dropped, the last": ([frame(DATA, END_STREAM, 1, b"1234567")], ["ended"]),
    "of another call": ([frame(DATA, 0, 3, b"abc")], []),
    "two frames": (
        [frame(DATA, 0, 1, b"a") + frame(DATA, END_STREAM, 1, b"b")],
        [b"a", b"b", "ended"],
    ),
    "part of the last": ([frame(DATA, END_STREAM, 1, b"abc")[:-1]], [b"ab"]),
}


@pytest.mark.parametrize("case", CASES)
def test_content_is_told_before_the_end(case: str) -> None:
    reads, events = CASES[case]
    connection = Connection()
    for data in reads:
        connection.up.feed(data)

    assert events == connection.heard.events


def test_a_call_ends_when_what_passes_either_way_has_passed() -> None:
    connection = Connection()
    up, down = frame(DATA, 0, 1, b"abc"), frame(DATA, END_STREAM, 1, b"xyz")
    connection.up.feed(up[:-1])
    connection.down.feed(down[:-1])
    connection.down.feed(down[-1:])
    assert [b"ab", b"XY", b"Z"] == connection.heard.events

    connection.up.feed(up[-1:])
    assert [b"c", "ended"] == connection.heard.events[3:]


def test_what_never_passes_is_not_waited_for() -> None:
    connection = Connection()
    connection.up.feed(frame(DATA, END_STREAM, 1, b"abc")[:-1])
    connection.teller.closed()
    connection.teller.closed()

    assert [b"ab", "ended"] == connection.heard.events
    assert "<Teller [0 heads, 0 ends wait]>" == repr(connection.teller)


def test_a_head_is_told_when_there_is_a_connection_for_it() -> None:
    connection = Connection()
    other = connection.recorder.begin(None, HEAD)
    sent = SentHead(
        origin="http://localhost",
        method=b"GET",
        target=b"/",
        version="2",
        raw=[],
        token_line=b"authorization: Bearer a.b.c",
        token=make_token(),
        secret_names=frozenset(),
        opening=None,
    )
    connection.teller.sent(connection.exchange, sent)
    connection.teller.sent(other, sent)
    connection.teller.ended(other, 0, 0)
    assert ["ended"] == connection.heard.events

    connection.teller.connected(OPENING)
    connection.teller.sent(connection.exchange, sent)
    assert [OPENING, None] == connection.heard.events[1:]


def test_a_head_is_told_without_pseudo_header_fields() -> None:
    pairs = [(b":status", b"200"), (b"a", b"1"), (b"a", b"2")]
    head = teller.response_head(200, pairs, max_bytes=100)

    assert (200, b"", "2") == (head.status, head.reason, head.version)
    assert [(b"a", b"1", b"a: 1"), (b"a", b"2", b"a: 2")] == head.headers


def test_what_few_bytes_stand_for_is_told_up_to_a_bound() -> None:
    head = teller.response_head(200, [(b"name", bytes(96))] * 1000, max_bytes=350)

    assert 3 == len(head.headers)


def test_our_own_answer_is_told_as_it_is_sent() -> None:
    exchange = Exchange("run", 7, None, RequestHead(b"GET", b"/", "2", []))
    error = refusals.shutting_down()
    head, body = teller.own_answer(error, exchange, cors=b"Vary: Origin\r\n")
    fields = {name: value for name, value, _ in head.headers}

    assert (503, "2") == (head.status, head.version)
    assert b"shutting_down" == fields[b"x-authproxy-error"]
    assert b"Origin" == fields[b"vary"]
    assert len(body) == int(fields[b"content-length"])
    assert b"run-7" in body
