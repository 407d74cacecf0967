"""Streams of server-sent events: the last ones that fit, each without secrets as it comes."""

import re
from collections import deque
from collections.abc import Callable

from authproxy.inspector.bodies.content import OVERHEAD, BodyType
from authproxy.inspector.bodies.encodings import MOST_TIMES, Reader, Unreadable, reader_for
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.inspector.redaction.structured import redact_json

EACH = 200
"""Bytes that the objects around one event take."""
AT_ONCE = 1024 * 1024
"""Bytes that one piece may become when it is decompressed; a stream that does more is not read."""
_END = re.compile(rb"(?>\r\n|[\r\n]){2,}")
_SEAM = 4
"""Bytes of an end that may have come with the piece before."""


class Events:
    """Events of one answer."""

    def __init__(
        self, nature: BodyType, redactor: Redactor, at_most: int, clock: Callable[[], float]
    ) -> None:
        self._nature = nature
        self._redactor = redactor
        self._at_most = at_most
        self._clock = clock
        self._began = clock()
        self._rest = b""
        self._is_skipping = False
        self._kept: deque[tuple[int, float, bytes]] = deque()
        self._size = self._plain = 0
        """Bytes as they came, and without their encoding."""
        self._count = 0
        self._why = ""
        self._is_done = False
        self.held = OVERHEAD
        self._reader: Reader | None = None
        try:
            self._reader = reader_for(nature.encoding)
        except Unreadable as error:
            self._why = str(error)

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._reader is None:
            return
        try:
            plain = self._reader.read(data, AT_ONCE + 1)
            self._plain += len(plain)
            if len(plain) > AT_ONCE or self._plain > AT_ONCE + MOST_TIMES * self._size:
                raise Unreadable("it becomes too large when it is decompressed")
        except Unreadable as error:
            self._why, self._reader = str(error), None
            return
        self._read(self._rest + plain, max(len(self._rest) - _SEAM, 0))

    def _read(self, text: bytes, seam: int) -> None:
        """What is before `seam` was searched for an end already."""
        ends = [found.span() for found in _END.finditer(text, seam)]
        skipped = max(len(ends) - self._at_most // EACH, 0)
        self._count += skipped  # those after them leave no room for them
        at = ends[skipped - 1][1] if skipped else 0
        self._is_skipping = self._is_skipping and not skipped
        for start, end in ends[skipped:]:
            event = text[at:start].lstrip(b"\r\n")  # half an end may have come before
            if event:
                self._event(event)
            at = end
        self.held -= len(self._rest)
        self._rest = text[at:]
        if len(self._rest) > self._at_most:
            self._rest, self._is_skipping = self._rest[-3:], True
        self.held += len(self._rest)

    def _event(self, text: bytes) -> None:
        self._count += 1
        if self._is_skipping:
            self._is_skipping = False
            text = b": an event that was too large to be kept"
        kept = self._redacted(text)
        self._kept.append((self._count, self._clock() - self._began, kept))
        self.held += len(kept) + EACH
        while self._kept and self.held > self._at_most:
            self.held -= len(self._kept.popleft()[2]) + EACH

    def _redacted(self, text: bytes) -> bytes:
        """The lines `data:` are one text (HTML 9.2.6), whatever is split over them."""
        lines = text.splitlines()
        data = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        others = [self._redactor.text(line) for line in lines if not line.startswith(b"data:")]
        if not data:
            return b"\n".join(others)
        whole = b"\n".join(data)
        is_json = whole.lstrip()[:1] in (b"{", b"[")
        kept = redact_json(self._redactor, whole) if is_json else self._redactor.text(whole)
        return b"\n".join([*others, *(b"data: " + line for line in kept.split(b"\n"))])

    def finish(self) -> None:
        self._is_done = True
        self.held -= len(self._rest)
        self._rest = b""

    def shown(self) -> dict[str, object]:
        found: dict[str, object] = {
            "form": "events",
            "type": self._nature.media_type,
            "encoding": self._nature.encoding,
            "size": self._size,
            "complete": self._is_done,
            "count": self._count,
            "dropped": self._count - len(self._kept),
            "events": [_shown(*each) for each in self._kept],
        }
        return found | {"omitted": self._why} if self._why else found


def _shown(number: int, at: float, text: bytes) -> dict[str, object]:
    fields: dict[str, object] = {"number": number, "at_s": round(at, 6)}
    data: list[str] = []
    for line in text.decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name in ("event", "id", "retry"):
            fields[name] = value
        elif not name:
            fields["comment"] = value
    return fields | {"data": "\n".join(data)}
