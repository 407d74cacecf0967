import gc
import os
import tracemalloc
from collections.abc import Callable

import pytest

from authproxy.exchange import Exchange
from authproxy.inspector.recording.store import FIXED, PLACE
from authproxy.wire.recorder import Recorder
from tests.support.recorded import MEBIBYTE, Story, head

MEMORY = 4 * MEBIBYTE


def small(story: Story, number: int) -> None:
    story.tell(("Host", "localhost"), ("Accept", "*/*"), target=b"/%d" % (number % 50))


def different(story: Story, number: int) -> None:
    story.tell(("Host", "localhost"), ("X-Id", os.urandom(40).hex()), target=b"/%d" % number)


def huge_head(story: Story, number: int) -> None:
    story.tell(("Host", "localhost"), ("X-Much", os.urandom(16_000).hex()))


def half_a_body(story: Story, number: int) -> None:
    kind = ("Content-Type", "text/plain")
    exchange = story.begin(kind, method=b"POST")
    story.recorder.request_piece(exchange, b"words " * 5000)
    story.answer(exchange, kind)
    story.recorder.answer_piece(exchange, b"words " * 5000)


def whole_body(story: Story, number: int) -> None:
    kind = ("Content-Type", "application/json")
    exchange = story.begin(kind, method=b"POST")
    story.recorder.request_piece(exchange, b'{"a": [%b1]}' % (b"1, " * 5000))
    story.answer(exchange, kind)
    story.end(exchange)


def events(story: Story, number: int) -> None:
    exchange = story.begin()
    story.answer(exchange, ("Content-Type", "text/event-stream"))
    for each in range(300):
        story.recorder.answer_piece(exchange, b"data: %d\n\n" % each)
    if number % 2:
        story.end(exchange)


def tunnel(story: Story, number: int) -> None:
    exchange = story.begin(("Upgrade", "websocket"))
    story.answer(exchange, status=101)
    for _ in range(300):
        story.recorder.request_piece(exchange, b"\x81\x05hello")
    if number % 2:
        story.end(exchange)


LOADS: list[tuple[Callable[[Story, int], None], int]] = [
    (small, 9000),
    (different, 4000),
    (huge_head, 400),
    (half_a_body, 300),
    (whole_body, 500),
    (events, 150),
    (tunnel, 150),
]


@pytest.mark.parametrize(("load", "count"), LOADS, ids=[load.__name__ for load, _ in LOADS])
def test_memory_stays_within_its_bound_whatever_the_load(
    load: Callable[[Story, int], None], count: int
) -> None:
    gc.collect()
    tracemalloc.start()
    try:
        story = Story(memory=MEMORY, with_content=["billing"])
        before = tracemalloc.get_traced_memory()[0]
        for number in range(count):
            load(story, number)
        gc.collect()
        took = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    store = story.recording.store

    assert took <= MEMORY
    assert store.forgotten > 0
    assert 0.8 * store.limit < store.used <= store.limit
    # What is counted is what is taken: neither is the bound a fiction, nor half of it wasted.
    assert store.used < took + FIXED


def test_twenty_thousand_exchanges_fit_into_the_usual_bound() -> None:
    story = Story()
    for number in range(20_000):
        small(story, number)

    assert (20_000, 0) == (len(story.recording.store), story.recording.store.forgotten)


def test_the_oldest_that_have_ended_go_before_those_under_way() -> None:
    story = Story(memory=MEMORY)
    story.begin(target=b"/under-way")
    for number in range(3000):
        different(story, number)

    targets = [record.target for record in story.recording.store.newest_first()]

    assert targets[0] == b"/2999"
    assert targets[-1] == b"/under-way"
    assert b"/0" not in targets


def test_open_streams_do_not_leave_the_list_empty() -> None:
    story = Story(memory=MEMORY, with_content=["billing"])
    for number in range(300):
        half_a_body(story, number)
        small(story, number)
    store = story.recording.store
    ended = [record for record in store.newest_first() if not record.is_live]

    assert 300 == len(ended)
    assert store.used <= store.limit


