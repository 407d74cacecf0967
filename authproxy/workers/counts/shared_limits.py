"""Limits of clients that hold for all workers together: memory that all have, and who counts there.

The memory has no room for more than so many clients, and takes up what is written to alone.
"""

import os
from math import ceil

from authproxy.policy.access.client_limits import ClientLimits
from authproxy.settings import LimitSettings
from authproxy.workers.counts.shared_connections import SharedConnections
from authproxy.workers.counts.shared_memory import PATIENCE_S, SharedMemory
from authproxy.workers.counts.shared_rates import SharedRate, SharedWrongKeys
from authproxy.workers.counts.shared_table import KEY_BYTES, ClientNames, SharedTable, table_size

TOTALS = 64
"""Where it is written how many connections each has; before that is the key of names."""
TABLES = 4096


class SharedLimits:
    """All of it, as one process sees it."""

    def __init__(
        self, count: int, descriptor: int | None = None, *, patience_s: float = PATIENCE_S
    ) -> None:
        """`count`: of workers; `descriptor`: of the memory, where another process has made it."""
        columns = [1, 2, *[1] * (1 + count)]
        size = TABLES + sum(map(table_size, columns))
        self._memory = memory = SharedMemory(size, descriptor, patience_s=patience_s)
        self.descriptor = memory.descriptor
        if descriptor is None:
            memory.view[:KEY_BYTES] = os.urandom(KEY_BYTES)
        self._names = ClientNames(bytes(memory.view[:KEY_BYTES]))
        self._totals = memory.view[TOTALS : TOTALS + 8 * (1 + count)].cast("q")
        place, tables = TABLES, []
        for each in columns:
            tables.append(SharedTable(memory.view, place, each))
            place += table_size(each)
        self._rates, self._wrong, *self._open = tables

    def of_worker(self, worker: int, limits: LimitSettings) -> ClientLimits:
        """Those of one worker, by its number from 1 on; 0: of the parent."""
        per_second, burst = limits.requests_per_second, limits.burst
        memory, number_of = self._memory, self._names.number_of
        rate = None
        if per_second:
            rate = SharedRate(memory, self._rates, number_of, per_second, burst or ceil(per_second))
        return ClientLimits(
            connections=SharedConnections(
                memory, self._totals, self._open, worker, number_of, limits
            ),
            wrong_keys=SharedWrongKeys(memory, self._wrong, number_of),
            rate=rate,
        )

    def gone(self, worker: int) -> None:
        """Its connections are no more."""
        if self._totals[worker]:
            table = self._open[worker]
            self._memory.clear(table.place, table.size)
            self._totals[worker] = 0

    def close(self) -> None:
        for table in (self._rates, self._wrong, *self._open):
            table.close()
        self._totals.release()
        self._memory.close()

    def __repr__(self) -> str:
        return f"<SharedLimits [{sum(self._totals)} connections]>"
