import gc
import os
import tracemalloc
from collections.abc import Callable

import pytest

from authproxy.inspector.recording.store import CHANGES, FIXED
from tests.support.recorded import MEBIBYTE, Story

MEMORY = 4 * MEBIBYTE


def small(story: Story, number: int) -> None:
    story.tell(("Host", "localhost"), ("Accept", "*/*"), target=b"/%d" % (number % 50))


def different(story: Story, number: int) -> None:
    story.tell(("Host", "localhost"), ("X-Id", os.urandom(40).hex()), target=b"/%d" % number)


def huge_head(story: Story, number: int) -> None:
    story.tell(("Host", "localhost"), ("X-Much", os.urandom(16_000).hex()))


def in_flight(story: Story, number: int) -> None:
    story.begin(("Host", "localhost"), ("X-Id", os.urandom(40).hex()), target=b"/%d" % number)


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
    (small, 5000),
    (different, 4000),
    (huge_head, 400),
    (in_flight, 4000),
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


def test_what_was_forgotten_under_way_is_not_kept_again() -> None:
    story = Story(memory=MEMORY)
    exchanges = [story.begin(("X-Id", os.urandom(100).hex())) for _ in range(4000)]
    store = story.recording.store
    kept = len(store)

    for exchange in exchanges:
        story.answer(exchange)
        story.recorder.ended(exchange, 0, 0)

    assert 0 < len(store) <= kept < 4000
    assert store.used <= store.limit


def test_reader_hears_of_each_change_once() -> None:
    story = Story()
    store = story.recording.store
    first = story.tell().number
    seen = store.changes
    second = story.tell().number
    third = story.tell().number

    assert [second, third] == store.since(seen)
    assert [first, second, third] == store.since(0)
    assert [] == store.since(store.changes)


@pytest.mark.parametrize("position", [-1, 10**9])
def test_reader_at_a_position_that_never_was_reads_everything_anew(position: int) -> None:
    story = Story()
    story.tell()

    assert story.recording.store.since(position) is None


def test_reader_that_is_too_far_behind_reads_everything_anew() -> None:
    story = Story()
    for number in range(CHANGES):
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
    store.is_paused = True
    story.end_after_all(story.begin(target=b"/while"))
    story.end_after_all(under_way)
    store.is_paused = False
    story.tell(target=b"/after")

    assert [b"/after", b"/before"] == [record.target for record in store.newest_first()]
    assert not next(store.newest_first()).is_live


def test_repr_says_how_much_is_kept() -> None:
    story = Story()
    story.tell()

    assert repr(story.recording.store).startswith("<Store [1 exchanges, ")
