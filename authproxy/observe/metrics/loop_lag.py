"""Lag of the event loop: whatever holds it up holds up every request."""

import asyncio
from collections.abc import Awaitable, Callable

from authproxy.observe.metrics.histogram import Counts

LAG_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
EVERY_S = 1.0


class LoopLag:
    """Measures once a second, by a task that sleeps."""

    def __init__(
        self,
        steady: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.counts = Counts(LAG_S)
        self._steady = steady
        self._sleep = sleep

    async def keep_measuring(self) -> None:
        """Until cancelled."""
        while True:
            due = self._steady() + EVERY_S
            await self._sleep(EVERY_S)
            self.counts.observe(max(self._steady() - due, 0.0))
