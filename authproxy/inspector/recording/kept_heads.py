"""Heads without their secrets; what repeats is looked at, and kept, once.

Nothing that is secret may be remembered to know it again, so fields are known by Python's hash of
them: 64 bits, made with a random key at each start.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from authproxy.exchange import Field, ResponseHead, SentHead, read_fields
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.policy.messages.trace_fields import Fields
from authproxy.wire.observing import read_written

OVERHEAD = 120
"""Bytes that the objects around a head take."""
REMEMBERED = 256
"""Heads, and four times as many lines; each is forgotten when all are."""
LONG = 4096
"""Bytes; longer heads are not remembered, so that those that are stay within a mebibyte."""
_line_of = itemgetter(2)
NONE: frozenset[bytes] = frozenset()


class MemoryAccount:
    """Account of the bytes that everything kept takes."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0


class Head:
    """The fields of a head, without secrets. Counts in its account for as long as it lives: many
    records share it, and it goes with the last of them."""

    __slots__ = ("_account", "text")

    def __init__(self, text: bytes, account: MemoryAccount) -> None:
        self.text = text
        """The lines, with CRLF between them."""
        self._account = account
        account.used += len(text) + OVERHEAD

    def __del__(self) -> None:
        self._account.used -= len(self.text) + OVERHEAD

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names as they were written, and values."""
        found = (line.partition(b":") for line in self.text.split(b"\r\n") if line)
        return [(_shown(name), _shown(value.strip(b" \t"))) for name, _, value in found]

    def get(self, wanted: bytes) -> str:
        """The first value of a field, by its name in lower case; empty where there is none."""
        for line in self.text.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == wanted:
                return _shown(value.strip(b" \t"))
        return ""


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


class WrittenAnswer(NamedTuple):
    """The head of an answer as it went to the client."""

    head: Head
    reason: bytes
    status: int
    version: str


class Heads:
    """Makes Heads, and remembers the last ones."""

    def __init__(self, redactor: Redactor, account: MemoryAccount) -> None:
        self.redactor = redactor
        self.account = account
        self._heads: dict[int, Head] = {}
        self._answers: dict[int, WrittenAnswer] = {}
        self._lines: dict[int, bytes] = {}
        self._targets: dict[int, bytes] = {}

    def came(self, fields: Sequence[Field]) -> Head:
        """Of a request, an answer, or trailers."""
        if isinstance(fields, Fields):
            key = hash(fields.block)  # found before, for as long as they repeat
        else:
            key = hash(tuple(map(_line_of, fields)))
        return self._heads.get(key) or self._make(key, fields, NONE)

    def sent(self, sent: SentHead) -> Head:
        """Of a request as it went to the service."""
        raw = sent.raw
        key = hash(raw)
        return self._heads.get(key) or self._make(key, read_fields(raw), sent.secret_names)

    def written(self, head: bytes | ResponseHead) -> WrittenAnswer:
        """Of an answer as it was sent on."""
        if not isinstance(head, bytes):
            return WrittenAnswer(self.came(head.headers), head.reason, head.status, head.version)
        key = hash(head)
        return self._answers.get(key) or self._make_answer(key, read_written(head))

    def _make_answer(self, key: int, read: ResponseHead) -> WrittenAnswer:
        found = WrittenAnswer(self.came(read.headers), read.reason, read.status, read.version)
        if len(self._answers) >= REMEMBERED:
            self._answers.clear()
        if len(found.head.text) <= LONG:
            self._answers[key] = found
        return found

    def target(self, target: bytes) -> bytes:
        """A request's target without secrets."""
        key = hash(target)
        return self._targets.get(key) or self._make_target(key, target)

    def _make_target(self, key: int, target: bytes) -> bytes:
        found = self.redactor.target(target)
        _remember(self._targets, key, found, REMEMBERED)
        return found

    def _make(self, key: int, fields: Iterable[Field], secret_names: frozenset[bytes]) -> Head:
        lines = [self._line(field, secret_names) for field in fields]
        head = Head(b"\r\n".join(lines), self.account)
        if len(head.text) <= LONG:
            if len(self._heads) >= REMEMBERED:
                self._heads.clear()
            self._heads[key] = head
        return head

    def _line(self, field: Field, secret_names: frozenset[bytes]) -> bytes:
        key = hash(field[2])
        found = self._lines.get(key)
        if found is None or field[0] in secret_names:
            found = self.redactor.line(field, secret_names)
            if field[0] not in secret_names:
                _remember(self._lines, key, found, 4 * REMEMBERED)
        return found


def _remember(where: dict[int, bytes], key: int, found: bytes, at_most: int) -> None:
    if len(where) >= at_most:
        where.clear()
    if len(found) <= LONG // 8:
        where[key] = found