def test_what_is_under_way_is_the_data_paths_and_takes_but_a_place_here() -> None:
    story = Story(memory=MEMORY)
    lone = Recorder([])
    took = []
    for recorder in (lone, story.recorder):
        gc.collect()
        tracemalloc.start()
        kept: list[Exchange] = [
            recorder.begin(None, head(("X-Id", os.urandom(40).hex()))) for _ in range(4000)
        ]
        took.append(tracemalloc.get_traced_memory()[0] / len(kept))
        tracemalloc.stop()

    assert took[1] - took[0] <= PLACE
    assert 4000 * PLACE == story.recording.store.used


def test_content_that_was_forgotten_under_way_is_not_kept_again() -> None:
    story = Story(memory=MEMORY, with_content=["billing"])
    kind = ("Content-Type", "text/plain")
    exchanges = [story.begin(kind) for _ in range(100)]
    for exchange in exchanges:
        story.recorder.request_piece(exchange, os.urandom(20_000).hex().encode())
    store = story.recording.store
    kept = len(store)

    for exchange in exchanges:
        story.recorder.request_piece(exchange, b"more")
        story.recorder.ended(exchange, 0, 0)

    assert 0 < len(store) <= kept < 100
    assert store.used <= store.limit


def test_reader_hears_of_each_change_once() -> None:
    story = Story()
    store = story.recording.store
    first = story.tell().number
    seen = store.changes
    second = story.tell().number
    third = story.tell().number

    def since(position: int) -> list[int]:
        return [record.number for record in store.since(position) or []]

    assert [second, third] == since(seen)
    assert [first, second, third] == since(0)
    assert [] == since(store.changes)


def test_reader_hears_of_what_is_under_way_when_there_is_more_to_tell() -> None:
    story = Story(with_content=["billing"])
    store = story.recording.store
    told: dict[int, object] = {}

    def news() -> list[tuple[int, int]]:
        return [(each.number, each.facts.status) for each in store.under_way(told)]

    tunnel, other = story.begin(("Upgrade", "websocket")), story.begin()
    begun, quiet = news(), news()
    story.answer(tunnel, status=101)
    switched = news()
    story.recorder.request_piece(tunnel, b"\x81\x05hello")
    spoke = news()
    story.end(other)

    assert ([(1, 0), (2, 0)], []) == (begun, quiet)
    assert [(1, 101)] == switched == spoke
    assert [] == news()
    assert {1} == set(told)


@pytest.mark.parametrize("position", [-1, 10**9])
def test_reader_at_a_position_that_never_was_reads_everything_anew(position: int) -> None:
    story = Story()
    story.tell()

    assert story.recording.store.since(position) is None


def test_reader_that_is_too_far_behind_reads_everything_anew() -> None:
    story = Story(memory=MEMORY)
    for number in range(9000):
        small(story, number)

    assert story.recording.store.since(0) is None


def test_clearing_forgets_everything_and_tells_readers() -> None:
    story = Story(with_content=["billing"])
    exchange = story.begin()
    story.tell()
    store = story.recording.store
    before = store.changes

    store.clear()
    story.end_after_all(exchange)

    assert 0 == len(store)
    assert store.since(before) is None
    assert [] == store.since(store.changes)


def test_nothing_is_recorded_while_it_is_paused() -> None:
    story = Story()
    under_way = story.begin(target=b"/before")
    store = story.recording.store
    store.pause()
    story.end_after_all(story.begin(target=b"/while"))
    beyond = story.begin(target=b"/begun-in-it")
    story.end_after_all(under_way)
    paused = len(store)
    store.resume()
    story.end_after_all(beyond)
    story.tell(target=b"/after")

    assert 1 == paused
    assert [b"/after", b"/before"] == [record.target for record in store.newest_first()]
    assert not next(store.newest_first()).is_live


def test_repr_says_how_much_is_kept() -> None:
    story = Story()
    story.tell()

    assert repr(story.recording.store).startswith("<Store [1 exchanges, ")
