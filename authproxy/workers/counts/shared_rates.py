"""Rates and wrong keys of each client, for all workers together.

What is decided, `policy.access.rate_limits` says. Here is where it is kept, and that one worker at
a time looks at a client and writes. What one has counted stays when it dies, and ages as ever.
"""

from abc import abstractmethod
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from authproxy.policy.access.networks import Address
from authproxy.policy.access.rate_limits import RateLimiter, WrongKeyCounter, network_of
from authproxy.workers.counts.shared_memory import SharedMemory
from authproxy.workers.counts.shared_table import SharedTable, row_of

NumberOf = Callable[[Hashable], int]
Value = TypeVar("Value")


class _ClientTable(Generic[Value]):
    """A value for each client in a table, by what `network_of` or a `RateLimit` calls it."""

    def __init__(self, table: SharedTable, number_of: NumberOf) -> None:
        self._table = table
        self._number_of = number_of

    @abstractmethod
    def get(self, who: Hashable, default: Value, /) -> Value:
        """`default` where nothing is known."""

    def pop(self, who: Hashable, default: Value, /) -> Value:
        found = self.get(who, default)
        self._table.drop(self._number_of(who))
        return found

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{len(self)}]>"


class ClientMoments(_ClientTable[float]):
    """A moment for each client, or each key. The table has one column."""

    def get(self, who: Hashable, default: float, /) -> float:
        found = self._table.get(self._number_of(who))
        return default if found is None else found[0]

    def __setitem__(self, who: Hashable, value: float, /) -> None:
        self._table.put(self._number_of(who), value)


class WrongTries(_ClientTable[tuple[int, float]]):
    """A count and a moment for each client. The table has two columns."""

    def get(self, who: Hashable, default: tuple[int, float], /) -> tuple[int, float]:
        found = self._table.get(self._number_of(who))
        if found is None:
            return default
        until, count = found
        return int(count), until

    def __setitem__(self, who: Hashable, value: tuple[int, float], /) -> None:
        count, until = value
        self._table.put(self._number_of(who), until, count)


class SharedRate:
    """`RateLimit` of all workers."""

    def __init__(
        self,
        memory: SharedMemory,
        table: SharedTable,
        number_of: NumberOf,
        per_second: float,
        burst: int,
    ) -> None:
        self._memory = memory
        self._number_of = number_of
        self._limiter = RateLimiter(per_second, burst, kept=ClientMoments(table, number_of))
        self._place = table.place

    def take(self, who: Hashable, now: float) -> float:
        """As the Protocol has it; processes that look at the clock at once may come in any order,
        which makes no difference."""
        place = self._place + row_of(self._number_of(who))
        return self._memory.alone(place, partial(self._limiter.take, who, now))

    def __repr__(self) -> str:
        return f"<SharedRate {self._limiter!r}>"


class SharedWrongKeys:
    """`WrongKeyCounts` of all workers."""

    def __init__(self, memory: SharedMemory, table: SharedTable, number_of: NumberOf) -> None:
        self._memory = memory
        self._number_of = number_of
        self._tries = WrongTries(table, number_of)
        self._counter = WrongKeyCounter(kept=self._tries)
        self._place = table.place

    def wait_s(self, client: Address | None, now: float) -> float:
        return self._counter.wait_s(client, now)

    def note(self, client: Address | None, now: float) -> None:
        self._alone(client, partial(self._counter.note, client, now))

    def forget(self, client: Address | None) -> None:
        if self._tries.get(network_of(client), (0, 0.0))[0]:
            self._alone(client, partial(self._counter.forget, client))

    def _alone(self, client: Address | None, act: Callable[[], None]) -> None:
        place = self._place + row_of(self._number_of(network_of(client)))
        self._memory.alone(place, act)

    def __repr__(self) -> str:
        return f"<SharedWrongKeys {self._counter!r}>"
