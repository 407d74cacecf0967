"""Runs the mints of one source for one audience, one at a time.

A *flight* is one run of `Source.mint` in a thread, which cannot be stopped. So the deadline is for
those who wait, and the token is used however late it comes. A flight that hangs for a minute (a
file on a network drive that went away) is taken for lost, and another one is started; each time
this takes twice as long, so that few threads are ever lost.
"""

import asyncio
import time
from collections.abc import Callable

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.file_watch import Marks, marks
from authproxy.identity.redaction import unforeseen
from authproxy.identity.source import Source, paths_of
from authproxy.identity.token_cache.concurrency import ConcurrencyLimit
from authproxy.tasks import Tasks
from authproxy.threads import in_thread

LOST_AFTER_S = 60.0

Outcome = Token | CredentialError
"""A failure is handed on, not raised: a refresh in the background has nobody to raise it to."""


class SingleFlight:
    """The mints of one source for one audience: callers that ask during a mint share it."""

    def __init__(
        self,
        source: Source,
        audience: str,
        *,
        limit: ConcurrencyLimit,
        tasks: Tasks,
        arrived: Callable[[Token], Outcome],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`arrived` gets every token, whether anybody waits for it or not, and says what the
        waiters get; `steady`: seconds that never go back."""
        self.seen: Marks = ()
        """The source's files as they were just before the last mint began."""
        self._source = source
        self._audience = audience
        self._limit = limit
        self._tasks = tasks
        self._arrived = arrived
        self._steady = steady
        self._flight: asyncio.Task[Outcome] | None = None
        self._started_at = 0.0
        self._patience_s = LOST_AFTER_S

    @property
    def is_running(self) -> bool:
        return self._flight is not None

    async def landed(self, deadline_s: float) -> Outcome:
        """The outcome of the flight that is running, else of a new one."""
        flight = self._flight
        if flight is None or self._lost():
            flight = self._start()
        await asyncio.wait((flight,), timeout=deadline_s)
        if not flight.done():
            return CredentialError(
                f"{self._source.name} has not answered within {deadline_s:g} seconds",
                hint="Is the network slow or down? authproxy keeps waiting for the answer.",
            )
        return flight.result()

    def _lost(self) -> bool:
        if self._steady() - self._started_at < self._patience_s:
            return False
        self._patience_s *= 2
        return True

    def _start(self) -> asyncio.Task[Outcome]:
        self._started_at = self._steady()
        self._flight = self._tasks.start(self._fly(), name=f"mint for {self._audience}")
        return self._flight

    async def _fly(self) -> Outcome:
        try:
            async with self._limit.turn():
                token = await in_thread(self._mint, name=f"mint-{self._source.name}")
            self._patience_s = LOST_AFTER_S
            return self._arrived(token)
        except CredentialError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- a source that breaks its word hangs nobody
            return unforeseen(self._source.name, error)
        finally:
            if self._flight is asyncio.current_task():
                self._flight = None

    def _mint(self) -> Token:
        """In a thread: both may block."""
        self.seen = marks(paths_of(self._source))
        return self._source.mint(self._audience)


async def mint_once(source: Source, audience: str, *, deadline_s: float) -> Token:
    """One token, now, for commands that fetch one and end. Raises CredentialError. What has not
    answered by the deadline is left to itself."""
    try:
        async with asyncio.timeout(deadline_s):
            return await in_thread(source.mint, audience, name=f"mint-{source.name}")
    except CredentialError:
        raise
    except TimeoutError:
        raise CredentialError(
            f"{source.name} has not answered within {deadline_s:g} seconds",
            hint="Is the network slow or down?",
        ) from None
    except Exception as error:  # noqa: BLE001 -- a source that breaks its word is told of, in a line
        raise unforeseen(source.name, error) from None
