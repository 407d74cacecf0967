"""Turns of workers' event loops, in memory that all have: each counts those of its own.

Nothing is told of when that was. Who looks twice sees whether a loop has turned meanwhile.
"""

import asyncio
import mmap
import os

from authproxy.values.quantities import MOST_WORKERS
from authproxy.workers.counts.shared_memory import make_memory

EVERY_S = 1.0
_SIZE = MOST_WORKERS * 8


class LoopTurns:
    """Counts by the number of the worker, from 1 on; one that takes another's place goes on."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor`: of the memory, where another process has made it."""
        self.descriptor = make_memory(_SIZE) if descriptor is None else descriptor
        self._memory = mmap.mmap(self.descriptor, _SIZE)
        self._counts = memoryview(self._memory).cast("Q")

    async def keep_counting(self, worker: int) -> None:
        """Until cancelled, those of the loop that runs this."""
        while True:
            self._counts[worker - 1] += 1
            await asyncio.sleep(EVERY_S)

    def of(self, worker: int) -> int:
        return self._counts[worker - 1]

    def close(self) -> None:
        self._counts.release()
        self._memory.close()
        os.close(self.descriptor)

    def __repr__(self) -> str:
        return f"<LoopTurns {[each for each in self._counts if each]}>"
