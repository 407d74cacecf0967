"""Shares of the connections, in memory that all workers have: each tells how many it has.

A connection wakes every worker, and whoever is quickest takes it. So a worker that has more than
another lets that one go first, for a moment: whoever it is may be busy, or hang.
"""

import mmap
import os

from authproxy.workers.counts.shared_memory import make_memory

SLOTS = 256
FIRST_S = 0.002
"""For another one to take it."""
SLACK = 16
"""One more in so many is no difference."""
NOBODY = -1
_SIZE = SLOTS * 8


class Shares:
    """Counts of connections, by the number of the worker, from 1 on."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor`: of the memory, where another process has made it."""
        self.descriptor = make_memory(_SIZE) if descriptor is None else descriptor
        self._memory = mmap.mmap(self.descriptor, _SIZE)
        self._counts = memoryview(self._memory).cast("q")
        if not any(self._counts):
            for slot in range(SLOTS):
                self._counts[slot] = NOBODY

    def tell(self, worker: int, count: int) -> None:
        self._counts[worker - 1] = count

    def gone(self, worker: int) -> None:
        """It takes none."""
        self._counts[worker - 1] = NOBODY

    def wait_s(self, worker: int, count: int) -> float:
        """For how long a worker that has `count` leaves the next one to others."""
        self._counts[worker - 1] = count
        fewest = min(each for each in self._counts if each != NOBODY)
        return FIRST_S if count > fewest + count // SLACK else 0.0

    def close(self) -> None:
        self._counts.release()
        self._memory.close()
        os.close(self.descriptor)

    def __repr__(self) -> str:
        return f"<Shares {[each for each in self._counts if each != NOBODY]}>"
