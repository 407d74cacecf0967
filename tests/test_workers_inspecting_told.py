"""The parent's inspector hears of what workers have told."""

import json
from typing import Any

from authproxy.exchange import Exchange, RequestHead, ResponseHead, make_field
from authproxy.inspector.assembly import build_recording
from authproxy.inspector.recording.record import Record
from authproxy.wire.recorder import Recorder
from authproxy.workers.inspecting.telling_observer import MOST_WAITING, TellingObserver
from authproxy.workers.inspecting.told import ToldExchanges
from tests.support.recorded import MEBIBYTE

FIELDS = [make_field(b"Authorization", b"Bearer s3cret"), make_field(b"Accept", b"x")]


class Stage:
    """Two workers and their parent, who get messages as JSON."""

    def __init__(self, memory: int = 8 * MEBIBYTE) -> None:
        self.recording = build_recording(memory=memory, body_bytes=1024, with_content=())
        self.store = self.recording.store
        self.told = ToldExchanges(self.recording)
        self.is_behind = False
        self.observers = {
            worker: TellingObserver(self.to_parent(worker), lambda: self.is_behind)
            for worker in (1, 2)
        }
        self.recorders = {w: Recorder([each]) for w, each in self.observers.items()}

    def to_parent(self, worker: int) -> Any:
        return lambda message: self.told.hear(worker, json.loads(json.dumps(message)))

    def begin(self, worker: int, target: bytes = b"/") -> Exchange:
        head = RequestHead(b"GET", target, "1.1", FIELDS)
        exchange = self.recorders[worker].begin(None, head, b"localhost")
        self.recorders[worker].admitted(exchange, "billing", None, b"localhost", "")
        return exchange

    def end(self, worker: int, exchange: Exchange, status: int = 200) -> None:
        came = ResponseHead(status, b"OK", [make_field(b"Server", b"s")])
        self.recorders[worker].answered(exchange, status)
        self.recorders[worker].answer_head(exchange, came, came)
        self.recorders[worker].ended(exchange, 0, 2)

    def tell(self, *, is_asked: bool = False) -> list[Record]:
        """All that there are then, newest first."""
        for each in self.observers.values():
            each.tell(is_asked=is_asked)
        return list(self.store.newest_first())


def test_ids_are_those_of_the_workers_and_numbers_are_the_parents() -> None:
    stage = Stage()
    mine, yours = stage.begin(1), stage.begin(2)
    stage.end(1, mine)
    stage.end(2, yours)
    newest, oldest = stage.tell()

    assert [1, 1] == [mine.number, yours.number]
    assert [mine.request_id, yours.request_id] == [oldest.request_id, newest.request_id]
    assert [2, 1] == [newest.number, oldest.number]
    assert b"s3cret" not in oldest.request.text
    assert b"Accept: x" in oldest.request.text
    assert "s" == (oldest.answer.sent.get(b"server") if oldest.answer else "")
    assert 2 == oldest.facts.bytes_to_client


def test_one_that_lasts_is_in_the_list_and_ends_there() -> None:
    stage = Stage()
    exchange = stage.begin(1, b"/long")
    [live] = stage.tell(is_asked=True)
    stage.end(1, exchange)
    [ended] = stage.tell()

    assert (True, False) == (live.is_live, ended.is_live)
    assert live.request_id == ended.request_id == exchange.request_id
    assert live.number == ended.number


def test_a_tunnel_keeps_its_heads_and_no_secret() -> None:
    stage = Stage()
    exchange = stage.begin(1, b"/ws")
    came = ResponseHead(101, b"Switching", [make_field(b"Upgrade", b"websocket")])
    stage.recorders[1].answered(exchange, 101)
    stage.recorders[1].answer_head(exchange, came, came)
    stage.recorders[1].tunnel_opened(exchange)
    [live] = stage.tell()
    stage.recorders[1].ended(exchange, 3, 4)
    [ended] = stage.tell()

    for each in (live, ended):
        assert "tunnel" == each.protocol
        assert each.answer is not None
        assert "websocket" == each.answer.sent.get(b"upgrade")
    assert 3 == ended.facts.bytes_from_client


def test_trailers_are_kept() -> None:
    stage = Stage()
    exchange = stage.begin(1)
    stage.observers[1].answer_trailers(exchange, [make_field(b"grpc-status", b"0")])
    stage.end(1, exchange)
    [record] = stage.tell()

    assert record.trailers is not None
    assert "0" == record.trailers.get(b"grpc-status")


def test_what_was_in_flight_ends_with_its_worker() -> None:
    stage = Stage()
    stage.begin(1)
    other = stage.begin(2)
    stage.tell(is_asked=True)
    stage.told.gone(1)
    stage.end(2, other)
    newest, oldest = stage.tell()

    assert ("authproxy", "its worker has ended") == (oldest.facts.aborted, oldest.facts.detail)
    assert "" == newest.facts.aborted
    assert f"<ToldExchanges into {stage.store}>" == repr(stage.told)


def test_what_was_lost_on_the_way_is_counted_and_leaves_nothing_behind() -> None:
    stage = Stage()
    lasts = stage.begin(1)
    stage.tell(is_asked=True)
    stage.is_behind = True
    for _ in range(MOST_WAITING + 5):
        stage.end(1, stage.begin(1))
    stage.end(1, lasts)
    stage.is_behind = False
    found = stage.tell()

    assert MOST_WAITING == len(found)
    assert not any(each.is_live for each in found)
    assert 6 == stage.store.forgotten  # each once


def test_one_that_could_not_be_read_is_lost_once_and_holds_up_no_other() -> None:
    stage = Stage()
    unreadable = {"number": 7, "id": "r-7", "client": "no address", "head": ["", "", "1.1", ""]}
    lost = {"number": 7, "lost": True}
    message = {"tokens": {}, "lost": 0, "list": [unreadable, lost]}
    stage.end(1, stage.begin(1))
    stage.observers[1].tell()
    stage.told.hear(1, message)
    stage.end(1, stage.begin(1))

    assert 2 == len(stage.tell())
    assert 1 == stage.store.forgotten


def test_ids_go_with_what_is_forgotten() -> None:
    stage = Stage()
    for _ in range(3):
        stage.end(1, stage.begin(1))
    stage.begin(1)
    stage.tell(is_asked=True)
    assert 4 == len(stage.recording.ids)
    stage.store.clear()

    assert {} == stage.recording.ids


def test_what_began_in_a_pause_leaves_nothing_behind_after_it() -> None:
    stage = Stage()
    used = []
    for _ in range(3):
        stage.store.pause()
        lasts, tunnel = stage.begin(1), stage.begin(1)
        came = ResponseHead(101, b"Switching", [make_field(b"Upgrade", b"websocket")])
        stage.recorders[1].answered(tunnel, 101)
        stage.recorders[1].answer_head(tunnel, came, came)
        stage.recorders[1].tunnel_opened(tunnel)
        stage.tell(is_asked=True)
        stage.store.resume()
        stage.end(1, lasts)
        stage.recorders[1].ended(tunnel, 3, 4)
        assert [] == stage.tell()
        used.append(stage.store.used)

    assert {} == stage.recording.ids
    assert 1 == len({*used})  # but for what all of them have
