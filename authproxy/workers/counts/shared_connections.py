"""Open connections of all workers together.

Each worker writes what it has to numbers of its own, and adds up those of all. So when one dies,
its parent sets them to nothing, and there is no count that nobody takes back. Of two that take the
last connection at the same moment, a lock lets one go first; without it both would be refused.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from authproxy.policy.access.networks import Address
from authproxy.policy.access.rate_limits import network_of, too_many, too_many_of
from authproxy.settings import LimitSettings
from authproxy.workers.counts.shared_memory import SharedMemory
from authproxy.workers.counts.shared_table import SharedTable


class SharedConnections:
    """`ConnectionCounts` of all workers, for one of them."""

    def __init__(
        self,
        memory: SharedMemory,
        totals: memoryview,
        tables: Sequence[SharedTable],
        own: int,
        number_of: Callable[[Hashable], int],
        limits: LimitSettings,
    ) -> None:
        """`totals` and `tables`: of each worker, this one's at `own`."""
        self._memory = memory
        self._totals = totals
        self._tables = tables
        self._own = own
        self._others = [table for number, table in enumerate(tables) if number != own]
        self._number_of = number_of
        self._total = limits.connections
        self._per_client = limits.connections_per_client
        self._open: Counter[int] = Counter()
        self._all = 0

    def opened(self, client: Address | None) -> str | None:
        if not (self._total or self._per_client):
            return None
        place = self._tables[0].place  # the same for all
        return self._memory.alone(place, partial(self._count, client))

    def closed(self, client: Address | None) -> None:
        if not (self._total or self._per_client):
            return
        if self._per_client:
            self._change(self._number_of(network_of(client)), -1)
        self._change_total(-1)  # last, as with none in all nobody looks for what is to be cleared

    def _count(self, client: Address | None) -> str | None:
        """Write first and look then: whoever has no lock may be refused, and not let in."""
        self._change_total(1)
        of_client = 0
        if self._per_client:
            number = self._number_of(network_of(client))
            of_client = self._change(number, 1) + self._of_others(number)
        count = sum(self._totals)
        if self._total and count > self._total:
            return too_many(count, self._total)
        if of_client > self._per_client:
            return too_many_of(client, of_client, self._per_client)
        return None

    def _change_total(self, more: int) -> None:
        self._all += more
        self._totals[self._own] = self._all

    def _change(self, number: int, more: int) -> int:
        """How many this worker has of that client."""
        self._open[number] += more
        count, table = self._open[number], self._tables[self._own]
        if count:
            table.put(number, count)
        else:
            del self._open[number]
            table.drop(number)
        return count

    def _of_others(self, number: int) -> int:
        found = (table.get(number) for table in self._others)
        return sum(int(each[0]) for each in found if each is not None)

    def __repr__(self) -> str:
        return f"<SharedConnections [{self._all} of {sum(self._totals)} open]>"
