"""Life of a token: when to renew it, and until when it may be sent. Pure: no clock, no I/O.

A token is *fresh*, then *stale* (still good, a new one is wanted), then *invalid*. The stale part
is the last 20 % of its life, at most five minutes, as Google's own libraries have it. Tokens that
live for a minute or so get a longer stale part than 20 %: long enough for a token endpoint to be
away for half a minute unnoticed.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from authproxy.exchange import Token

STALE_SHARE = 0.2
STALE_AT_MOST_S = 300.0
OUTAGE_S = 40.0
"""How long an outage may last unnoticed, with the retries around it …"""
OUTAGE_SHARE = 2 / 3
"""… as far as so much of a short life allows."""
JITTER = 0.1
"""Share of the stale part by which it begins later, so that many proxies do not ask at once."""

MARGIN_S = 2.0
"""A token is not sent this shortly before its end: it would expire on its way …"""
MARGIN_SHARE = 0.05
"""… or in so much of a short life."""

BACKOFF_FIRST_S = 1.0
BACKOFF_LAST_S = 30.0
BACKOFF_SLOW_S = 300.0
"""For what nobody has asked for in a long time."""
BACKOFF_SHARE = 0.125
"""A retry waits at most for so much of what is left of the token."""
BACKOFF_LEAST_S = 0.5
CROWD_FIRST_S, CROWD_LAST_S = 2.0, 16.0
"""Where too many ask: a quota is counted by the minute, and nobody should wait for much longer than
for the next one."""
PAUSE_AT_MOST_S = 60.0
"""What others ask for is heeded so far, and up to half of what is left of the token."""


class TokenState(StrEnum):
    """google-auth's words for the three parts of a token's life."""

    FRESH = "fresh"
    STALE = "stale"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A token with the two moments that matter, in seconds of the wall clock."""

    token: Token
    stale_at: float
    invalid_at: float
    received_at: float = float("-inf")
    received: float = 0.0
    """The same moment by the steady clock, which nobody sets."""

    def clock(self, now: float, steady: float) -> float:
        """The time for this token: `now`, but not less than has passed since it was received.

        So a clock that is set back does not make it live longer. That one is put forward, or stood
        still while the machine slept, `now` says.
        """
        return max(now, self.received_at + (steady - self.received))

    def state(self, now: float) -> TokenState:
        """`now` as `clock` gives it."""
        if now >= self.invalid_at:
            return TokenState.INVALID
        return TokenState.STALE if now >= self.stale_at else TokenState.FRESH


def held(
    token: Token, rng: random.Random, *, now: float = float("-inf"), steady: float = 0.0
) -> Held:
    """`token`, received `now`, which is `steady` by the steady clock."""
    life = max(token.expires_at - token.issued_at, 0.0)
    stale = min(STALE_AT_MOST_S, max(STALE_SHARE * life, min(OUTAGE_S, OUTAGE_SHARE * life)))
    return Held(
        token=token,
        stale_at=min(
            token.expires_at - stale * rng.uniform(1 - JITTER, 1),
            token.issued_at + token.renew_after_s * rng.uniform(1 - JITTER, 1),
        ),
        invalid_at=token.expires_at - min(MARGIN_S, MARGIN_SHARE * life),
        received_at=now,
        received=steady,
    )


def backoff(
    tries: int, left_s: float, rng: random.Random, *, longest_s: float = BACKOFF_LAST_S
) -> float:
    """Seconds until the next try, after `tries` in a row without success, one or more.

    Grows exponentially, but tightens as the token's end comes near, in `left_s`.
    """
    grown = BACKOFF_FIRST_S * 2.0 ** min(tries - 1, 10)
    near = max(BACKOFF_SHARE * left_s, BACKOFF_LEAST_S)
    return min(grown, near, longest_s) * rng.uniform(0.5, 1)


def crowd_backoff(
    tries: int, left_s: float, rng: random.Random, *, pause_s: float, wanted: bool = True
) -> float:
    """The same where a quota is used up, as by many that have started at once: anywhere from
    nothing to the whole of it (full jitter), so that they do not come back together. `pause_s` was
    asked for, and comes before that.
    """
    grown = CROWD_FIRST_S * 2.0 ** min(tries - 1, 10)
    near = max(BACKOFF_SHARE * left_s, BACKOFF_LEAST_S)
    longest_s = CROWD_LAST_S if wanted else BACKOFF_SLOW_S
    asked_s = min(pause_s, PAUSE_AT_MOST_S, left_s / 2)
    return asked_s + min(grown, near, longest_s) * rng.uniform(0, 1)
