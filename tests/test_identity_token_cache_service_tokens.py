from collections.abc import AsyncIterator
from email.utils import formatdate

import pytest

from authproxy.errors import Code, CredentialError
from authproxy.exchange import NO_TOKEN
from authproxy.identity.clock_skew import Skew
from authproxy.identity.source import NoSource, Product
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.service_tokens import KNOWN_FOR_S, Tokens
from authproxy.identity.token_cache.status import TokenStatus, Trouble
from tests.support.caching import A, failure, make_cache, settled, shown
from tests.support.clock import FakeClock
from tests.support.source import FakeSource, until

NOW = 1_800_000_000.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


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


# Clocks that jump


@pytest.fixture
def google(clock: FakeClock) -> FakeSource:
    """Its tokens end by a clock that nobody sets."""
    return FakeSource(clock.steady)


@pytest.mark.parametrize("slept_s", [3598, 3600, 8 * 3600])
async def test_a_token_that_ended_while_the_machine_slept_is_not_sent_from_memory(
    tokens: Tokens, source: FakeSource, clock: FakeClock, slept_s: float
) -> None:
    source.answer("one")
    await tokens.get()
    assert "one" == shown(tokens)
    clock.jump(slept_s)

    assert None is shown(tokens)


async def test_a_clock_that_is_set_back_does_not_keep_what_is_known(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    source.answer("one")
    one = await tokens.get()
    assert "one" == shown(tokens)
    clock.jump(-5 * 3600)
    tokens.reject(one)

    assert None is shown(tokens)


async def test_a_clock_that_is_set_back_by_hours_does_not_stop_refreshes(
    cache: TokenCache, google: FakeSource, clock: FakeClock
) -> None:
    tokens = cache.tokens_for(google, A)
    google.answer("one")
    google.answer("two")
    await tokens.get()
    clock.jump(-5 * 3600)
    clock.advance(3301)
    await until(settled(cache))

    assert ("two", 2) == (shown(tokens), len(google.calls))


async def test_a_clock_that_is_set_back_after_a_failure_does_not_stop_the_next_try(
    cache: TokenCache, google: FakeSource, clock: FakeClock
) -> None:
    tokens = cache.tokens_for(google, A)
    google.answer("one")
    await tokens.get()
    google.fail()
    clock.advance(3301)
    await until(settled(cache))
    clock.jump(-5 * 3600)
    google.answer("two")
    clock.advance(60)
    await until(settled(cache))

    assert ("two", 3) == (shown(tokens), len(google.calls))


@pytest.mark.parametrize("wrong_s", [-5 * 3600, 5 * 3600])
async def test_with_google_s_time_known_tokens_come_and_end_by_it(
    clock: FakeClock, google: FakeSource, wrong_s: float
) -> None:
    clock.jump(wrong_s)
    skew = Skew(clock)
    cache = TokenCache(clock=clock, steady=clock.steady, skew=skew, call_later=clock.call_later)
    tokens = cache.tokens_for(google, A)
    skew.heard(formatdate(clock.steady(), usegmt=True), sent_at=clock())
    google.answer("one")
    await tokens.get()
    status = tokens.status()
    clock.jump(3596.9)  # asleep: Google's clock goes on
    assert "one" == shown(tokens)
    clock.jump(1.2)

    assert (NOW + 3600, None) == (status.expires_at, shown(tokens))
    assert pytest.approx(NOW, abs=1) == status.obtained_at
    await cache.close()


@pytest.mark.parametrize("by", [3, -3])
async def test_what_is_known_is_known_for_a_moment_on_both_sides_of_a_jump(
    source: FakeSource, clock: FakeClock, by: float
) -> None:
    cache = TokenCache(clock=clock, steady=clock.steady, call_later=clock.call_later, max_tokens=1)
    tokens = cache.tokens_for(source, "https://a")
    source.answer("one")
    source.answer("two")
    one = await tokens.get()
    assert one is tokens.current()
    await cache.tokens_for(source, "https://b").get()  # for which the first one had to go
    clock.jump(KNOWN_FOR_S / 2)
    assert one is tokens.current()
    clock.jump(by)

    assert None is tokens.current()
    await cache.close()


# Status


async def test_before_the_first_token_there_is_little_to_say(tokens: Tokens) -> None:
    assert (
        TokenStatus(
            source="fake",
            audience=A,
            principal="",
            state=TokenState.INVALID,
            expires_at=None,
            stale_at=None,
            obtained_at=None,
            obtained=0,
            failures=0,
            trouble=None,
            minting=False,
            next_try_at=None,
        )
        == tokens.status()
    )


async def test_a_good_token_is_described_without_being_shown(
    tokens: Tokens, source: FakeSource
) -> None:
    source.answer("eyJ.secret")
    await tokens.get()

    assert (
        TokenStatus(
            source="fake",
            audience=A,
            principal="me@x.example",
            state=TokenState.FRESH,
            expires_at=NOW + 3600,
            stale_at=NOW + 3300,
            obtained_at=NOW,
            obtained=1,
            failures=0,
            trouble=None,
            minting=False,
            next_try_at=NOW + 3300,
        )
        == tokens.status()
    )
    assert "secret" not in repr(tokens.status())


async def test_a_failure_is_described_beside_the_token_that_is_still_good(
    tokens: Tokens, source: FakeSource, clock: FakeClock, cache: TokenCache
) -> None:
    source.answer("one")
    await tokens.get()
    source.fail(CredentialError("no luck", hint="Try again.", detail="why", permanent=True))
    clock.advance(3300)
    await until(settled(cache))
    status = tokens.status()

    assert (TokenState.STALE, 1, 1, True) == (
        status.state,
        status.obtained,
        status.failures,
        status.sendable,
    )
    assert Trouble(message="no luck", hint="Try again.", permanent=True) == status.trouble
    assert NOW + 3301 == status.next_try_at


async def test_who_it_was_is_said_also_when_the_token_has_ended(
    tokens: Tokens, source: FakeSource, clock: FakeClock
) -> None:
    source.answer("one")
    await tokens.get()
    clock.jump(4000)
    status = tokens.status()

    assert ("me@x.example", NOW, None, False) == (
        status.principal,
        status.obtained_at,
        status.expires_at,
        status.sendable,
    )


async def test_none_is_always_ready(cache: TokenCache) -> None:
    status = cache.tokens_for(NoSource(), A).status()

    assert (True, float("inf"), "none") == (status.sendable, status.expires_at, status.source)
    assert NO_TOKEN.source == status.source


async def test_readiness_names_the_services_without_a_token(
    cache: TokenCache, clock: FakeClock, source: FakeSource
) -> None:
    good, bad = cache.tokens_for(source, A), cache.tokens_for(FakeSource(clock), "https://b")
    source.answer()
    await good.get()
    assert isinstance(bad.source, FakeSource)
    bad.source.fail()
    await failure(bad)
    verdict = cache.readiness()

    assert (False, ["https://b: no luck. Try again."]) == (verdict.ready, verdict.reasons())
    assert 2 == len(cache.statuses())


async def test_what_is_no_token_says_by_its_code_what_it_is(
    cache: TokenCache, clock: FakeClock
) -> None:
    class Secrets(FakeSource):
        def product(self, audience: str) -> Product:
            return Product(name="key", missing="key", code=Code.SECRET_UNAVAILABLE)

    (status,) = cache.tokens_for(Secrets(clock), A).statuses()

    assert Code.SECRET_UNAVAILABLE is status.code


async def test_where_too_many_ask_no_request_does_until_the_next_try_which_comes_by_itself(
    tokens: Tokens, source: FakeSource, cache: TokenCache, clock: FakeClock
) -> None:
    source.fail(CredentialError("too many ask", pause_s=5.0))
    first = await failure(tokens)
    clock.advance(6.9)  # 5 s, and up to 2 s by chance
    second = await failure(tokens)
    asked = len(source.calls)
    source.answer("one")
    clock.advance(0.2)
    await until(settled(cache))

    assert (7, 1) == (first.retry_after_s, second.retry_after_s)
    assert 1 == asked
    assert "one" == shown(tokens)
