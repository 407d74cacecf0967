"""Keeps identity tokens: fresh ones at once, new ones ahead of time, one mint for all who wait.

Theory of operation. `Tokens` is what one service asks. A *flight* is one run of `Source.mint` in
its thread; it has no deadline, because a thread cannot be stopped, and it stores what it brings
however late. An *attempt* is the shared wait for a flight; it has the deadline, and it is where a
failure is remembered and written to the log. There is at most one of each for a key, and one flight
for a source. Every question compares with the wall clock, so a laptop that slept asks anew.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol
from weakref import WeakValueDictionary

from cachetools import TLRUCache

from authproxy.errors import CredentialError
from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.lifetime import Held, TokenState, held
from authproxy.identity.luck import Luck, utc
from authproxy.identity.scrub import unforeseen
from authproxy.identity.source import NoSource, Source
from authproxy.identity.thread import in_thread
from authproxy.tasks import Tasks

logger = logging.getLogger(__name__)

USED_WITHIN_S = 3600.0
"""Refresh ahead stops for an audience that nobody asked for in this time."""
LOOK_EVERY_S = 60.0
"""Timers sleep no longer than this: the loop's clock stands still while a laptop sleeps."""
KNOWN_FOR_S = 1.0
"""How long a fresh token is taken for what the cache holds: to ask it costs a twentieth of all that
Python does for a small request."""
REJECT_EVERY_S = 30.0
"""How often a service's word that a token is invalid is believed, for each audience."""

Key = tuple[Source, str]
Outcome = Token | CredentialError
"""A failure is handed on, not raised: a refresh in the background has nobody to raise it to."""


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], Timer]


