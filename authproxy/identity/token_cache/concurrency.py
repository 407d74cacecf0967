"""Lets a few mints of one source run at once; one that hangs gives its place to the next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authproxy.timers import CallLater

AT_ONCE = 4
"""Enough for a dozen services to have their first tokens soon, and few for a token endpoint."""
PATIENCE_S = 5.0
"""Seconds. A mint that takes longer is taken to hang, and no longer counts."""


class ConcurrencyLimit:
    """At most AT_ONCE mints of one source at a time."""

    def __init__(self, call_later: CallLater) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._call_later = call_later

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place and have it until the end, but no longer than PATIENCE_S."""
        await self._places.acquire()
        place = _Place(self._places)
        timer = self._call_later(PATIENCE_S, place.give_up)
        try:
            yield
        finally:
            timer.cancel()
            place.give_up()


class _Place:
    """One place, given up once."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._held = True

    def give_up(self) -> None:
        if self._held:
            self._held = False
            self._places.release()
