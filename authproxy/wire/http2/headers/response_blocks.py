"""Reads a service's header blocks, and remembers what was found.

They pass to the client as they came, if they may. As indexes count from the newest entry of the
table, a block that refers to nothing before it means the same whenever it comes again; so what it
says, and whether it is a valid answer (RFC 9113 8), is found out once. Fields are judged when they
first stand in a block: an entry of the table carries its verdict.
"""

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from hpack import HPACKError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from authproxy.policy.messages.http2.answer_validity import BLANKS, NO_LENGTH, field_fault
from authproxy.policy.messages.http2.call import Pair
from authproxy.policy.messages.rpc import STATUS, read_status
from authproxy.wire.http2.framing.frames import ConnectionFault, Failure
from authproxy.wire.http2.framing.settings import DEFAULT_TABLE

Entry = tuple[bytes, bytes, str, int]
"""A field's name, its value, what is wrong with it (empty: nothing), and its size in the table."""

ENTRY_BYTES: Final = 32  # RFC 7541 4.1: what an entry counts besides its name and value
MAX_KNOWN: Final = 32
MAX_KNOWN_BYTES: Final = 4096
_SHORT: Final = 64
"""Bytes of a name or value up to which it is remembered: memory has a bound."""
_SLACK: Final = 64 * 1024
"""Bytes that the table may hold too many of before it is cut to its size."""
_STATIC: tuple[Entry, ...] = tuple(
    (name, value, field_fault(name, value), len(name) + len(value) + ENTRY_BYTES)
    for name, value in HeaderTable.STATIC_TABLE
)


class ResponseBlock:
    """A header block of a service, and whether it may pass as it came."""

    __slots__ = (
        "entries",
        "fault",
        "has_blanks",
        "home",
        "is_lasting",
        "is_usual",
        "length",
        "may_pass",
        "must_change",
        "pushed",
        "pushed_size",
        "resizes",
        "rpc_status",
        "sets_cookies",
        "status",
        "version",
    )

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.pushed: list[Entry] = []
        """What it adds to the table, oldest first."""
        self.is_lasting = True
        """It refers to no earlier entry of the table, so it always means the same."""
        self.version = 0
        """Of the table it refers to, when it does not add to it."""
        self.status = 0
        """0 for trailers."""
        self.rpc_status: int | None = None
        """What its grpc-status says."""
        self.pushed_size = 0
        self.resizes = False
        """It says how large the table shall be."""
        self.fault = ""
        """Why this is no valid answer, wherever it stands; empty: it is one."""
        self.has_blanks = False
        """A value has blanks around it, which is no valid answer either, but can be mended."""
        self.is_usual = False
        """It is a valid head of a final answer, if it stands where one may and content follows."""
        self.length = NO_LENGTH
        """What its content-length says."""
        self.must_change = self.sets_cookies = False
        self.may_pass = False
        """Neither of them, nor does it resize the table."""
        self.home: object = None
        """For which these three were found out; None: nobody has looked yet."""

    @property
    def pairs(self) -> Iterator[Pair]:
        """Its fields; there may be more in them than anybody should keep."""
        return (entry[:2] for entry in self.entries)

    def find(self, name: bytes) -> bytes | None:
        """The first value under this name."""
        return next((entry[1] for entry in self.entries if entry[0] == name), None)

    def fields(self, *, max_bytes: int) -> list[Pair]:
        """All of them, spelled out. Raises ConnectionFault when that would be more than allowed."""
        pairs = []
        for name, value, _, size in self.entries:
            max_bytes -= size
            if max_bytes < 0:
                raise _broken("a header block is too large when decoded")
            pairs.append((name, value))
        return pairs


