"""Server-sent events: bytes in, events out.

https://html.spec.whatwg.org/multipage/server-sent-events.html 9.2.6. An event may have any size,
and is looked through once, in however many pieces it comes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_END_OF_LINE = re.compile(rb"[\r\n]")
_MOST_DIGITS = 10
"""Of milliseconds: three months. A server that says more says nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    """`message` unless the server said otherwise."""
    data: bytes


class EventReader:
    """Reader of one stream. What it learns for coming back stays with it."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        """Of the last event that had an id."""
        self.retry_s: float | None = None
        """How long the server wants clients to wait before they come back."""
        self._line = bytearray()
        self._after_cr = False
        self._name = ""
        self._id: str | None = None
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that end in `data`. One that ends without data is none, but its id counts."""
        start = 0
        if self._after_cr and data:
            start = int(data[:1] == b"\n")
            self._after_cr = False
        while found := _END_OF_LINE.search(data, start):
            self._line += data[start : found.start()]
            start = found.end()
            if found.group() == b"\r":
                if start == len(data):
                    self._after_cr = True
                elif data[start : start + 1] == b"\n":
                    start += 1
            event = self._end_line()
            if event is not None:
                yield event
        self._line += data[start:]

    def _end_line(self) -> Event | None:
        line = bytes(self._line)
        self._line.clear()
        if not line:
            return self._end_event()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif field == b"retry" and value.isdigit() and len(value) <= _MOST_DIGITS:
            self.retry_s = int(value) / 1000
        return None

    def _end_event(self) -> Event | None:
        if self._id is not None:
            self.last_id = self._id or None
        data, name = b"\n".join(self._data), self._name or "message"
        self._data, self._name, self._id = [], "", None
        return Event(name, data) if data else None

    def __repr__(self) -> str:
        return f"<EventReader [last id {self.last_id!r}]>"
