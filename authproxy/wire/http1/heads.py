"""Heads taken apart: request lines, status lines and field lines, as RFC 9112 writes them.

Nothing that another recipient might read otherwise is let through: a bare CR or LF, a NUL, a folded
line, white space before the colon. What two programs read differently is how requests are smuggled.

A line that passes is kept as it came, to be sent on byte for byte.
"""

import re
import string
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from authproxy.exchange import Field
from authproxy.policy.access.targets import fragment
from authproxy.policy.messages.trace_fields import Fields

KNOWN_LINES: Final = 64
"""For each connection; when there are more they are forgotten, so that memory has a bound."""

END_OF_HEAD: Final = b"\r\n\r\n"

_TOKEN_CHARS: Final = (
    b"!#$%&'*+-.^_`|~" + (string.ascii_letters + string.digits).encode()
)  # RFC 9110 5.6.2
_CONTROLS: Final = bytes(range(0x20)) + b"\x7f"
_NOT_IN_TARGET: Final = _CONTROLS + b" #"
_NOT_IN_LINE: Final = _CONTROLS.replace(b"\t", b"")  # RFC 9110 5.5
_TEXT: Final = rb"[\t\x20-\x7e\x80-\xff]*"
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (%b))?" % _TEXT)
# The end of what has come may be the first half of a CR LF.
_CONTROL: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_VERSIONS: Final = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}


class HeadError(ValueError):
    """Bytes that are no head; the text says why and quotes nothing of them."""


class StatusLine(NamedTuple):
    version: str
    status: int
    reason: bytes


def parse_request_line(line: bytes) -> tuple[bytes, bytes, str]:
    """Method, target and version, `1.1` or `1.0`. Raises HeadError, and Refused for a fragment."""
    method, _, rest = line.partition(b" ")
    target, _, protocol = rest.rpartition(b" ")
    version = _VERSIONS.get(protocol)
    if (
        version is None
        or not _lower_token(method)
        or not target
        or len(target.translate(None, _NOT_IN_TARGET)) != len(target)
    ):
        if version is not None and b"#" in target:
            raise fragment()
        raise HeadError("the first line is not `METHOD TARGET HTTP/1.1`")
    return method, target, version


@lru_cache(maxsize=64)
def parse_status_line(line: bytes) -> StatusLine:
    """Raises HeadError. Remembered: services say few different ones."""
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise HeadError("the first line is not `HTTP/1.1 STATUS REASON`")
    minor, status, reason = match.groups()
    return StatusLine(_VERSIONS[b"HTTP/1." + minor], int(status), reason or b"")


def parse_field(line: bytes) -> Field:
    """Raises HeadError."""
    name, colon, value = line.partition(b":")
    lower = _lower_token(name)
    if not lower or not colon or len(line.translate(None, _NOT_IN_LINE)) != len(line):
        raise HeadError(_explain(line))
    return lower, value.strip(b" \t"), line


@lru_cache(maxsize=1024)
def _lower_token(token: bytes) -> bytes:
    """`token` in lower case; empty when it is none. Remembered: the same few come all the time."""
    return b"" if token.translate(None, _TOKEN_CHARS) else token.lower()


class FirstLine(NamedTuple):
    """Parser for one kind of first line."""

    parse: Callable[[bytes], object]
    begun: re.Pattern[bytes]
    """What may stand there while the line is not complete."""


REQUEST: Final = FirstLine(
    parse_request_line,
    re.compile(rb"[%b]+(?: [\x21-\x7e\x80-\xff]*(?: [HTP/1.0]{0,8})?)?" % re.escape(_TOKEN_CHARS)),
)
ANSWER: Final = FirstLine(parse_status_line, re.compile(rb"H?T?T?P?/?1?\.?[01]?(?: %b)?" % _TEXT))


def check_begun(data: bytes, seen: int, first: FirstLine) -> None:
    """Can `data` still become a head? Raises HeadError as soon as it cannot.

    `seen`: how much of it was checked before.
    """
    if not seen:
        line, complete, _ = data.partition(b"\r\n")
        if complete:
            first.parse(line)
        elif first.begun.fullmatch(line.removesuffix(b"\r")) is None:
            raise HeadError("the first line is not HTTP/1.1's")
    if _CONTROL.search(data, max(seen - 1, 0)):
        raise HeadError("a control character, or a line that does not end with CR LF")


class FieldLines:
    """Takes the fields of the heads on one connection apart.

    On a kept-alive connection most lines come again and again, so those that came are known.
    """

    __slots__ = ("_block", "_fields", "_known")

    def __init__(self) -> None:
        self._block = b""
        self._fields = Fields()
        self._known: dict[bytes, object] = {}
        """A field by its line. An object: compiled code makes a tuple that it knows for one anew,
        and whether a field is the very same says that it repeats."""

    def parse(self, block: bytes) -> Fields:
        """The fields in `block`: lines with CR LF between them. Raises HeadError.

        It is the very same list when the last head had the same block.
        """
        if block != self._block:
            get = self._known.get
            lines = block.split(b"\r\n")
            found: list[Any] = [get(line) or self._learn(line) for line in lines]
            self._fields = fields = Fields(found)
            self._block = fields.block = block
        return self._fields

    def _learn(self, line: bytes) -> object:
        field: object = parse_field(line)
        if len(self._known) >= KNOWN_LINES:
            self._known.clear()
        self._known[line] = field
        return field

    def __repr__(self) -> str:
        return f"<FieldLines [{len(self._known)} known]>"


def _explain(line: bytes) -> str:
    if line[:1] in (b" ", b"\t"):
        return "a field is folded over two lines"
    if b":" not in line:
        return "a line has no colon"
    if len(line.translate(None, _NOT_IN_LINE)) != len(line):
        return "a control character, or a line that does not end with CR LF"
    return "a field name has a character that it may not have, or a space before the colon"
