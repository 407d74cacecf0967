import pytest

from authproxy.exchange import Secret, Token
from authproxy.file_watch import FileWatch
from authproxy.identity.source import NoSource
from authproxy.identity.token_cache.lifetime import Held, held
from authproxy.identity.token_cache.shared import CacheSlot, Key, Shared
from authproxy.tasks import Tasks
from tests.support.caching import Steady
from tests.support.clock import FakeClock

KEY: Key = (NoSource(), "https://a")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def slot(clock: FakeClock) -> CacheSlot:
    tasks = Tasks()
    shared = Shared(
        wall=clock,
        now=clock,
        steady=clock.steady,
        deadline_s=1,
        rng=Steady(),
        call_later=clock.call_later,
        tasks=tasks,
        watch=FileWatch(clock.call_later),
        held={},
    )
    return CacheSlot(shared, KEY)


@pytest.fixture
def hour(clock: FakeClock) -> Held:
    token = Token(
        value=Secret("x"),
        expires_at=clock() + 3600,
        audience="https://a",
        principal="p",
        source="fake",
        issued_at=clock(),
    )
    return held(token, Steady(), now=clock(), steady=clock.steady())


def test_what_was_put_is_found_until_it_is_dropped(slot: CacheSlot, hour: Held) -> None:
    before = slot.find()
    slot.put(hour)
    put = slot.find()
    slot.drop()
    slot.drop()

    assert (None, hour, None) == (before, put, slot.find())


def test_what_has_ended_is_not_found(slot: CacheSlot, hour: Held, clock: FakeClock) -> None:
    slot.put(hour)
    clock.jump(3598)

    assert None is slot.find()


def test_a_clock_that_is_set_back_makes_no_token_live_longer(
    slot: CacheSlot, hour: Held, clock: FakeClock
) -> None:
    slot.put(hour)
    clock.jump(-5 * 3600)
    assert hour.received_at == slot.now(hour)
    clock.advance(3597)
    assert hour is slot.find()
    clock.advance(1)

    assert None is slot.find()
