"""Follows the stream of events that answers a POST, while it passes.

Clients that lose such a stream before the response was in it wait for their own time-out, and
nobody is told. Where the stream stands between two events, an error can still be said; where it has
ids of events, its client comes back for the rest by itself, and must not hear of an error.
https://html.spec.whatwg.org/multipage/server-sent-events.html 9.2.6
"""

import re
from collections.abc import Iterable

from authproxy.errors import AuthProxyError
from authproxy.policy.mcp.jsonrpc import MAX_BYTES, RpcBody, read_answered, write_errors

_END_OF_LINE = re.compile(rb"[\r\n]")
_BOM = b"\xef\xbb\xbf"


class ResponseWatch:
    """The responses that are still to come."""

    __slots__ = (
        "_after_cr",
        "_data",
        "_has_begun",
        "_ids",
        "_is_lost",
        "_is_new",
        "_line",
        "_name",
        "_size",
        "can_come_back",
    )

    def __init__(self, ids: Iterable[str]) -> None:
        """`ids`: of the requests, in JSON."""
        self._ids = dict.fromkeys(ids)
        self.can_come_back = False
        """The stream has ids, from which on its client asks for it again."""
        self._line = bytearray()
        self._data: list[bytes] = []
        self._name = b""
        self._size = 0
        self._has_begun = False
        """Fields of an event have come, and its end has not."""
        self._is_new = True
        self._after_cr = False
        self._is_lost = False
        """An event was too large to be looked at: it may have been the response."""

    @property
    def is_between_events(self) -> bool:
        """What comes next is a line of an event of its own."""
        return not self._has_begun and not self._line

    @property
    def wants_error(self) -> bool:
        """Its client waits for what will not come, and could hear of that at this point."""
        is_waited_for = bool(self._ids) and not self.can_come_back and not self._is_lost
        return is_waited_for and self.is_between_events

    def feed(self, data: bytes) -> None:
        """More of the stream passes."""
        start = 0
        if self._after_cr and data:
            start = int(data[:1] == b"\n")
            self._after_cr = False
        while found := _END_OF_LINE.search(data, start):
            self._keep(data[start : found.start()])
            start = found.end()
            if found.group() == b"\r":
                self._after_cr = start == len(data)
                start += data[start : start + 1] == b"\n"
            self._end_line()
        self._keep(data[start:])

    def errors(self, error: AuthProxyError, request_id: str) -> bytes:
        """The events that say `error` to whoever waits; from now on nobody does."""
        ids, self._ids = tuple(self._ids), {}
        said = (write_errors(error, RpcBody(ids=(each,)), request_id) for each in ids)
        return b"".join(b"event: message\ndata: %b\n\n" % each for each in said)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        # Of what is too large one byte stands for all: the line has begun.
        self._line += part if self._size <= MAX_BYTES else part[:1]

    def _end_line(self) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._is_new:
            self._is_new, line = False, line.removeprefix(_BOM)
        if not line:
            self._end_event()
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        self._has_begun |= bool(field)  # else it is a comment
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        elif field == b"id":
            self.can_come_back = bool(value)

    def _end_event(self) -> None:
        data, name, size = b"\n".join(self._data), self._name, self._size
        self._data, self._name, self._size, self._has_begun = [], b"", 0, False
        if size > MAX_BYTES:
            self._is_lost = True
        elif name in (b"", b"message") and b'"id"' in data:
            for text in read_answered(data):
                self._ids.pop(text, None)

    def __repr__(self) -> str:
        where = "between" if self.is_between_events else "within"
        return f"<ResponseWatch [{len(self._ids)} responses, {where} events]>"
