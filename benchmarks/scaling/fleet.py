"""Replicas that keep their tokens fresh, as a simulation of events on a clock of its own.

When a token is renewed and when a failed try comes again is decided by authproxy itself: `held` and
`RetryState`. The rest of a replica is modelled: each service needs one token, from the first moment
on; while the quota refuses it no request has a say in when it is tried again; ahead of time at most
`AT_ONCE` mints of a replica run at once.
"""

import heapq
import logging
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from random import Random

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.source import Product
from authproxy.identity.token_cache.concurrency import AT_ONCE
from authproxy.identity.token_cache.lifetime import Held, held
from authproxy.identity.token_cache.retry_state import RetryState
from benchmarks.scaling.google import Quota

HOUR_S = 3600.0
MINT_S = 0.3
"""How long a call is taken to last."""
_PRODUCT = Product(name="token", missing="token")
_REFUSED = CredentialError("the quota is used up", pause_s=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A fleet."""

    replicas: int
    services: int
    """Of each: so many tokens, each for another audience."""
    per_minute: int
    """Google's quota."""
    start_s: float = 1.0
    """Within which all replicas start."""
    hours: float = 4.0


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a plan."""

    plan: Plan
    quota: Quota
    all_served_s: float = 0.0
    """Until every replica had every token for the first time."""
    served: int = 0
    """Tokens that a replica had for the first time."""
    lapses: int = 0
    """Tokens that ended before there was another one."""
    mints: int = 0


@dataclass(slots=True)
class _Replica:
    running: int = 0
    waiting: "deque[_Audience]" = field(default_factory=deque)


@dataclass(slots=True)
class _Audience:
    replica: _Replica
    retries: RetryState
    held: Held | None = None


class _Fleet:
    def __init__(self, plan: Plan, rng: Random) -> None:
        self.rng = rng
        self.outcome = Outcome(plan=plan, quota=Quota(plan.per_minute))
        self._events: list[tuple[float, int, bool, _Audience]] = []
        self._order = count()

    def run(self) -> None:
        plan = self.outcome.plan
        for _ in range(plan.replicas):
            replica, begins = _Replica(), self.rng.uniform(0, plan.start_s)
            for _ in range(plan.services):
                retries = RetryState("source", "audience", _PRODUCT, self.rng)
                self._at(begins, _Audience(replica, retries), ends=False)
        while self._events and self._events[0][0] < plan.hours * HOUR_S:
            now, _, ends, audience = heapq.heappop(self._events)
            if ends:
                self._mint_ended(audience, now)
            else:
                self._mint_wanted(audience, now)

    def _at(self, when: float, audience: _Audience, *, ends: bool) -> None:
        heapq.heappush(self._events, (when, next(self._order), ends, audience))

    def _mint_wanted(self, audience: _Audience, now: float) -> None:
        replica = audience.replica
        if replica.running == AT_ONCE:
            replica.waiting.append(audience)
            return
        replica.running += 1
        self._at(now + MINT_S, audience, ends=True)

    def _mint_ended(self, audience: _Audience, now: float) -> None:
        replica = audience.replica
        replica.running -= 1
        if replica.waiting:
            self._mint_wanted(replica.waiting.popleft(), now)
        if self.outcome.quota.take(now):
            self._obtained(audience, now)
        else:
            self._failed(audience, now)

    def _obtained(self, audience: _Audience, now: float) -> None:
        outcome = self.outcome
        outcome.mints += 1
        if audience.held is None:
            outcome.served += 1
            outcome.all_served_s = max(outcome.all_served_s, now)
        elif now >= audience.held.invalid_at:
            outcome.lapses += 1
        audience.held = held(_token(now), self.rng, now=now, steady=now)
        audience.retries.obtained(audience.held, now)
        self._at(audience.held.stale_at, audience, ends=False)

    def _failed(self, audience: _Audience, now: float) -> None:
        good = audience.held if audience.held and now < audience.held.invalid_at else None
        audience.retries.failed(_REFUSED, good, now)
        self._at(now + audience.retries.wait_s(now), audience, ends=False)


def _token(now: float) -> Token:
    return Token(
        value=Secret(""),
        expires_at=now + HOUR_S,
        audience="audience",
        principal="principal",
        source="source",
        issued_at=now,
    )


def simulate(plan: Plan, seed: int = 1) -> Outcome:
    """The same for the same seed."""
    logger = logging.getLogger("authproxy.identity.token_cache.retry_state")
    before, logger.disabled = logger.disabled, True
    try:
        fleet = _Fleet(plan, Random(seed))
        fleet.run()
    finally:
        logger.disabled = before
    return fleet.outcome