class ResponseBlockReader:
    """One direction's blocks, in the order in which they come."""

    __slots__ = ("_known", "_limit", "_owed", "_size", "_table", "_version", "max_size")

    def __init__(self) -> None:
        self._table: deque[Entry] = deque()
        """Newest first. It is cut to its size when that matters."""
        self._size = 0
        self.max_size = DEFAULT_TABLE
        """As the service has declared it."""
        self._limit = DEFAULT_TABLE
        self._owed: int | None = None
        """The client's table has become smaller; the next block must say that it keeps to this."""
        self._version = 0
        self._known: dict[bytes, ResponseBlock] = {}

    def allow_table(self, size: int) -> None:
        """The service has confirmed that the client's table has this size (RFC 9113 4.3.1)."""
        self._limit = size
        if size < self.max_size:
            self._owed = size if self._owed is None else min(size, self._owed)

    def read(self, block: bytes) -> ResponseBlock:
        """Raises ConnectionFault for what is no header block."""
        known = self._known.get(block)
        if (
            known is not None
            and (known.is_lasting or known.version == self._version)
            and self._owed is None
        ):
            if known.pushed:
                self._table.extendleft(known.pushed)
                self._version += 1
                self._size += known.pushed_size
                if self._size > self.max_size + _SLACK:
                    self._cut()
            return known
        parsed = self._walk(block)
        parsed.version = self._version
        if len(block) <= MAX_KNOWN_BYTES and (parsed.is_lasting or not parsed.pushed):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[block] = parsed
        return parsed

    def _walk(self, block: bytes) -> ResponseBlock:
        parsed = ResponseBlock()
        at, end = 0, len(block)
        try:
            while at < end:
                at = self._step(block, at, parsed)
        except IndexError:
            raise _broken("a header block is not valid") from None
        if at != end:
            raise _broken("a header block ends too early")
        if self._owed is not None:
            raise _broken("a header block without the required update of the table's size")
        _judge(parsed)
        status = parsed.find(STATUS)
        if status is not None:
            parsed.rpc_status = read_status(status)
        return parsed

    def _step(self, block: bytes, at: int, parsed: ResponseBlock) -> int:
        """Read one representation (RFC 7541 6); where the next one begins."""
        first = block[at]
        if first >= 0x80:
            index, at = _integer(block, at, 0x7F)
            parsed.entries.append(self._entry(index, parsed))
        elif first >= 0x40:
            entry, at = self._literal(block, at, 0x3F, parsed)
            parsed.entries.append(entry)
            self._push(entry, parsed)
        elif first >= 0x20:
            size, at = _integer(block, at, 0x1F)
            self._resize(size, parsed)
        else:
            entry, at = self._literal(block, at, 0x0F, parsed)
            parsed.entries.append(entry)
        return at

    def _resize(self, size: int, parsed: ResponseBlock) -> None:
        """RFC 7541 4.2 and 6.3."""
        if parsed.entries:
            raise _broken("an update of the table's size behind a field")
        if size > self._limit:
            raise _broken("a table that is larger than the client allows")
        if self._owed is not None and size <= self._owed:
            self._owed = None
        self.max_size = size
        self._cut()
        parsed.is_lasting = False
        parsed.resizes = True
        self._version += 1
        self._known.clear()

    def _literal(
        self, block: bytes, at: int, prefix: int, parsed: ResponseBlock
    ) -> tuple[Entry, int]:
        index, at = _integer(block, at, prefix)
        if index:
            name = self._entry(index, parsed)[0]
        else:
            raw, coded, at = _string(block, at)
            name = _spelled(raw) if coded else raw
        raw, coded, at = _string(block, at)
        short = len(raw) <= _SHORT and len(name) <= _SHORT
        return (_remembered_entry if short else _make_entry)(name, raw, coded), at

    def _entry(self, index: int, parsed: ResponseBlock) -> Entry:
        if index == 0:
            raise _broken("a header block is not valid")
        if index <= len(_STATIC):
            return _STATIC[index - 1]
        parsed.is_lasting = False
        if self._size > self.max_size:
            self._cut()
        return self._table[index - len(_STATIC) - 1]

    def _push(self, entry: Entry, parsed: ResponseBlock) -> None:
        self._version += 1
        self._table.appendleft(entry)
        self._size += entry[3]
        parsed.pushed.append(entry)
        parsed.pushed_size += entry[3]
        if self._size > self.max_size + _SLACK:
            self._cut()

    def _cut(self) -> None:
        """Drop the oldest entries until the rest fits (RFC 7541 4.3 and 4.4)."""
        size, most, pop = self._size, self.max_size, self._table.pop
        while size > most:
            size -= pop()[3]
        self._size = size


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


def _spelled(raw: bytes) -> bytes:
    # RFC 7541 5.2: padding of more than 7 bits, or of other bits than ones, and EOS are errors.
    try:
        return decode_huffman(raw)
    except HPACKError:
        raise _broken("a header block is not valid") from None


def _make_entry(name: bytes, raw: bytes, coded: bool) -> Entry:
    value = _spelled(raw) if coded else raw
    return name, value, field_fault(name, value), len(name) + len(value) + ENTRY_BYTES


_remembered_entry = lru_cache(maxsize=2048)(_make_entry)


def _judge(parsed: ResponseBlock) -> None:
    """What the fields are together; each has been judged by itself."""
    for at, (name, value, fault, _) in enumerate(parsed.entries):
        if fault == BLANKS:
            parsed.has_blanks = True
        elif fault:
            parsed.fault = fault
        elif name == b":status":
            if at:
                parsed.fault = "a :status that is repeated, or behind other fields"
            else:
                parsed.status = int(value)
        elif name == b"content-length":
            if parsed.length != NO_LENGTH:
                parsed.fault = "a content-length that is repeated"
            parsed.length = int(value)
    parsed.is_usual = parsed.status >= 200 and not (parsed.fault or parsed.has_blanks)


def _broken(reason: str) -> ConnectionFault:
    return ConnectionFault(Failure.COMPRESSION_ERROR, reason)
