"""Gets tokens of one source for one audience: ahead of time, and again after failures.

Theory of operation. An *attempt* is the shared wait for a mint
(`authproxy.identity.token_cache.single_flight`); it has the deadline, and it is where a failure
is remembered and written to the log. There is at most one of each. A timer wakes us when
something is due: a refresh, or after a failure the next try. After a failure a change of the
source's files is as good as the timer.
"""

import asyncio
import logging
from collections.abc import Callable

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.source import GOOGLE_APIS, Source, paths_of, product_of
from authproxy.identity.token_cache.concurrency import ConcurrencyLimit
from authproxy.identity.token_cache.lifetime import Held, held
from authproxy.identity.token_cache.retry_state import RetryState
from authproxy.identity.token_cache.shared import CacheSlot, Shared
from authproxy.identity.token_cache.single_flight import Outcome, SingleFlight
from authproxy.tasks import Timer
from authproxy.values.wording import utc

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
"""Timers sleep no longer than this: the loop's clock stands still while a laptop sleeps."""
FIRST = "first use"
AHEAD = "refresh ahead"
REJECTED = "the service rejected the last one"


class Refresh:
    """Keeps a token for one source and audience in the cache while it is used.

    `reason` is why the next token is fetched, for the log. Set it for another reason.
    """

    def __init__(
        self,
        shared: Shared,
        source: Source,
        audience: str,
        *,
        limit: ConcurrencyLimit,
        slot: CacheSlot,
        wanted: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        """`wanted`: did anybody ask lately? `changed` is called when another token is in place."""
        self.reason = FIRST
        self.last: Held | None = None
        """The last token that came, even when it has ended."""
        self.count = 0
        """Of tokens that came."""
        self._product = product_of(source, audience)
        self.retries = RetryState(source.name, audience, self._product, shared.rng)
        self.mints = SingleFlight(
            source,
            audience,
            limit=limit,
            tasks=shared.tasks,
            arrived=self._obtained,
            steady=shared.steady,
        )
        self._shared = shared
        self._source = source
        self._audience = audience
        self._slot = slot
        self._wanted = wanted
        self._changed = changed
        self._attempt: asyncio.Task[Outcome] | None = None
        self._timer: Timer | None = None
        self._is_given_up = False
        """Nothing is fetched ahead of time any more."""

    def refresh(self) -> None:
        """In the background, unless it is too early after a failure."""
        waits = self.retries.wait_s(self._shared.now()) > 0
        if self._attempt is None and not waits and not self._shared.closed:
            _ = self._start()

    def attempt(self) -> asyncio.Task[Outcome]:
        """The attempt that is running, else a new one."""
        return self._attempt or self._start()

    def give_up(self) -> None:
        """Fetch nothing but what is asked for. A mint that is under way comes to its end."""
        self._is_given_up = True
        self.stop()

    def stop(self) -> None:
        self._shared.watch.forget(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def due_at(self) -> float | None:
        """When the next try is due; None when none is planned."""
        if self._timer is None:
            return None
        found = self._slot.find()
        return max(found.stale_at, self.retries.retry_at) if found else self.retries.retry_at

    @property
    def _rests(self) -> bool:
        """It neither sets timers nor watches files."""
        return self._is_given_up or self._shared.closed

    def _start(self) -> asyncio.Task[Outcome]:
        name = f"token for {self._audience}"
        self._attempt = self._shared.tasks.start(self._try(), name=name)
        return self._attempt

    async def _try(self) -> Outcome:
        try:
            outcome = await self.mints.landed(self._shared.deadline_s)
            if isinstance(outcome, CredentialError):
                self._failed(outcome)
            return outcome
        finally:
            self._attempt = None
            self._arm()

    def _failed(self, error: CredentialError) -> None:
        now = self._shared.now()
        self.retries.failed(error, self._slot.find(), now, wanted=self._wanted())
        if not self._rests:
            files = paths_of(self._source)
            self._shared.watch.wait(self, files, self.mints.seen, self._files_changed)

    def _files_changed(self) -> None:
        logger.info(
            "the files that credentials come from (%s) have changed: trying again for %s",
            self._source.name,
            self._audience or GOOGLE_APIS,
            extra={"audience": self._audience, "source": self._source.name},
        )
        self.retries.forgive()
        self.refresh()

    def _obtained(self, token: Token) -> Outcome:
        now = self._shared.now()
        new = held(token, self._shared.rng, now=now, steady=self._shared.steady())
        if now >= new.invalid_at:
            return CredentialError(
                f"{self._source.name} gave an expired token, which ended at"
                f" {utc(token.expires_at)}",
                hint="Is this machine's clock right?",
            )
        old = self._slot.find()
        if old is not None and old.token.expires_at >= token.expires_at:
            new = old  # a metadata server's own cache may give the same token again
        else:
            self._keep(new)
        self.retries.obtained(new, now)
        self._shared.watch.forget(self)
        self.reason = AHEAD
        self._arm()
        return new.token

    def _keep(self, new: Held) -> None:
        self._slot.put(new)
        self.last = new
        self.count += 1
        self._changed()
        self._log_obtained(new.token)

    def _wait_s(self) -> float | None:
        """Until the next try is due; None when there is nothing to try for."""
        found = self._slot.find()
        wait_s = self.retries.wait_s(self._shared.now())
        if found is not None:
            return max(found.stale_at - self._slot.now(found), wait_s)
        return wait_s if self.retries.failure is not None else None

    def _arm(self) -> None:
        """Wake when a new token is to be had, whether or not anybody asks for it then."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait_s = self._wait_s()
        if wait_s is not None and not self._rests:
            wait_s = min(max(wait_s, 0.0), LOOK_EVERY_S)
            self._timer = self._shared.call_later(wait_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        wait_s = self._wait_s()
        if wait_s is None:
            return
        if wait_s > 0:
            self._arm()
        elif self._wanted() or self.last is None:
            self.refresh()
            if self._attempt is None:
                self._arm()  # the clock went back between two looks at it

    def _log_obtained(self, token: Token) -> None:
        logger.info(
            "%s as %s from %s, good until %s (%s)",
            self._product.name,
            token.principal,
            token.source,
            utc(token.expires_at),
            self.reason,
            extra={
                "audience": self._audience,
                "principal": token.principal,
                "source": token.source,
                "expires_at": token.expires_at,
                "reason": self.reason,
            },
        )
