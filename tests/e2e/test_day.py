"""A day in the life of ten audiences, simulated: outages, a laptop that sleeps, clocks that jump.

Only time and Google are pretended; the cache, its timers and its threads are the real ones. Google
has a clock of its own, which nobody sets and which goes on while the laptop sleeps.
"""

import random
from collections import Counter, defaultdict
from email.utils import formatdate
from itertools import pairwise

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.clock_skew import Skew
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens
from tests.support.caching import settled
from tests.support.clock import FakeClock
from tests.support.source import until

DAY_S = 24 * 3600
STEP_S = 5.0
LIFE_S = 3600.0
WINDOW_S = 300.0
"""The part of a token's life in which a new one is wanted."""
MARGIN_S = 2.0
AUDIENCES = [f"https://{n}.run.app" for n in range(10)]


class Google:
    """A source. Its tokens live for an hour by its own clock; during an outage it has none."""

    name = "google"

    def __init__(self, clock: FakeClock, skew: Skew) -> None:
        self.slept_s = 0.0
        self.minted: defaultdict[str, list[float]] = defaultdict(list)
        """Google's time of each mint that went well, by audience."""
        self.tries = 0
        self.outages: list[tuple[float, float]] = []
        self._clock = clock
        self._skew = skew

    def now(self) -> float:
        return self._clock.steady() + self.slept_s

    @property
    def away(self) -> bool:
        return any(start <= self.now() < end for start, end in self.outages)

    def mint(self, audience: str, /) -> Token:
        self.tries += 1
        if self.away:
            raise CredentialError("oauth2.googleapis.com cannot be reached")
        now = self.now()
        self._skew.heard(formatdate(now, usegmt=True), sent_at=self._skew.clock())
        self.minted[audience].append(now)
        return Token(
            value=Secret(f"{audience} {now}"),
            expires_at=now + LIFE_S,
            audience=audience,
            principal="me@x.example",
            source=self.name,
            issued_at=now,
        )

    def good(self, token: Token) -> bool:
        return self.now() < token.expires_at


class Day:
    """Moves time on, with everything that may happen in it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = FakeClock()
        self.skew = Skew(self.clock)
        self.google = Google(self.clock, self.skew)
        self.cache = TokenCache(
            clock=self.clock,
            steady=self.clock.steady,
            skew=self.skew,
            rng=random.Random(seed),
            call_later=self.clock.call_later,
        )
        self.tokens = [self.cache.tokens_for(self.google, each) for each in AUDIENCES]
        self.began_at = self.google.now()

    async def pass_by(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.settle()

    async def settle(self) -> None:
        if not settled(self.cache)():
            await until(settled(self.cache))

    def sleep(self, seconds: float) -> None:
        """The laptop does: the wall clock and Google go on, the steady clock stands still."""
        self.clock.jump(seconds)
        self.google.slept_s += seconds

    def set_clock(self, seconds: float) -> None:
        """Somebody puts ours forward, or back."""
        self.clock.jump(seconds)

    def plan_outages(self, count: int, *, longest_s: float) -> None:
        for _ in range(count):
            start = self.began_at + self.random.uniform(0, DAY_S)
            self.google.outages.append((start, start + self.random.uniform(60, longest_s)))

    @property
    def over(self) -> bool:
        return self.google.now() - self.began_at >= DAY_S

    def has_good(self, tokens: Tokens) -> bool:
        """Whether Google would still take the last token that it made for them."""
        minted = self.google.minted[tokens.audience]
        return bool(minted) and self.google.now() < minted[-1] + LIFE_S - MARGIN_S

    async def ask(self, tokens: Tokens) -> bool:
        """A request: whether it got a token. It must, while there is a good one."""
        had = self.has_good(tokens)
        token = tokens.current()
        if token is None:
            try:
                token = await tokens.get()
            except CredentialError:
                assert not had, f"{tokens} had a good token"
                assert self.google.away, f"{tokens} could have had one"
                return False
        assert self.google.good(token), f"{tokens} sent a token that had ended"
        return True

    def mints_in_one_life(self) -> list[tuple[float, float]]:
        """Mints that came before the one before was in its last part: one too many each."""
        return [
            (earlier, later)
            for minted in self.google.minted.values()
            for earlier, later in pairwise(minted)
            if later - earlier < LIFE_S - WINDOW_S - 1
        ]


@pytest.mark.parametrize("seed", range(4))
async def test_short_outages_pass_unnoticed_and_nothing_is_minted_twice(seed: int) -> None:
    """Those of up to four minutes: a token is renewed in its last five."""
    day = Day(seed)
    for tokens in day.tokens:
        assert await day.ask(tokens)
    day.plan_outages(24, longest_s=240)
    while not day.over:
        await day.pass_by(STEP_S)
        assert all([await day.ask(tokens) for tokens in day.tokens])

    assert [] == day.mints_in_one_life()
    assert 25 * len(AUDIENCES) <= sum(map(len, day.google.minted.values())) <= 28 * len(AUDIENCES)
    await day.cache.close()


@pytest.mark.parametrize("seed", range(4))
async def test_no_request_fails_while_there_is_a_good_token_whatever_the_day_brings(
    seed: int,
) -> None:
    """Outages of up to twenty minutes, naps, and quiet hours for some."""
    day = Day(seed)
    day.plan_outages(24, longest_s=1200)
    answers: Counter[bool] = Counter()
    while not day.over:
        if day.random.random() < 0.002:
            day.sleep(day.random.choice([30, 300, 3000, 4 * 3600]))
        await day.pass_by(STEP_S)
        for tokens in day.tokens:
            if day.random.random() < 0.3:
                answers[await day.ask(tokens)] += 1
                await day.settle()

    assert [] == day.mints_in_one_life()
    assert answers[True] > answers[False] > 0
    await day.cache.close()


@pytest.mark.parametrize("seed", range(3))
async def test_a_clock_that_is_set_again_and_again_makes_no_request_fail(seed: int) -> None:
    """Back by hours and forward by hours: every token that is sent is good by Google's clock."""
    day = Day(seed)
    while not day.over:
        if day.random.random() < 0.002:
            day.set_clock(day.random.choice([-5, -1, 1, 5]) * 3600 * day.random.random())
        await day.pass_by(STEP_S)
        assert all([await day.ask(tokens) for tokens in day.tokens])

    assert day.google.tries < 2000
    await day.cache.close()


async def test_after_a_night_s_sleep_each_audience_asks_once() -> None:
    day = Day(0)
    for tokens in day.tokens:
        assert await day.ask(tokens)
    day.sleep(9 * 3600)
    for _ in range(10):
        for tokens in day.tokens:
            assert await day.ask(tokens)

    assert 2 * len(AUDIENCES) == day.google.tries
    await day.cache.close()
