"""What a worker tells of exchanges, and what it does not when nobody takes it."""

from typing import Any

from authproxy.exchange import RequestHead, Secret, SentHead, Token, make_field
from authproxy.wire.recorder import Recorder
from authproxy.workers.inspecting.telling_observer import (
    BATCH,
    MOST_TOKENS,
    MOST_WAITING,
    TellingObserver,
)

HEAD = RequestHead(b"GET", b"/", "1.1", [])


class Stage:
    def __init__(self) -> None:
        self.said: list[Any] = []
        self.is_behind = False
        self.observer = TellingObserver(self.said.append, lambda: self.is_behind)
        self.recorder = Recorder([self.observer])

    def exchanges(self, count: int) -> None:
        for _ in range(count):
            self.recorder.ended(self.recorder.begin(None, HEAD), 0, 0)

    @property
    def told(self) -> list[Any]:
        return [each for message in self.said for each in message["list"]]


def test_one_that_ends_soon_is_told_of_once() -> None:
    stage = Stage()
    stage.exchanges(1)
    stage.observer.tell()
    stage.observer.tell()

    assert [(1, True)] == [(each["number"], each["ended"]) for each in stage.told]
    assert "<TellingObserver [0 live, 0 waiting]>" == repr(stage.observer)


def test_many_are_told_of_in_batches_without_waiting() -> None:
    stage = Stage()
    stage.exchanges(2 * BATCH)

    assert [BATCH, BATCH] == [len(each["list"]) for each in stage.said]


def test_one_that_lasts_is_told_of_when_it_stands_otherwise() -> None:
    stage = Stage()
    exchange = stage.recorder.begin(None, HEAD)
    stage.observer.tell()
    assert [] == stage.told, "it may end soon"
    stage.observer.tell(is_asked=True)
    stage.observer.tell(is_asked=True)
    stage.recorder.admitted(exchange, "billing", None, b"a", "")
    stage.observer.tell()
    stage.recorder.ended(exchange, 0, 0)
    stage.observer.tell()

    assert [("", False), ("billing", False), ("billing", True)] == [
        (each["service"], "ended" in each) for each in stage.told
    ]


def test_what_a_parent_does_not_take_is_lost_and_counted() -> None:
    stage = Stage()
    lasts = stage.recorder.begin(None, HEAD)
    stage.observer.tell(is_asked=True)
    stage.is_behind = True
    stage.exchanges(MOST_WAITING + 10)
    stage.recorder.ended(lasts, 0, 0)
    stage.is_behind = False
    stage.observer.tell()

    assert 10 == sum(each["lost"] for each in stage.said)
    assert {"number": 1, "lost": True} == stage.told[-1]
    assert MOST_WAITING + 2 == len(stage.told)


def test_tunnels_that_a_parent_does_not_hear_of_take_no_memory() -> None:
    stage = Stage()
    stage.is_behind = True
    for _ in range(2 * MOST_WAITING):
        tunnel = stage.recorder.begin(None, HEAD)
        stage.recorder.tunnel_opened(tunnel)
        stage.recorder.ended(tunnel, 0, 0)
    waiting = repr(stage.observer)
    stage.is_behind = False
    stage.observer.tell()

    # Each that was told of as it opened must be told to have ended, or else it never would have.
    opened = {each["number"] for each in stage.told if "ended" not in each and "lost" not in each}
    over = [each["number"] for each in stage.told if "ended" in each or "lost" in each]
    assert opened <= {*over}
    assert len(over) == len({*over})
    assert f"<TellingObserver [0 live, {len(stage.told)} waiting]>" == waiting
    assert len(stage.told) <= MOST_WAITING + 1
    assert 2 * MOST_WAITING == len(opened) + sum(each["lost"] for each in stage.said)


def test_a_token_is_told_once() -> None:
    stage = Stage()
    tokens = [
        Token(
            value=Secret(f"t{number}"),
            expires_at=2.0,
            audience="a",
            principal="p",
            source="s",
            issued_at=1.0,
        )
        for number in range(MOST_TOKENS + 1)
    ]
    for token in (*tokens, tokens[-1]):
        exchange = stage.recorder.begin(None, HEAD)
        sent = SentHead("o", b"GET", b"/", "1.1", b"", b"", token, frozenset(), None)
        stage.recorder.sent(exchange, "p")
        stage.recorder.head_sent(exchange, sent)
        stage.recorder.ended(exchange, 0, 0)
    stage.observer.tell()
    told = [number for message in stage.said for number in message["tokens"]]

    assert list(range(1, MOST_TOKENS + 2)) == told
    assert stage.told[-1]["sent"][0][6] == stage.told[-2]["sent"][0][6] == told[-1]


def test_trailers_come_with_the_end() -> None:
    stage = Stage()
    exchange = stage.recorder.begin(None, HEAD)
    stage.observer.answer_trailers(exchange, [make_field(b"grpc-status", b"0")])
    stage.recorder.ended(exchange, 0, 0)
    stage.observer.tell()

    assert "grpc-status: 0" == stage.told[0]["trailers"]
