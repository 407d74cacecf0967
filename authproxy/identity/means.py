"""What all tokens of a process share, and the place of one in it."""

import random
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

from authproxy.identity.lifetime import Held
from authproxy.identity.source import Source
from authproxy.identity.watch import Watch
from authproxy.tasks import Tasks
from authproxy.timers import CallLater

Key = tuple[Source, str]
"""Source and audience."""


@dataclass(slots=True, kw_only=True, eq=False)
class Means:
    """Clocks, timers, tasks and the cache.

    Three clocks. The wall clock says how long ago something was; corrected by what Google's answers
    say (`authproxy.identity.skew`) it says when a token ends, also after a laptop slept; and the
    steady clock says how much time has passed at least, whatever the wall clock was set to.
    """

    wall: Callable[[], float]
    now: Callable[[], float]
    """Google's time, as far as it is known."""
    steady: Callable[[], float]
    deadline_s: float
    rng: random.Random
    call_later: CallLater
    tasks: Tasks
    watch: Watch
    held: MutableMapping[Key, Held]
    closed: bool = False


class Place:
    """Where the token of one source for one audience is held."""

    def __init__(self, means: Means, key: Key) -> None:
        self._means = means
        self._key = key

    def find(self) -> Held | None:
        """The token, unless it has ended or never was."""
        try:
            found = self._means.held[self._key]
        except KeyError:
            return None
        return found if self.now(found) < found.invalid_at else None

    def now(self, found: Held) -> float:
        """The time, for this token."""
        return found.clock(self._means.now(), self._means.steady())

    def put(self, held: Held) -> None:
        self._means.held[self._key] = held

    def drop(self) -> None:
        self._means.held.pop(self._key, None)
