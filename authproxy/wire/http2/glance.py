"""Reads a service's header blocks no further than somebody needs.

They pass to the client as they came, and all that is asked of most is the status. So a value stays
as it stands in the block, Huffman code and all, until it is asked for; and as indexes count from
the newest entry, what the table has forgotten need not be known: whether an index still holds, the
client checks. A block that refers to nothing before it means the same whenever it comes again.
"""

from collections import deque
from functools import lru_cache

from hpack import HPACKError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from authproxy.policy.calls import Pair
from authproxy.wire.http2.frames import ConnectionFault, Failure
from authproxy.wire.http2.settings import DEFAULT_TABLE, MAX_TABLE

Entry = tuple[bytes, bytes, bool]
"""A field's name, its value as it stands in the block, and whether that is in Huffman code."""

ENTRY_BYTES = 32  # RFC 7541 4.1: what an entry counts besides its name and value
MAX_KNOWN = 32
MAX_KNOWN_BYTES = 4096
_STATIC: tuple[Entry, ...] = tuple((*pair, False) for pair in HeaderTable.STATIC_TABLE)


class Glance:
    """One block."""

    __slots__ = (
        "entries",
        "home",
        "is_lasting",
        "must_change",
        "pushed",
        "sets_cookies",
        "status",
        "version",
    )

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.pushed: list[Entry] = []
        """What it adds to the table, oldest first."""
        self.is_lasting = True
        """It refers to nothing before it."""
        self.version = 0
        """Of the table it refers to, when it does not add to it."""
        self.status = 0
        """0 for trailers."""
        self.must_change = self.sets_cookies = False
        self.home: object = None
        """For which these two were found out; None: nobody has looked yet."""

    def find(self, name: bytes) -> bytes | None:
        """The first value under this name."""
        return next((value_of(entry) for entry in self.entries if entry[0] == name), None)

    def fields(self, *, max_bytes: int) -> list[Pair]:
        """All of them, spelled out. Raises ConnectionFault when that would be more than allowed."""
        pairs = []
        for entry in self.entries:
            value = value_of(entry)
            max_bytes -= len(entry[0]) + len(value) + ENTRY_BYTES
            if max_bytes < 0:
                raise _broken("a header block unfolds to too much")
            pairs.append((entry[0], value))
        return pairs


class GlanceReader:
    """One direction's blocks, in the order in which they come."""

    __slots__ = ("_known", "_max_size", "_table", "_version")

    def __init__(self) -> None:
        self._table: deque[Entry] = deque(maxlen=MAX_TABLE // ENTRY_BYTES)
        """Newest first."""
        self._max_size = DEFAULT_TABLE
        self._version = 0
        self._known: dict[bytes, Glance] = {}

    def read(self, block: bytes) -> Glance:
        """Raises ConnectionFault for what is no header block."""
        known = self._known.get(block)
        if known is not None and (known.is_lasting or known.version == self._version):
            if known.pushed:
                self._table.extendleft(known.pushed)
                self._version += 1
            return known
        glance = self._walk(block)
        glance.version = self._version
        if len(block) <= MAX_KNOWN_BYTES and (glance.is_lasting or not glance.pushed):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[block] = glance
        return glance

    def _walk(self, block: bytes) -> Glance:
        glance = Glance()
        at, end = 0, len(block)
        try:
            while at < end:
                at = self._step(block, at, glance)
        except IndexError:
            raise _broken("a header block is not valid") from None
        if at != end:
            raise _broken("a header block ends too early")
        glance.status = _status(glance)
        return glance

    def _step(self, block: bytes, at: int, glance: Glance) -> int:
        """Read one representation (RFC 7541 6); where the next one begins."""
        first = block[at]
        if first >= 0x80:
            index, at = _integer(block, at, 0x7F)
            glance.entries.append(self._entry(index, glance))
        elif first >= 0x40:
            entry, at = self._literal(block, at, 0x3F, glance)
            glance.entries.append(entry)
            self._push(entry, glance)
        elif first >= 0x20:
            self._max_size, at = _integer(block, at, 0x1F)
            glance.is_lasting = False
            self._version += 1
            self._known.clear()
        else:
            entry, at = self._literal(block, at, 0x0F, glance)
            glance.entries.append(entry)
        return at

    def _literal(self, block: bytes, at: int, prefix: int, glance: Glance) -> tuple[Entry, int]:
        index, at = _integer(block, at, prefix)
        if index:
            name = self._entry(index, glance)[0]
        else:
            raw, coded, at = _string(block, at)
            name = _spelled(raw) if coded else raw
        raw, coded, at = _string(block, at)
        return (name, raw, coded), at

    def _entry(self, index: int, glance: Glance) -> Entry:
        if index == 0:
            raise _broken("a header block is not valid")
        if index <= len(_STATIC):
            return _STATIC[index - 1]
        glance.is_lasting = False
        return self._table[index - len(_STATIC) - 1]

    def _push(self, entry: Entry, glance: Glance) -> None:
        name, raw, coded = entry
        self._version += 1
        # The shortest Huffman code has five bits.
        size = len(name) + (len(raw) * 8 // 5 if coded else len(raw)) + ENTRY_BYTES
        if size > self._max_size < len(name) + len(value_of(entry)) + ENTRY_BYTES:
            self._table.clear()  # RFC 7541 4.4: too large an entry empties the table
            glance.is_lasting = False
        else:
            self._table.appendleft(entry)
        glance.pushed.append(entry)


def _integer(block: bytes, at: int, prefix: int) -> tuple[int, int]:
    """RFC 7541 5.1."""
    value = block[at] & prefix
    at += 1
    if value < prefix:
        return value, at
    shift = 0
    while True:
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 28:
            raise _broken("a number in a header block is too large")


def _string(block: bytes, at: int) -> tuple[bytes, bool, int]:
    """RFC 7541 5.2, not decoded."""
    coded = block[at] >= 0x80
    length, at = _integer(block, at, 0x7F)
    end = at + length
    if end > len(block):
        raise _broken("a header block ends too early")
    return block[at:end], coded, end


def value_of(entry: Entry) -> bytes:
    """Spelled out."""
    return _spelled(entry[1]) if entry[2] else entry[1]


@lru_cache(maxsize=512)
def _remembered(raw: bytes) -> bytes:
    return decode_huffman(raw)


def _spelled(raw: bytes) -> bytes:
    # Only short ones are kept: memory has a bound.
    try:
        return _remembered(raw) if len(raw) <= 64 else decode_huffman(raw)
    except HPACKError:
        raise _broken("a header block is not valid") from None


def _status(glance: Glance) -> int:
    if not glance.entries or glance.entries[0][0] != b":status":
        return 0
    value = value_of(glance.entries[0])
    if len(value) != 3 or not value.isdigit():
        raise _broken("an answer without a status")
    return int(value)


def _broken(reason: str) -> ConnectionFault:
    return ConnectionFault(Failure.COMPRESSION_ERROR, reason)
