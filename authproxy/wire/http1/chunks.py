"""The chunked transfer coding taken off (RFC 9112 7.1): sizes, extensions, trailers.

Extensions are dropped, as the RFC lets a recipient do that does not know them.
"""

import re

from authproxy.exchange import Field
from authproxy.wire.http1.heads import HeadError, parse_field

MAX_LINE = 4096
"""Bytes of a line that announces a chunk: nobody needs more for a number, and the extensions that
may follow it are not looked at."""

# A size of more than 15 digits would not be one of anything that exists.
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_INSIDE, _SIZE, _AFTER, _TRAILERS, _OVER = range(5)


class Chunks:
    """One body in chunks. Feed it until `is_over`; it never looks at what follows the body."""

    __slots__ = ("_bounds", "_left", "_line", "_state", "_trailer_bytes", "pieces", "trailers")

    def __init__(self, *, trailer_bytes: int, trailer_fields: int) -> None:
        self._bounds = trailer_bytes, trailer_fields
        self._state = _SIZE
        self._left = 0
        self._line = b""
        """The beginning of a line whose end has not come."""
        self._trailer_bytes = 0
        self.pieces: list[bytes] = []
        """The data found since somebody last emptied the list."""
        self.trailers: list[Field] = []

    @property
    def is_over(self) -> bool:
        return self._state == _OVER

    def feed(self, data: bytes, at: int = 0) -> int:
        """Take in what `data` has from `at` on; where what follows the body begins.

        Raises HeadError.
        """
        behind = 0
        if self._line:
            behind = at - len(self._line)
            data, at, self._line = self._line + data[at:], 0, b""
        end = len(data)
        while at < end and self._state != _OVER:
            if self._state == _INSIDE:
                at = self._take(data, at, end)
                continue
            stop = data.find(b"\r\n", at)
            if stop < 0:
                self._keep(data[at:])
                return end + behind
            self._read_line(data[at:stop])
            at = stop + 2
        return at + behind

    def _take(self, data: bytes, at: int, end: int) -> int:
        stop = min(end, at + self._left)
        self.pieces.append(data[at:stop])
        self._left -= stop - at
        if not self._left:
            self._state = _AFTER
        return stop

    def _read_line(self, line: bytes) -> None:
        if self._state == _TRAILERS:
            self._read_trailer(line)
        elif self._state == _SIZE:
            self._read_size(line)
        elif line:
            raise HeadError("a chunk is longer than it said")
        else:
            self._state = _SIZE

    def _read_size(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line) if len(line) <= MAX_LINE else None
        if match is None:
            raise HeadError("a chunk does not begin with its size, or its extensions are too long")
        self._left = int(match[1], 16)
        self._state = _INSIDE if self._left else _TRAILERS

    def _read_trailer(self, line: bytes) -> None:
        if not line:
            self._state = _OVER
            return
        self._trailer_bytes += len(line)
        self.trailers.append(parse_field(line))
        self._check_trailers(self._trailer_bytes)

    def _keep(self, line: bytes) -> None:
        """Wait for the rest of `line`, if it can still become one."""
        if self._state == _TRAILERS:
            self._check_trailers(self._trailer_bytes + len(line))
        elif len(line) > (MAX_LINE if self._state == _SIZE else 1):
            raise HeadError("a chunk is longer than it said, or its extensions are too long")
        if b"\n" in line or b"\r" in line[:-1]:
            raise HeadError("a line among the chunks does not end with CR LF")
        self._line = line

    def _check_trailers(self, size: int) -> None:
        max_bytes, max_fields = self._bounds
        if size > max_bytes or len(self.trailers) > max_fields:
            raise HeadError("the trailers are too large")

    def __repr__(self) -> str:
        return f"<Chunks [{'over' if self.is_over else f'{self._left} bytes left'}]>"
