"""Requests and errors per second of each service, from counts that only grow.

They are looked at now and then; nothing is done for a request.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authproxy.admin.inside import RequestCounts

EVERY_S = 5.0
OVER_S = 60.0
"""What a rate is a mean of, once authproxy has run so long."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Per second."""

    requests: float
    errors: float


class Rates:
    """Means over the last minute."""

    def __init__(
        self,
        read: Callable[[], Mapping[str, RequestCounts]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._seen: deque[tuple[float, Mapping[str, RequestCounts]]] = deque(
            maxlen=int(OVER_S / EVERY_S) + 1
        )
        self.look()

    def look(self) -> None:
        self._seen.append((self._clock(), dict(self._read())))

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.look()

    def now(self) -> Mapping[str, Rate]:
        """By service; those without a request are missing."""
        since, before = self._seen[0]
        seconds = max(self._clock() - since, 1.0)
        none = RequestCounts(0, 0)
        return {
            name: Rate(
                (counts.requests - before.get(name, none).requests) / seconds,
                (counts.errors - before.get(name, none).errors) / seconds,
            )
            for name, counts in self._read().items()
        }

    def __repr__(self) -> str:
        return f"<Rates [{len(self._seen)} looks]>"
