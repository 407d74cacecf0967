"""Numbers for each client, in memory that several processes have. Its size is fixed.

Each client has one place in one row, which its name says. Where a row is full, the entry goes whose
first number is the lowest: a moment that is past for longest.
"""

from collections.abc import Hashable, Sequence
from hashlib import blake2b
from ipaddress import IPv4Address

ROWS, PLACES = 4096, 16
ENTRIES = ROWS * PLACES
KEY_BYTES = 16
EMPTY = 0
_NUMBER = 8
"""Bytes of each number."""


class ClientNames:
    """Numbers that stand for clients; without the key nobody can tell whose rows are the same."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._last: tuple[Hashable, int] = (None, self._find(None))

    def number_of(self, who: Hashable) -> int:
        """`who` as `network_of` says it, or the name of a key."""
        last = self._last
        if last[0] is who:  # it is asked some times for one request
            return last[1]
        self._last = who, self._find(who)
        return self._last[1]

    def _find(self, who: Hashable) -> int:
        match who:
            case IPv4Address():
                told = b"4" + who.packed
            case bytes():
                told = b"6" + who
            case str():
                told = b"k" + who.encode()
            case _:
                told = b"u"
        digest = blake2b(told, digest_size=_NUMBER, key=self._key).digest()
        return int.from_bytes(digest, "little") or 1

    def __repr__(self) -> str:
        return "<ClientNames>"


class SharedTable:
    """One table; its processes must not write to the same row at the same time."""

    def __init__(self, memory: memoryview, place: int, columns: int) -> None:
        """It begins at `place`, with zeros, and is as long as `table_size` says."""
        self.place, self.size = place, table_size(columns)
        starts = range(place, place + self.size, ENTRIES * _NUMBER)
        parts = [memory[at : at + ENTRIES * _NUMBER] for at in starts]
        self._names = parts[0].cast("Q")
        self._columns = [part.cast("d") for part in parts[1:]]

    def get(self, client: int) -> Sequence[float] | None:
        place = self._find(client)
        if place is None:
            return None
        found = [column[place] for column in self._columns]
        return found if self._names[place] == client else None  # it has gone meanwhile

    def put(self, client: int, *numbers: float) -> None:
        """A process that is killed in the midst of it leaves no entry, or some of the numbers."""
        place = self._find(client)
        if place is None:
            place = self._make_room(client)
        for column, number in zip(self._columns, numbers, strict=True):
            column[place] = number
        self._names[place] = client

    def drop(self, client: int) -> None:
        place = self._find(client)
        if place is not None:
            self._names[place] = EMPTY

    def close(self) -> None:
        self._names.release()
        for column in self._columns:
            column.release()

    def _find(self, client: int) -> int | None:
        first = row_of(client) * PLACES
        row = self._names[first : first + PLACES].tolist()
        return first + row.index(client) if client in row else None

    def _make_room(self, client: int) -> int:
        first = row_of(client) * PLACES
        places = range(first, first + PLACES)
        for place in places:
            if self._names[place] == EMPTY:
                return place
        place = min(places, key=self._columns[0].__getitem__)
        self._names[place] = EMPTY
        return place

    def __len__(self) -> int:
        return sum(name != EMPTY for name in self._names)

    def __repr__(self) -> str:
        return f"<SharedTable [{len(self)} of {ENTRIES}]>"


def row_of(client: int) -> int:
    return client % ROWS


def table_size(columns: int) -> int:
    return (1 + columns) * ENTRIES * _NUMBER