def _loop_call_later(delay: float, callback: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(delay, callback)


class TokenCache:
    """The tokens of a process, by source and audience. Sources are told apart by identity."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        deadline_s: float = 20.0,
        max_tokens: int = 1024,
        rng: random.Random | None = None,
        call_later: CallLater = _loop_call_later,
    ) -> None:
        self.clock = clock
        self.deadline_s = deadline_s
        self.rng = rng or random.Random()  # noqa: S311 -- jitter, not a secret
        self.call_later = call_later
        self.tasks = Tasks()
        self.closed = False
        self.held: TLRUCache[Key, Held] = TLRUCache(
            max_tokens, lambda _key, value, _now: value.invalid_at, timer=clock
        )
        self._tokens: WeakValueDictionary[Key, Tokens] = WeakValueDictionary()
        self._locks: WeakValueDictionary[Source, asyncio.Lock] = WeakValueDictionary()

    def tokens_for(self, source: Source, audience: str) -> "Tokens":
        """The same object for the same source and audience."""
        key = (source, audience)
        tokens = self._tokens.get(key)
        if tokens is None:
            lock = self._locks.get(source) or asyncio.Lock()
            self._locks[source] = lock
            tokens = self._tokens[key] = Tokens(self, source, audience, lock)
        return tokens

    async def close(self) -> None:
        """Stop refreshing; whoever waits for a token gets CredentialError."""
        self.closed = True
        for tokens in list(self._tokens.values()):
            tokens.stop()
        await self.tasks.cancel()

    def __repr__(self) -> str:
        tokens = list(self._tokens.values())
        states = Counter(each.state for each in tokens)
        minting = sum(each.minting for each in tokens)
        failing = sum(each.failing for each in tokens)
        parts = ", ".join(f"{states[state]} {state}" for state in TokenState)
        return f"<TokenCache [tokens: {parts} | {minting} minting, {failing} failing]>"


class Tokens:
    """The tokens of one source for one audience."""

    def __init__(
        self, cache: TokenCache, source: Source, audience: str, lock: asyncio.Lock
    ) -> None:
        self.source = source
        self.audience = audience
        self._cache = cache
        self._clock = cache.clock
        self._held = cache.held
        self._known: Held | None = None
        """What the cache held when last asked; good until `_known_until`."""
        self._known_until = 0.0
        self._key = (source, audience)
        self._lock = lock
        self._pinned = NO_TOKEN if isinstance(source, NoSource) else None
        self._attempt: asyncio.Task[Outcome] | None = None
        self._flight: asyncio.Task[Outcome] | None = None
        self._timer: Timer | None = None
        self._used_at = float("-inf")
        self._rejected_at = float("-inf")
        self._reason = "first use"
        self._luck = Luck(source.name, audience, cache.rng)

    def current(self) -> Token | None:
        """A token that can be sent now, else None; a stale one starts a background refresh."""
        if self._pinned is not None:
            return self._pinned
        self._used_at = now = self._clock()
        if self._known is not None and now < self._known_until:
            return self._known.token
        return self._look(now)

    def _look(self, now: float) -> Token | None:
        """Ask the cache, and while the token is fresh not again for a moment."""
        found = self._known = self._find()
        if found is None:
            return None
        self._known_until = min(found.stale_at, now + KNOWN_FOR_S)
        if now >= found.stale_at:
            self._refresh(now)
        return found.token

    async def get(self) -> Token:
        """`current()`, else the mint that all share; to cancel a waiter does not cancel the mint.

        Raises CredentialError.
        """
        token = self.current()
        if token is not None:
            return token
        if self._cache.closed:
            raise _stopping()
        failure = self._luck.recent_failure(self._clock())
        if failure is not None:
            raise self._luck.refusal(failure)
        attempt = self._attempt or self._start()
        await asyncio.wait((attempt,))
        if attempt.cancelled():
            raise _stopping()
        outcome = attempt.result()
        if isinstance(outcome, CredentialError):
            raise self._luck.refusal(outcome)
        return outcome

    def reject(self, token: Token) -> bool:
        """The service's front end called `token` invalid: drop it if it is still the current one.

        False when that was said too recently, or when there is no other token to be had: pass its
        answer on.
        """
        if self._pinned is not None:
            return False
        found = self._find()
        if found is None or found.token.value != token.value:
            return True
        now = self._clock()
        if abs(now - self._rejected_at) < REJECT_EVERY_S:
            return False
        self._rejected_at = now
        self._reason = "the service rejected the last one"
        self._held.pop(self._key, None)
        self._known = None
        logger.warning(
            "token for %s rejected by the service: getting a new one",
            self.audience,
            extra={"audience": self.audience, "source": self.source.name},
        )
        return True

    @property
    def state(self) -> TokenState:
        if self._pinned is not None:
            return TokenState.FRESH
        found = self._find()
        return found.state(self._clock()) if found else TokenState.INVALID

    @property
    def minting(self) -> bool:
        return self._flight is not None

    @property
    def failing(self) -> bool:
        return self._luck.failure is not None

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __repr__(self) -> str:
        return f"<Tokens {self.audience} from {self.source.name} [{self.state}]>"

    def _find(self) -> Held | None:
        try:
            return self._held[self._key]
        except KeyError:
            return None

    def _refresh(self, now: float) -> None:
        if self._attempt is None and now >= self._luck.retry_at and not self._cache.closed:
            _ = self._start()

    def _start(self) -> asyncio.Task[Outcome]:
        self._attempt = self._cache.tasks.start(self._try(), name=f"token for {self.audience}")
        return self._attempt

    async def _try(self) -> Outcome:
        try:
            outcome = await self._landed()
            if isinstance(outcome, CredentialError):
                self._luck.failed(outcome, self._find(), self._clock())
            return outcome
        finally:
            self._attempt = None
            self._arm()

    async def _landed(self) -> Outcome:
        """The outcome of the flight that is under way, else of a new one; within the deadline."""
        flight = self._flight
        if flight is None:
            name = f"mint for {self.audience}"
            flight = self._flight = self._cache.tasks.start(self._fly(), name=name)
        deadline_s = self._cache.deadline_s
        await asyncio.wait((flight,), timeout=deadline_s)
        if not flight.done():
            return CredentialError(
                f"{self.source.name} has not answered within {deadline_s:g} seconds",
                hint="Is the network slow or cut? authproxy goes on waiting for the answer.",
            )
        return flight.result()

    async def _fly(self) -> Outcome:
        try:
            async with self._lock:
                name = f"mint-{self.source.name}"
                token = await in_thread(self.source.mint, self.audience, name=name)
            return self._obtained(token)
        except CredentialError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- a source that breaks its word hangs nobody
            return unforeseen(self.source.name, error)
        finally:
            self._flight = None

    def _obtained(self, token: Token) -> Outcome:
        now = self._clock()
        new = held(token, self._cache.rng)
        if now >= new.invalid_at:
            return CredentialError(
                f"{self.source.name} gave a token that ends at {utc(token.expires_at)}, now",
                hint="Is this machine's clock right?",
            )
        old = self._find()
        if old is not None and old.token.expires_at >= token.expires_at:
            new = old  # a metadata server's own cache may give the same token again
        else:
            self._held[self._key] = new
            self._known = None
            self._log_obtained(token)
        self._luck.obtained(new, now)
        self._reason = "refresh ahead"
        self._arm()
        return new.token

    def _arm(self) -> None:
        """Wake when this token is to be renewed, whether or not anybody asks for it then."""
        self.stop()
        found = self._find()
        if found is None or self._cache.closed:
            return
        wait_s = max(found.stale_at, self._luck.retry_at) - self._clock()
        self._timer = self._cache.call_later(min(max(wait_s, 0.0), LOOK_EVERY_S), self._wake)

    def _wake(self) -> None:
        now = self._clock()
        found = self._find()
        if found is None:
            return
        if now < max(found.stale_at, self._luck.retry_at):
            self._arm()
        elif now - self._used_at <= USED_WITHIN_S:
            self._refresh(now)

    def _log_obtained(self, token: Token) -> None:
        logger.info(
            "token for %s as %s from %s, good until %s (%s)",
            self.audience,
            token.principal,
            token.source,
            utc(token.expires_at),
            self._reason,
            extra={
                "audience": self.audience,
                "principal": token.principal,
                "source": token.source,
                "expires_at": token.expires_at,
                "reason": self._reason,
            },
        )


def _stopping() -> CredentialError:
    return CredentialError("authproxy is stopping and makes no more tokens", retry_after_s=1)
