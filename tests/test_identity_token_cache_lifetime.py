import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.exchange import NO_TOKEN, Secret, Token
from authproxy.identity.token_cache.lifetime import TokenState, backoff, crowd_backoff, held

NOW = 1_800_000_000.0
INFINITE = float("inf")


class Highest(random.Random):
    """No jitter: always the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


class Lowest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


def token(life: float) -> Token:
    return Token(
        value=Secret("x"),
        expires_at=NOW + life,
        audience="a",
        principal="p",
        source="s",
        issued_at=NOW,
    )


@pytest.mark.parametrize(
    ("life", "stale_s", "margin_s"),
    [
        pytest.param(3600, 300, 2, id="an hour: five minutes"),
        pytest.param(12 * 3600, 300, 2, id="half a day: no more than five minutes"),
        pytest.param(600, 120, 2, id="ten minutes: 20 percent"),
        pytest.param(60, 40, 2, id="a minute: enough for an outage of half a minute"),
        pytest.param(30, 20, 1.5, id="half a minute: two thirds"),
        pytest.param(6, 4, 0.3, id="six seconds"),
    ],
)
def test_a_token_is_stale_in_the_last_part_of_its_life(
    life: float, stale_s: float, margin_s: float
) -> None:
    result = held(token(life), Highest())

    assert pytest.approx((stale_s, margin_s)) == (
        result.token.expires_at - result.stale_at,
        result.token.expires_at - result.invalid_at,
    )


def test_jitter_makes_a_token_stale_a_little_later_never_earlier() -> None:
    assert pytest.approx(270) == NOW + 3600 - held(token(3600), Lowest()).stale_at


def test_no_token_is_fresh_for_ever() -> None:
    assert TokenState.FRESH is held(NO_TOKEN, Highest()).state(NOW + 1e9)


def test_a_token_issued_after_its_end_is_invalid_at_its_end() -> None:
    result = held(token(-5), Highest())

    assert (NOW - 5, NOW - 5) == (result.stale_at, result.invalid_at)


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (0, TokenState.FRESH),
        (3299.9, TokenState.FRESH),
        (3300, TokenState.STALE),
        (3597.9, TokenState.STALE),
        (3598, TokenState.INVALID),
    ],
)
def test_states_change_at_their_moment(age: float, state: TokenState) -> None:
    assert state is held(token(3600), Highest()).state(NOW + age)


@given(life=st.floats(1, 1e6), seed=st.integers())
def test_the_three_states_always_come_in_order(life: float, seed: int) -> None:
    result = held(token(life), random.Random(seed))

    assert NOW < result.stale_at < result.invalid_at < result.token.expires_at


@pytest.mark.parametrize(
    ("tries", "left_s", "expected"),
    [
        pytest.param(1, 300, 1, id="first"),
        pytest.param(4, 300, 8, id="doubles"),
        pytest.param(50, 300, 30, id="at most half a minute"),
        pytest.param(50, 40, 5, id="an eighth of what is left"),
        pytest.param(50, 1, 0.5, id="never less than half a second"),
        pytest.param(1, 0, 0.5, id="nothing left"),
    ],
)
def test_retries_come_further_apart_but_closer_near_the_end(
    tries: int, left_s: float, expected: float
) -> None:
    assert expected == backoff(tries, left_s, Highest())


def test_jitter_shortens_a_wait_by_half_at_most() -> None:
    assert 0.5 == backoff(1, 300, Lowest())


@pytest.mark.parametrize(
    ("now", "steady", "expected"),
    [
        pytest.param(1010, 510, 1010, id="time passed"),
        pytest.param(9000, 510, 9000, id="the machine slept, or the clock was put forward"),
        pytest.param(200, 510, 1010, id="the clock was set back"),
    ],
)
def test_for_a_token_no_less_time_has_passed_than_the_steady_clock_says(
    now: float, steady: float, expected: float
) -> None:
    hour = held(token(3600), random.Random(), now=1000, steady=500)

    assert expected == hour.clock(now, steady)


def test_what_is_kept_long_may_want_to_be_looked_at_again_soon() -> None:
    secret = replace(token(7 * 24 * 3600), renew_after_s=300.0)

    assert NOW + 300 == held(secret, Highest()).stale_at
    assert NOW + 270 == held(secret, Lowest()).stale_at
    assert NOW + 7 * 24 * 3600 - 2 == held(secret, Highest()).invalid_at
    assert NOW + 3600 - 300 == held(replace(token(3600), renew_after_s=1e9), Highest()).stale_at


@pytest.mark.parametrize(
    ("tries", "left_s", "pause_s", "shortest", "longest"),
    [
        pytest.param(1, INFINITE, 0, 0, 2, id="at first within two seconds"),
        pytest.param(3, INFINITE, 0, 0, 8, id="then further and further apart"),
        pytest.param(99, INFINITE, 0, 0, 16, id="up to a bound"),
        pytest.param(1, INFINITE, 20, 20, 22, id="not before what was asked for"),
        pytest.param(1, INFINITE, 86400, 60, 62, id="which may not be a day"),
        pytest.param(9, 80, 0, 0, 10, id="sooner as the end comes near"),
        pytest.param(1, 20, 60, 10, 12, id="and before it, whatever was asked for"),
    ],
)
def test_where_too_many_ask_nobody_comes_back_together(
    tries: int, left_s: float, pause_s: float, shortest: float, longest: float
) -> None:
    found = [crowd_backoff(tries, left_s, rng(), pause_s=pause_s) for rng in (Lowest, Highest)]

    assert [shortest, longest] == found


def test_what_nobody_wants_may_come_much_later_where_too_many_ask() -> None:
    assert 300 == crowd_backoff(99, INFINITE, Highest(), pause_s=0, wanted=False)
