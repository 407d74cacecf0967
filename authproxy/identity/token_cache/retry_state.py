"""Remembers failed tries to get a token for one audience: why, since when, when to try again.

It also writes the log lines about them.
"""

import logging
import math
import random
from collections.abc import Callable
from functools import partial

from authproxy.errors import STATUS_OF, CredentialError, join_sentences
from authproxy.identity.source import GOOGLE_APIS, Product
from authproxy.identity.token_cache.lifetime import (
    BACKOFF_LAST_S,
    BACKOFF_SLOW_S,
    Held,
    backoff,
    crowd_backoff,
)
from authproxy.values.wording import utc

logger = logging.getLogger(__name__)

HOLD_S = 1.0
"""How long a failed mint answers for the requests that come after it …"""
HOLD_PERMANENT_S = 5.0
"""… when only a human can change the outcome."""

SLACK_S = 1.0
"""If the next try is further away than planned by more than this, the clock was set back."""

REPEAT_S = 300.0
"""How often a failure that lasts is logged again, so that a later look at the log finds it."""

NEVER = float("-inf")


class RetryState:
    """The last failure, since when there are failures, and when to try again.

    Moments are seconds of Google's clock. `retry_at` is the earliest for a refresh in the
    background, NEVER when nothing has to be waited for.
    """

    def __init__(self, source: str, audience: str, product: Product, rng: random.Random) -> None:
        self.failure: CredentialError | None = None
        self.retry_at = NEVER
        self._source = source
        self._audience = audience or GOOGLE_APIS
        self._product = product
        self._rng = rng
        self.failures = 0
        """Since the start."""
        self._tries = 0
        self._waits_s = 0.0
        self._failed_at = NEVER
        self._failing_since = NEVER
        self._warned: tuple[bool, str] | None = None
        self._warned_at = NEVER

    def refusal(self, error: CredentialError, now: float) -> CredentialError:
        """`error` for one who waits; an exception raised again and again collects tracebacks."""
        wait_s = error.retry_after_s if error.pause_s is None else self.wait_s(now)
        return CredentialError(
            f"no {self._product.missing}: {error.message}",
            hint=error.hint,
            detail=error.detail,
            permanent=error.permanent,
            retry_after_s=max(math.ceil(wait_s), 1),
            pause_s=error.pause_s,
            code=self._product.code,
        )

    def recent_failure(self, now: float) -> CredentialError | None:
        """The failure that answers now, so that a flood of requests is not one of mints.

        Where too many ask it does until the next try, which needs no request: of a thousand
        replicas each would otherwise ask again every second.
        """
        if self.failure is None:
            return None
        if self.failure.pause_s is not None:
            return self.failure if self.wait_s(now) > 0 else None
        hold_s = HOLD_PERMANENT_S if self.failure.permanent else HOLD_S
        return self.failure if abs(now - self._failed_at) < hold_s else None

    def wait_s(self, now: float) -> float:
        """Until `retry_at`; nothing when it is too far away, because the clock was set back."""
        wait_s = self.retry_at - now
        return wait_s if 0 < wait_s <= self._waits_s + SLACK_S else 0.0

    def forgive(self) -> None:
        """What made it fail may be over: the next try may come at once."""
        self.retry_at = self._failed_at = NEVER
        self._tries = 0

    def failed(
        self, error: CredentialError, left: Held | None, now: float, *, wanted: bool = True
    ) -> None:
        """No new token could be had; `left` is the one that is still good."""
        if self.failure is None:
            self._failing_since = now
        self.failure = error
        self.failures += 1
        self._failed_at = now
        if error.pause_s is None:
            wait_s = partial(backoff, longest_s=BACKOFF_LAST_S if wanted else BACKOFF_SLOW_S)
        else:
            wait_s = partial(crowd_backoff, pause_s=error.pause_s, wanted=wanted)
        self._back_off(left, now, wait_s)
        self._log_failed(error, left, now)

    def obtained(self, held: Held, now: float) -> None:
        """A token came. One that is stale already (metadata servers cache) is no progress."""
        if self.failure is not None:
            logger.info(
                "%s available again, after %.0f s",
                self._product.name,
                now - self._failing_since,
                extra={"audience": self._audience, "source": self._source, "tries": self._tries},
            )
        self.failure = self._warned = None
        if now >= held.stale_at:
            self._back_off(held, now, partial(backoff, longest_s=BACKOFF_LAST_S))
        else:
            self._tries = 0
            self.retry_at = NEVER

    def _back_off(
        self, left: Held | None, now: float, wait_s: Callable[[int, float, random.Random], float]
    ) -> None:
        self._tries += 1
        left_s = left.invalid_at - now if left else float("inf")
        self._waits_s = wait_s(self._tries, left_s, self._rng)
        self.retry_at = now + self._waits_s

    def _log_failed(self, error: CredentialError, left: Held | None, now: float) -> None:
        """A warning when something changed, and every few minutes while it lasts; else for
        debugging: a flood must not fill the log."""
        situation = (left is not None, error.message)
        is_said = situation == self._warned and abs(now - self._warned_at) < REPEAT_S
        if not is_said:
            self._warned, self._warned_at = situation, now
        logger.log(
            logging.DEBUG if is_said else logging.WARNING,
            "%s: %s",
            self._outlook(left, now),
            told(error),
            extra={
                "audience": self._audience,
                "source": self._source,
                "failing_since": self._failing_since,
                "next_try_s": round(self.retry_at - now, 1),
                "permanent": error.permanent,
            },
        )

    def _outlook(self, left: Held | None, now: float) -> str:
        since = utc(self._failing_since)
        next_try = f"next try in {self.retry_at - now:.1f} s"
        if left is None:
            return (
                f"no {self._product.missing} since {since}, so requests get"
                f" {STATUS_OF[self._product.code]} ({next_try} or at the next request)"
            )
        until = utc(left.token.expires_at)
        outlook = f"the last one is good until {until}, {next_try}"
        return f"no new {self._product.name} since {since} ({outlook})"


def told(error: CredentialError) -> str:
    """For the operator: everything that the error knows, in one line."""
    detail = f" [{error.detail}]" if error.detail else ""
    return join_sentences(f"{error.message}{detail}", error.hint)
