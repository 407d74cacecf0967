import asyncio
import gc
import logging
import random
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.source import NoSource
from authproxy.identity.token_cache.cache import TokenCache, Tokens
from authproxy.identity.token_cache.concurrency import AT_ONCE
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.service_tokens import KNOWN_FOR_S
from tests.support.clock import FakeClock
from tests.support.source import FakeSource, until

A = "https://a.run.app"
B = "https://b.run.app"


class Steady(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source(clock: FakeClock) -> FakeSource:
    return FakeSource(clock)


@pytest.fixture
async def cache(clock: FakeClock) -> AsyncIterator[TokenCache]:
    cache = TokenCache(clock=clock, steady=clock.steady, rng=Steady(), call_later=clock.call_later)
    yield cache
    await cache.close()


@pytest.fixture
def tokens(cache: TokenCache, source: FakeSource) -> Tokens:
    return cache.tokens_for(source, A)


async def value(tokens: Tokens) -> str:
    return (await tokens.get()).value.reveal()


def shown(tokens: Tokens) -> str | None:
    token = tokens.current()
    return token.value.reveal() if token else None


async def failure(tokens: Tokens) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await tokens.get()
    return caught.value


def settled(cache: TokenCache) -> Callable[[], bool]:
    """Whether nothing is being minted or waited for."""
    return lambda: len(cache.tasks) == 0


# Getting a token


async def test_there_is_no_current_token_before_the_first_mint(tokens: Tokens) -> None:
    assert None is tokens.current()


async def test_the_first_request_waits_for_a_mint_and_the_next_do_not(
    tokens: Tokens, source: FakeSource
) -> None:
    source.answer("one")

    assert ("one", "one", [A]) == (await value(tokens), shown(tokens), source.calls)


async def test_get_returns_a_token_that_is_there_already(
    tokens: Tokens, source: FakeSource
) -> None:
    source.answer("one")

    assert await tokens.get() is await tokens.get()


async def test_ten_thousand_first_requests_cause_one_mint(
    tokens: Tokens, source: FakeSource
) -> None:
    waiters = asyncio.gather(*(tokens.get() for _ in range(10_000)))
    await until(lambda: source.running == 1)
    source.answer("one")
    got = await waiters

    assert (10_000, {"one"}, 1) == (len(got), {t.value.reveal() for t in got}, len(source.calls))


async def test_waiters_that_leave_do_not_cancel_the_mint_for_the_others(
    tokens: Tokens, source: FakeSource
) -> None:
    leaving, staying = asyncio.gather(tokens.get()), asyncio.gather(tokens.get())
    await until(lambda: source.running == 1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    source.answer("one")

    assert ["one"] == [token.value.reveal() for token in await staying]


async def test_a_mint_that_nobody_waits_for_any_more_is_kept(
    tokens: Tokens, source: FakeSource, cache: TokenCache
) -> None:
    waiter = asyncio.gather(tokens.get())
    await until(lambda: source.running == 1)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    source.answer("one")
    await until(settled(cache))

    assert "one" == shown(tokens)


async def test_audiences_have_tokens_of_their_own(cache: TokenCache, source: FakeSource) -> None:
    a, b = cache.tokens_for(source, A), cache.tokens_for(source, B)
    source.answer("for a")
    assert "for a" == await value(a)
    source.answer("for b")
    assert "for b" == await value(b)

    assert [A, B] == source.calls


async def test_sources_have_tokens_of_their_own_even_under_one_name(
    cache: TokenCache, clock: FakeClock
) -> None:
    mine, yours = FakeSource(clock), FakeSource(clock)
    mine.answer("mine")
    yours.answer("yours")

    got = [await value(cache.tokens_for(each, A)) for each in (mine, yours)]
    assert ["mine", "yours"] == got


async def test_services_with_the_same_source_and_audience_share(
    cache: TokenCache, source: FakeSource
) -> None:
    assert cache.tokens_for(source, A) is cache.tokens_for(source, A)


async def test_one_source_is_asked_for_a_few_audiences_at_once(
    cache: TokenCache, source: FakeSource
) -> None:
    waiters = asyncio.gather(*(cache.tokens_for(source, f"https://{n}").get() for n in range(9)))
    await until(lambda: source.running == AT_ONCE)
    for _ in range(9):
        source.answer()
    await waiters

    assert (9, AT_ONCE) == (len(source.calls), source.most_running)


async def test_what_nobody_holds_any_more_is_forgotten(
    cache: TokenCache, source: FakeSource
) -> None:
    cache.tokens_for(source, A)
    gc.collect()

    assert "<TokenCache [tokens: 0 fresh, 0 stale, 0 invalid | 0 minting, 0 failing]>" == repr(
        cache
    )


async def test_no_more_tokens_are_kept_than_allowed(clock: FakeClock, source: FakeSource) -> None:
    cache = TokenCache(clock=clock, max_tokens=2, call_later=clock.call_later)
    each = [cache.tokens_for(source, f"https://{n}") for n in range(3)]
    for tokens in each:
        source.answer()
        await tokens.get()

    assert [False, True, True] == [tokens.current() is not None for tokens in each]
    clock.advance(4000)  # the evicted one's timer finds nothing and does nothing
    await cache.close()


async def test_none_is_known_without_asking_and_for_ever(
    cache: TokenCache, clock: FakeClock
) -> None:
    tokens = cache.tokens_for(NoSource(), A)
    clock.advance(1e8)

    assert NO_TOKEN is tokens.current() is await tokens.get()
    assert (TokenState.FRESH, False) == (tokens.state, tokens.reject(NO_TOKEN))


# Refresh


async def test_a_fresh_token_is_not_refreshed(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    source.answer("one")
    await tokens.get()
    clock.advance(3299)

    assert ("one", [A]) == (shown(tokens), source.calls)


async def test_a_stale_token_is_served_while_one_refresh_runs(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(3301)
    served = {shown(tokens) for _ in range(1000)}
    await until(lambda: source.running == 1)
    assert ({"one"}, "one", 2) == (served, shown(tokens), len(source.calls))

    source.answer("two")
    await until(settled(cache))
    assert ("two", 2) == (shown(tokens), len(source.calls))


async def test_a_token_is_refreshed_ahead_without_any_request(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    source.answer("two")
    await tokens.get()
    clock.advance(3301)
    await until(settled(cache))
    clock.advance(400)  # the first one is over

    assert ("two", 2) == (shown(tokens), len(source.calls))


async def test_an_audience_that_nobody_asked_for_in_an_hour_is_not_refreshed(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    source.answer("two")
    await tokens.get()
    clock.advance(3301)
    await until(settled(cache))
    clock.advance(3301)

    assert (2, [], True) == (len(source.calls), clock.pending, settled(cache)())


async def test_after_a_pause_the_next_use_starts_refreshing_again(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    for name in ("one", "two", "three"):
        source.answer(name)
    await tokens.get()
    clock.advance(3301)
    await until(settled(cache))
    clock.advance(3301)
    assert "two" == shown(tokens)
    await until(settled(cache))

    assert ("three", 1) == (shown(tokens), len(clock.pending))


async def test_an_hour_of_sixty_second_tokens_never_leaves_a_request_without_one(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.life = 60
    source.answer()
    await tokens.get()
    for _ in range(3600):
        clock.advance(1)
        assert tokens.current() is not None
        if not settled(cache)():
            source.answer()
            await until(settled(cache))

    assert 3600 / 20 == len(source.calls) - 1


@pytest.mark.parametrize("start", range(0, 60, 3))
async def test_half_a_minute_without_the_endpoint_goes_unnoticed_with_sixty_second_tokens(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache, start: int
) -> None:
    source.life = 60
    source.answer("first")
    await tokens.get()
    for tenth in range(1200):
        clock.advance(0.1)
        assert tokens.current() is not None
        if not settled(cache)():
            if start <= tenth / 10 < start + 30:
                source.fail()
            else:
                source.answer()
            await until(settled(cache))

    assert (TokenState.FRESH, False) == (tokens.state, tokens.status().trouble is not None)


async def test_a_failed_refresh_keeps_the_good_token_and_backs_off(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(3301)
    tried_at = []
    for _ in range(6):
        source.fail()
        shown(tokens)
        await until(settled(cache))
        tried_at.append(clock.now)
        assert "one" == shown(tokens)
        assert settled(cache)()  # a request does not hurry the next try
        clock.advance(clock.pending[0].due - clock.now)

    assert [1, 2, 4, 8, 16] == [round(b - a) for a, b in pairwise(tried_at)]


async def test_a_refresh_that_brings_the_same_token_backs_off_instead_of_looping(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(3301)
    waits = []
    for _ in range(4):
        source.answer("one", age=clock.now - 1_800_000_000.0)
        shown(tokens)
        await until(settled(cache))
        assert ("one", TokenState.STALE) == (shown(tokens), tokens.state)
        waits.append(round(clock.pending[0].due - clock.now))
        clock.advance(waits[-1])

    assert [1, 2, 4, 8] == waits


async def test_a_token_is_not_served_in_its_last_two_seconds(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(3597.9)
    assert "one" == shown(tokens)
    clock.jump(0.1)

    assert None is tokens.current()


async def test_after_a_laptop_slept_the_next_request_waits_for_a_new_token(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(8 * 3600)
    source.answer("two")

    assert "two" == await value(tokens)


async def test_after_a_short_sleep_a_quiet_audience_is_refreshed_within_a_minute(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    source.answer("two")
    await tokens.get()
    assert 60 == clock.pending[0].due - clock.now
    clock.jump(3310)
    clock.advance(0)
    await until(settled(cache))

    assert "two" == shown(tokens)


async def test_a_timer_whose_token_is_gone_does_nothing(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(8 * 3600)
    clock.advance(0)

    assert ([], True) == (clock.pending, settled(cache)())


# Failures


async def test_a_failed_mint_reaches_every_waiter_as_an_error_of_its_own(
    tokens: Tokens, source: FakeSource
) -> None:
    waiters = asyncio.gather(*(tokens.get() for _ in range(3)), return_exceptions=True)
    await until(lambda: source.running == 1)
    source.fail()
    errors = await waiters

    assert 3 == len({id(error) for error in errors})
    assert {"no identity token for https://a.run.app: no luck"} == {str(each) for each in errors}


async def test_an_error_carries_all_that_the_source_said(
    tokens: Tokens, source: FakeSource
) -> None:
    source.fail(CredentialError("m", hint="h", detail="d", permanent=True, retry_after_s=9))
    error = await failure(tokens)

    assert ("h", "d", True, 9) == (error.hint, error.detail, error.permanent, error.retry_after_s)


@pytest.mark.parametrize(("permanent", "hold_s"), [(False, 1), (True, 5)])
async def test_a_failure_answers_for_the_flood_that_follows_and_then_no_more(
    tokens: Tokens, source: FakeSource, clock: FakeClock, permanent: bool, hold_s: float
) -> None:
    source.fail(CredentialError("no luck", permanent=permanent))
    await failure(tokens)
    for _ in range(100):
        await failure(tokens)
    clock.advance(hold_s - 0.01)
    await failure(tokens)
    assert 1 == len(source.calls)
    clock.advance(0.01)
    source.answer("one")

    assert ("one", 2) == (await value(tokens), len(source.calls))


async def test_a_clock_set_back_does_not_prolong_a_failure(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    source.fail()
    await failure(tokens)
    clock.jump(-3600)
    source.answer("one")

    assert "one" == await value(tokens)


async def test_who_joins_a_background_refresh_that_fails_gets_the_failure(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(3301)
    tokens.current()
    await until(lambda: source.running == 1)
    clock.jump(400)  # the token ends while the refresh runs
    waiter = asyncio.gather(tokens.get(), return_exceptions=True)
    await asyncio.sleep(0)
    source.fail()
    (outcome,) = await waiter

    assert "no identity token for https://a.run.app: no luck" == str(outcome)


async def test_a_source_that_breaks_its_word_is_named_without_its_exceptions_text(
    tokens: Tokens, source: FakeSource
) -> None:
    source.fail(TypeError("eyJ.secret"))
    error = await failure(tokens)

    assert str(error).startswith(
        "no identity token for https://a.run.app: fake failed unexpectedly (TypeError at source.py:"
    )


async def test_a_token_that_ends_at_once_is_a_failure(tokens: Tokens, source: FakeSource) -> None:
    source.answer("one", life=100, age=99)
    error = await failure(tokens)

    assert (
        "no identity token for https://a.run.app: fake gave an expired token, which ended at"
        " 2027-01-15T08:00:01Z",
        "Is this machine's clock right?",
    ) == (str(error), error.hint)


async def test_an_older_token_never_replaces_a_newer_one(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(3301)
    tokens.current()
    source.answer("older", age=3400)
    await until(settled(cache))

    assert "one" == shown(tokens)


# A mint that hangs


@pytest.fixture
async def hasty(clock: FakeClock) -> AsyncIterator[TokenCache]:
    cache = TokenCache(clock=clock, deadline_s=0.02, rng=Steady(), call_later=clock.call_later)
    yield cache
    await cache.close()


async def test_a_hung_mint_is_an_error_that_says_so(hasty: TokenCache, source: FakeSource) -> None:
    error = await failure(hasty.tokens_for(source, A))

    assert (
        "no identity token for https://a.run.app: fake has not answered within 0.02 seconds",
        "Is the network slow or down? authproxy keeps waiting for the answer.",
        False,
    ) == (str(error), error.hint, error.permanent)
    source.answer()


async def test_the_late_token_of_a_hung_mint_is_used(hasty: TokenCache, source: FakeSource) -> None:
    tokens = hasty.tokens_for(source, A)
    await failure(tokens)
    assert tokens.status().minting
    source.answer("late")
    await until(settled(hasty))

    assert ("late", 1, None) == (shown(tokens), len(source.calls), tokens.status().trouble)


async def test_while_a_mint_hangs_no_second_one_is_started(
    hasty: TokenCache, source: FakeSource, clock: FakeClock
) -> None:
    tokens = hasty.tokens_for(source, A)
    await failure(tokens)
    clock.advance(2)
    await failure(tokens)
    assert 1 == len(source.calls)
    source.fail()  # too late to be of interest to anybody
    await until(settled(hasty))
    clock.advance(2)
    source.answer("two")

    assert ("two", 2) == (await value(tokens), len(source.calls))


# Rejected by the service


async def test_a_rejected_token_is_dropped_and_a_new_one_minted(
    tokens: Tokens, source: FakeSource
) -> None:
    source.answer("one")
    source.answer("two")
    one = await tokens.get()

    assert (True, None, "two") == (tokens.reject(one), tokens.current(), await value(tokens))


async def test_many_rejections_of_one_token_cause_one_mint(
    tokens: Tokens, source: FakeSource
) -> None:
    source.answer("one")
    source.answer("two")
    one = await tokens.get()
    before = [tokens.reject(one) for _ in range(100)]
    await asyncio.gather(*(tokens.get() for _ in range(100)))
    after = [tokens.reject(one) for _ in range(100)]

    assert ([True] * 100, [True] * 100, 2) == (before, after, len(source.calls))


async def test_rejections_are_believed_once_in_thirty_seconds(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    def reject(token: Token) -> bool:
        clock.advance(10)
        return tokens.reject(token)

    source.answer("one")
    assert tokens.reject(await tokens.get())
    source.answer("two")
    two = await tokens.get()

    assert [False, False, True] == [reject(two) for _ in range(3)]


# The end


async def test_whoever_waits_when_the_cache_closes_gets_an_error(
    tokens: Tokens, source: FakeSource, cache: TokenCache
) -> None:
    waiter = asyncio.gather(tokens.get(), return_exceptions=True)
    await until(lambda: source.running == 1)
    await cache.close()
    (outcome,) = await waiter
    source.answer()

    assert "authproxy is stopping and gets no more tokens" == str(outcome)


async def test_a_closed_cache_serves_what_it_has_and_starts_nothing(
    tokens: Tokens, source: FakeSource, cache: TokenCache, clock: FakeClock
) -> None:
    source.answer("one")
    await tokens.get()
    await cache.close()
    clock.jump(3301)
    assert "one" == shown(tokens)
    clock.jump(400)
    error = await failure(tokens)

    assert ("authproxy is stopping and gets no more tokens", 1, 0, []) == (
        str(error),
        len(source.calls),
        len(cache.tasks),
        clock.pending,
    )


# What is said


async def test_the_caches_repr_counts_tokens_by_state(
    cache: TokenCache, clock: FakeClock, source: FakeSource
) -> None:
    each = [cache.tokens_for(source, f"https://{n}") for n in range(4)]
    source.answer(life=600)
    await each[0].get()
    source.answer()
    await each[1].get()
    clock.jump(550)
    source.fail()
    await failure(each[2])
    waiter = asyncio.gather(each[3].get())
    await until(lambda: source.running == 1)

    assert "<TokenCache [tokens: 1 fresh, 1 stale, 2 invalid | 1 minting, 1 failing]>" == repr(
        cache
    )
    source.answer()
    await waiter


async def test_the_repr_of_tokens_says_what_for_and_in_which_state(tokens: Tokens) -> None:
    assert "<Tokens https://a.run.app from fake [invalid]>" == repr(tokens)


async def test_one_line_is_logged_for_each_change(
    tokens: Tokens,
    source: FakeSource,
    clock: FakeClock,
    cache: TokenCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    source.answer("eyJsecret", life=600)
    one = await tokens.get()
    clock.jump(590)
    source.fail()
    source.fail()
    tokens.current()
    await until(settled(cache))
    clock.advance(1)  # the same failure again: nothing new
    await until(settled(cache))
    clock.advance(1)
    source.answer("two")
    await until(settled(cache))
    assert tokens.reject(await tokens.get())
    source.answer("three")
    await tokens.get()

    assert one.value.reveal() not in caplog.text
    assert [
        "token for https://a.run.app as me@x.example from fake, good until 2027-01-15T08:10:00Z"
        " (first use)",
        "no new token for https://a.run.app since 2027-01-15T08:09:50Z (the last one is good until"
        " 2027-01-15T08:10:00Z, next try in 1.0 s): no luck [why]. Try again.",
        "token for https://a.run.app as me@x.example from fake, good until 2027-01-15T09:09:52Z"
        " (refresh ahead)",
        "token for https://a.run.app available again, after 2 s",
        "token for https://a.run.app rejected by the service: getting a new one",
        "token for https://a.run.app as me@x.example from fake, good until 2027-01-15T09:09:52Z"
        " (the service rejected the last one)",
    ] == caplog.messages


async def test_log_lines_carry_fields(
    tokens: Tokens, source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source.answer()
    await tokens.get()
    (record,) = caplog.records

    names = ("audience", "principal", "source", "expires_at", "reason")
    assert (A, "me@x.example", "fake", 1_800_003_600.0, "first use") == tuple(
        record.__dict__[name] for name in names
    )


async def test_with_the_loops_own_timer_a_token_is_refreshed_ahead() -> None:
    """Everything real: the clock, the loop's timers, threads."""
    cache = TokenCache()
    source = FakeSource(cache.clock, life=0.5)
    tokens = cache.tokens_for(source, A)
    source.answer("one")
    source.answer("two", life=3600)
    await tokens.get()
    await until(lambda: len(source.calls) == 2 and settled(cache)())

    assert "two" == shown(tokens)
    await cache.close()


async def test_an_evicted_token_is_served_for_a_second_at_most(
    clock: FakeClock, source: FakeSource
) -> None:
    cache = TokenCache(clock=clock, max_tokens=1, call_later=clock.call_later)
    first, second = (cache.tokens_for(source, f"https://{n}") for n in range(2))
    for tokens in (first, second):
        source.answer()
        await tokens.get()
        assert tokens.current() is not None

    assert first.current() is not None
    clock.advance(KNOWN_FOR_S)
    assert first.current() is None
    assert second.current() is not None
    await cache.close()


async def test_what_is_not_wanted_any_more_sets_no_timer_and_is_not_listed(
    cache: TokenCache, tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    other = cache.tokens_for(source, B)
    source.answer("one")
    source.answer("two")
    await tokens.get()
    await other.get()
    cache.keep_only({(source, B)})

    assert [B] == [status.audience for status in cache.statuses()]
    assert (None, "two", 1) == (shown(tokens), shown(other), len(clock.pending))
    assert cache.tokens_for(source, A) is not tokens


async def test_a_mint_that_is_under_way_ends_for_those_who_wait(
    cache: TokenCache, tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    waiting = asyncio.ensure_future(tokens.get())  # noqa: TID251 -- awaited below
    await until(lambda: source.running == 1)
    cache.keep_only(())
    source.answer("one")

    assert "one" == (await waiting).value.reveal()
    assert [] == clock.pending
