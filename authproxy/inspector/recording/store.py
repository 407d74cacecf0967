"""The last exchanges, within one bound of memory, and a log of what has changed."""

import itertools
from collections import OrderedDict, deque
from collections.abc import Iterator

from authproxy.exchange import Exchange
from authproxy.inspector.recording.kept_heads import MemoryAccount
from authproxy.inspector.recording.record import Record

CHANGES = 8192
"""Changes that a reader may be behind; one that is further behind reads everything anew."""
FIXED = 2 * 1024 * 1024
"""Bytes that are taken whatever is kept: the log of changes, and what is remembered of heads."""


class Store:
    """The oldest go first: those that have ended before those under way."""

    def __init__(self, memory: int, account: MemoryAccount) -> None:
        """`memory`: bytes, for everything that is kept."""
        self._limit = memory - FIXED
        self._account = account
        self.live: OrderedDict[Exchange, Record] = OrderedDict()
        self._ended: deque[Record] = deque()
        self._numbered: dict[int, Record] = {}
        self._log: deque[int] = deque(maxlen=CHANGES)
        self.changes = 0
        """How many changes there were: the position of a reader that knows all."""
        self.cleared_at = 0
        """The position of the last `clear`."""
        self.begun = 0
        self.forgotten = 0
        """Records that made room."""
        self.is_paused = False

    @property
    def used(self) -> int:
        """Bytes."""
        return self._account.used

    @property
    def limit(self) -> int:
        """Bytes, for what is kept besides FIXED."""
        return self._limit

    def __len__(self) -> int:
        return len(self._numbered)

    def add(self, record: Record, exchange: Exchange) -> None:
        """An exchange has begun; its number is `begun`."""
        number = record.number
        self.live[exchange] = self._numbered[number] = record
        self.changes += 1
        self._log.append(number)
        account = self._account
        account.used += record.size
        if account.used > self._limit:
            self.make_room()

    def changed(self, record: Record) -> None:
        """Readers are told within a tenth of a second."""
        self.changes += 1
        self._log.append(record.number)

    def grew(self, record: Record, by: int) -> None:
        """`record` takes `by` bytes more."""
        if record.is_kept:
            record.size += by
            self._account.used += by
            if self._account.used > self._limit:
                self.make_room()

    def ended(self, record: Record) -> None:
        """It is no longer in `live`; nothing more happens to it."""
        if record.is_kept:
            self._ended.append(record)
            self.changes += 1
            self._log.append(record.number)
            if self._account.used > self._limit:
                self.make_room()

    def make_room(self) -> None:
        """Forget until all fits."""
        while self._account.used > self._limit and self._numbered:
            if self._ended:
                self._forget(self._ended.popleft())
            else:
                self._forget(self.live.popitem(last=False)[1])

    def _forget(self, record: Record) -> None:
        del self._numbered[record.number]
        self._account.used -= record.size
        self.forgotten += 1
        record.is_kept, record.exchange, record.content = False, None, None

    def clear(self) -> None:
        """Forget what has ended, and what is under way."""
        for record in [*self._ended, *self.live.values()]:
            self._forget(record)
        self._ended.clear()
        self.live.clear()
        self._log.clear()
        self.changes += 1
        self.cleared_at = self.changes

    def find(self, number: int) -> Record | None:
        return self._numbered.get(number)

    def newest_first(self) -> Iterator[Record]:
        """All, as they are at this moment."""
        return iter([self._numbered[number] for number in sorted(self._numbered, reverse=True)])

    def since(self, position: int) -> list[int] | None:
        """The numbers of what has changed, each once; None when nobody knows any more."""
        behind = self.changes - position
        if position < self.cleared_at or not 0 <= behind <= len(self._log):
            return None
        return list(dict.fromkeys(itertools.islice(reversed(self._log), behind)))[::-1]

    def __repr__(self) -> str:
        return f"<Store [{len(self)} exchanges, {self.used} of {self._limit} bytes]>"
