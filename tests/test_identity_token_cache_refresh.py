"""What happens while nobody asks: tries after failures, and files that change."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.file_watch import LOOK_EVERY_S
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.concurrency import AT_ONCE, PATIENCE_S
from authproxy.identity.token_cache.service_tokens import Tokens
from tests.support.caching import A, failure, make_cache, settled, shown
from tests.support.clock import FakeClock
from tests.support.source import FakeSource, until

PERMANENT = CredentialError("never", permanent=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source(clock: FakeClock) -> FakeSource:
    return FakeSource(clock)


@pytest.fixture
async def cache(clock: FakeClock) -> AsyncIterator[TokenCache]:
    cache = make_cache(clock)
    yield cache
    await cache.close()


@pytest.fixture
def tokens(cache: TokenCache, source: FakeSource) -> Tokens:
    return cache.tokens_for(source, A)


async def to_next_try(clock: FakeClock, cache: TokenCache) -> float:
    """Seconds until it."""
    before = clock.now
    while settled(cache)():
        clock.advance(clock.pending[0].due - clock.now)
    await until(settled(cache))
    return clock.now - before


@pytest.mark.parametrize("error", [CredentialError("no luck"), PERMANENT])
async def test_a_first_token_comes_without_anybody_asking_again(
    tokens: Tokens,
    source: FakeSource,
    clock: FakeClock,
    cache: TokenCache,
    error: CredentialError,
) -> None:
    source.fail(error)
    await failure(tokens)
    source.answer("one")
    waited_s = await to_next_try(clock, cache)

    assert (1, "one") == (waited_s, shown(tokens))


async def test_tries_for_a_first_token_go_on_for_ever_but_slow_down(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.fail()
    await failure(tokens)
    waits: list[float] = []
    while sum(waits) < 2 * 3600:
        source.fail()
        waits.append(await to_next_try(clock, cache))

    assert ([1, 2, 4, 8, 16, 30, 30], [300] * 3) == (waits[:7], waits[-3:])


async def test_a_service_that_lost_its_token_is_given_up_an_hour_after_its_last_use(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    await tokens.get()
    while clock.pending and clock.now < 1_800_000_000 + 20_000:
        clock.advance(clock.pending[0].due - clock.now)
        if not settled(cache)():
            source.fail()
            await until(settled(cache))
    assert 3600 <= clock.now - 1_800_000_000 <= 3600 + 300

    source.answer("two")
    assert "two" == (await tokens.get()).value.reveal()


async def test_a_request_need_not_wait_for_the_next_try(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    for _ in range(5):
        source.fail()
    await failure(tokens)
    for _ in range(4):
        await to_next_try(clock, cache)
    clock.advance(1)
    source.answer("one")

    assert "one" == (await tokens.get()).value.reveal()


class OnFile:
    """Gives what the file holds."""

    name = "file"

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.paths = (path,)
        self.calls = 0
        self._inner = FakeSource(clock)

    def mint(self, audience: str, /) -> Token:
        self.calls += 1
        if not self.paths[0].exists():
            raise CredentialError("there is no file", permanent=True)
        self._inner.answer(self.paths[0].read_text())
        return self._inner.mint(audience)


async def test_a_file_that_appears_is_as_good_as_the_next_try(
    cache: TokenCache, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    source = OnFile(tmp_path / "key.json", clock)
    tokens = cache.tokens_for(source, A)
    await failure(tokens)
    while clock.now < 1_800_000_000 + 60:
        clock.advance(LOOK_EVERY_S)
        await until(settled(cache))
    tried = source.calls
    while source.calls == tried:  # the next try by itself is far away then
        clock.advance(LOOK_EVERY_S)
        await until(settled(cache))
    tried = source.calls
    source.paths[0].write_text("from the file")
    clock.advance(LOOK_EVERY_S)
    await until(settled(cache))

    assert (tried + 1, "from the file") == (source.calls, shown(tokens))
    assert (
        f"the files that credentials come from (file) have changed: trying again for {A}"
        in caplog.messages
    )
    clock.advance(LOOK_EVERY_S)
    assert len(clock.pending) == 1, "nobody looks at files while all is well"


async def test_a_file_that_changes_ends_the_time_in_which_a_failure_answers(
    cache: TokenCache, clock: FakeClock, tmp_path: Path
) -> None:
    source = OnFile(tmp_path / "key.json", clock)
    tokens = cache.tokens_for(source, A)
    for _ in range(8):
        clock.advance(40)
        await until(settled(cache))
        await failure(tokens)
    source.paths[0].write_text("new")
    clock.advance(LOOK_EVERY_S)
    await until(settled(cache))

    assert "new" == shown(tokens)


async def test_a_closed_cache_looks_at_no_files_and_tries_nothing(
    cache: TokenCache, clock: FakeClock, tmp_path: Path
) -> None:
    source = OnFile(tmp_path / "key.json", clock)
    await failure(cache.tokens_for(source, A))
    await cache.close()

    assert [] == clock.pending


async def test_audiences_that_hang_do_not_hold_up_the_others(
    cache: TokenCache, source: FakeSource, clock: FakeClock
) -> None:
    """Nor do they hold up the other sources, which have places of their own."""
    hung = [cache.tokens_for(source, f"https://{n}") for n in range(AT_ONCE)]
    tasks = [cache.tasks.start(failure(each), name="waiter") for each in hung]
    await until(lambda: source.running == AT_ONCE)
    other, stranger = cache.tokens_for(source, A), FakeSource(clock)
    stranger.answer("at once")
    assert "at once" == (await cache.tokens_for(stranger, A).get()).value.reveal()

    waiter = cache.tasks.start(other.get(), name="waiter")
    clock.advance(PATIENCE_S)
    await until(lambda: source.running == AT_ONCE + 1)
    for _ in range(AT_ONCE + 1):
        source.answer("late")
    assert "late" == (await waiter).value.reveal()
    for task in tasks:
        task.cancel()
