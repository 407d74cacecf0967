"""Lets a few mints of one source run at once; one that hangs stops counting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authproxy.tasks import CallLater

AT_ONCE = 4
"""A dozen services get their first tokens soon, and the token endpoint is not flooded."""
PATIENCE_S = 5.0
"""Seconds. A mint that takes longer is taken to hang, and no longer counts."""


class ConcurrencyLimit:
    """At most AT_ONCE mints of one source at a time."""

    def __init__(self, call_later: CallLater) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._call_later = call_later

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one of the AT_ONCE places, and hold it to the end or for PATIENCE_S seconds."""
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
