"""State that the tokens of all services share: clocks, timers, tasks and the cached tokens.

A `CacheSlot` is the place of one source and audience in that cache.
"""

import random
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

from authproxy.file_watch import FileWatch
from authproxy.identity.source import Source
from authproxy.identity.token_cache.lifetime import Held
from authproxy.tasks import CallLater, Tasks

Key = tuple[Source, str]
"""Source and audience."""


@dataclass(slots=True, kw_only=True, eq=False)
class Shared:
    """Shared state of one process.

    It has three clocks, all in seconds. `wall` is this machine's. `now` is Google's time: the wall
    clock, corrected by `authproxy.identity.clock_skew`; tokens end by it, also after a laptop
    slept. `steady` never goes back, whatever the wall clock is set to.
    """

    wall: Callable[[], float]
    now: Callable[[], float]
    """Google's time, as far as it is known."""
    steady: Callable[[], float]
    deadline_s: float
    rng: random.Random
    call_later: CallLater
    tasks: Tasks
    watch: FileWatch
    held: MutableMapping[Key, Held]
    closed: bool = False


class CacheSlot:
    """The slot in the cache of one source for one audience."""

    def __init__(self, shared: Shared, key: Key) -> None:
        self._shared = shared
        self._key = key

    def find(self) -> Held | None:
        """The token, unless it has ended or never was."""
        try:
            found = self._shared.held[self._key]
        except KeyError:
            return None
        return found if self.now(found) < found.invalid_at else None

    def now(self, found: Held) -> float:
        """The time, for this token."""
        return found.clock(self._shared.now(), self._shared.steady())

    def put(self, held: Held) -> None:
        self._shared.held[self._key] = held

    def drop(self) -> None:
        self._shared.held.pop(self._key, None)
