import gc
import sys

import pytest

from authproxy.exchange import Exchange
from authproxy.inspector.recording.kept_heads import REMEMBERED, Heads, MemoryAccount
from authproxy.inspector.recording.record import OVERHEAD
from authproxy.inspector.recording.record_maker import RecordMaker
from authproxy.wire.recorder import Recorder
from tests.support.recorded import Story, redactor


class Ends:
    wants_heads = True

    def exchange_ended(self, exchange: Exchange) -> None:
        """Nothing."""


@pytest.fixture
def account() -> MemoryAccount:
    return MemoryAccount()


@pytest.fixture
def maker(account: MemoryAccount) -> RecordMaker:
    return RecordMaker(Heads(redactor(), account))


def ended(*lines: tuple[str, str], target: bytes = b"/", status: int = 200) -> Exchange:
    story = Story()
    story.recorder = Recorder([Ends()])
    exchange = story.begin(*lines, target=target)
    story.answer(exchange, ("Content-Type", "text/plain"), status=status)
    story.end_after_all(exchange)
    return exchange


def test_what_is_kept_of_a_usual_exchange_is_no_work_for_the_garbage_collector(
    maker: RecordMaker,
) -> None:
    kept = maker.keep(ended())
    gc.collect()

    assert not gc.is_tracked(kept)


def test_what_is_kept_takes_no_more_than_is_counted_for_it(maker: RecordMaker) -> None:
    kept = maker.keep(ended())
    shared = range(-5, 257)
    numbers = [each for each in kept if isinstance(each, int | float) and each not in shared]

    assert sys.getsizeof(kept) + sum(map(sys.getsizeof, numbers)) <= OVERHEAD


def test_what_exchanges_have_in_common_is_kept_once_and_goes_with_the_last(
    maker: RecordMaker, account: MemoryAccount
) -> None:
    before = account.used
    kept = [maker.keep(ended(("Host", "a"))) for _ in range(3)]
    together = len(maker.common)
    for each in kept:
        maker.drop(each)

    assert (1, 0) == (together, len(maker.common))
    assert account.used - before < 1000  # the heads are still remembered


@pytest.mark.parametrize(
    "other",
    [
        ended(("Host", "b")),
        ended(("Host", "a"), target=b"/other"),
        ended(("Host", "a"), status=404),
    ],
    ids=["fields", "target", "answer"],
)
def test_what_differs_is_not_taken_for_the_same(maker: RecordMaker, other: Exchange) -> None:
    maker.keep(ended(("Host", "a")))
    maker.keep(other)

    assert 2 == len(maker.common)
    assert "<RecordMaker [2 different exchanges]>" == repr(maker)


def test_addresses_of_clients_that_are_remembered_are_bounded(maker: RecordMaker) -> None:
    for number in range(REMEMBERED * 2):
        exchange = ended(target=b"/%d" % number)
        assert "" == maker.show(maker.keep(exchange)).facts.client
