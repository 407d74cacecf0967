"""Keeps the tokens of a process: one `Tokens` for each source and audience, and what they share."""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from weakref import WeakValueDictionary

from cachetools import TLRUCache

from authproxy.file_watch import FileWatch
from authproxy.identity.clock_skew import Skew
from authproxy.identity.source import Source
from authproxy.identity.token_cache.concurrency import ConcurrencyLimit
from authproxy.identity.token_cache.lifetime import Held, TokenState
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.identity.token_cache.shared import Key, Shared
from authproxy.identity.token_cache.status import Readiness, TokenStatus, readiness
from authproxy.tasks import CallLater, Tasks, loop_call_later

__all__ = ["TokenCache", "Tokens"]


class TokenCache:
    """The tokens of a process, by source and audience. Sources are told apart by identity."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        skew: Skew | None = None,
        deadline_s: float = 20.0,
        max_tokens: int = 1024,
        rng: random.Random | None = None,
        call_later: CallLater = loop_call_later,
        files: FileWatch | None = None,
    ) -> None:
        """`files`: looks after those on which sources depend; one of its own by default.

        `skew`: what is known of the difference between `clock` and Google's, if anything."""
        self.clock = clock
        self.tasks = Tasks()
        self._files = files or FileWatch(call_later, tasks=self.tasks)
        self._closes_files = files is None
        known = skew or Skew(clock)
        held: TLRUCache[Key, Held] = TLRUCache(
            max_tokens, lambda _key, value, _now: value.invalid_at, timer=known.now
        )
        self._shared = Shared(
            wall=clock,
            now=known.now,
            steady=steady,
            deadline_s=deadline_s,
            rng=rng or random.Random(),  # noqa: S311 -- jitter, not a secret
            call_later=call_later,
            tasks=self.tasks,
            watch=self._files,
            held=held,
        )
        self._tokens: WeakValueDictionary[Key, Tokens] = WeakValueDictionary()
        self._limit: WeakValueDictionary[Source, ConcurrencyLimit] = WeakValueDictionary()

    def tokens_for(self, source: Source, audience: str) -> Tokens:
        """The same object for the same source and audience."""
        key = (source, audience)
        tokens = self._tokens.get(key)
        if tokens is None:
            # A thread may ask for the same at this moment: the first one that is there counts.
            limit = self._limit.setdefault(source, ConcurrencyLimit(self._shared.call_later))
            made = Tokens(self._shared, source, audience, limit)
            tokens = self._tokens.setdefault(key, made)
        return tokens

    def use_deadline(self, seconds: float) -> None:
        """From now on a mint may take so long."""
        self._shared.deadline_s = seconds

    def keep_only(self, wanted: Collection[Key]) -> None:
        """Give up the tokens of all other sources and audiences: nothing is fetched ahead for
        them any more, and those that are held are forgotten."""
        for key, tokens in list(self._tokens.items()):
            if key not in wanted:
                tokens.give_up()
                del self._tokens[key]

    def statuses(self) -> list[TokenStatus]:
        """Of all that are in memory, those of services that were taken out a while ago included.

        Whoever knows its services asks `readiness` with their own.
        """
        return [tokens.status() for tokens in list(self._tokens.values())]

    def readiness(self) -> Readiness:
        return readiness(self.statuses())

    async def close(self) -> None:
        """Stop refreshing; whoever waits for a token gets CredentialError."""
        self._shared.closed = True
        for tokens in list(self._tokens.values()):
            tokens.stop()
        if self._closes_files:
            await self._files.close()
        await self.tasks.cancel()

    def __repr__(self) -> str:
        statuses = self.statuses()
        states = Counter(each.state for each in statuses)
        minting = sum(each.minting for each in statuses)
        failing = sum(each.trouble is not None for each in statuses)
        parts = ", ".join(f"{states[state]} {state}" for state in TokenState)
        return f"<TokenCache [tokens: {parts} | {minting} minting, {failing} failing]>"
