"""gRPC messages: how long each is, whether it is compressed, and what may be kept of its content.

Each is read as soon as it is whole, by what is known of the service then; what came before is not
read again, since only what may be kept of it is here any more.
"""

from collections import deque
from collections.abc import Callable

from authproxy.inspector.bodies.content import OVERHEAD, BodyType
from authproxy.inspector.bodies.encodings import Unreadable, decoded

EACH = 290
PREFIX = 5
TRAILERS = 0x80
"""gRPC-Web's flag for a frame that holds the trailers."""

ReadMessage = Callable[[bytes], str]
"""A message as JSON that may be kept; empty where it cannot be read."""


class GrpcMessages:
    """The messages in one direction of a call."""

    def __init__(
        self,
        nature: BodyType,
        at_most: int,
        clock: Callable[[], float],
        encoding: str = "",
        read: ReadMessage = lambda _: "",
    ) -> None:
        """`encoding` is the grpc-encoding of the direction."""
        self._nature = nature
        self._at_most = at_most
        self._clock = clock
        self._encoding = encoding
        self._read = read
        self._began = clock()
        self._prefix = b""
        self._left = 0
        self._content = bytearray()
        self._kept: deque[tuple[int, float, int, int, str, str]] = deque()
        self._sizes: deque[int] = deque()
        self._size = 0
        self._count = 0
        self._is_done = False
        self._messages_held = self.held = OVERHEAD
        self._is_text = nature.media_type.startswith("application/grpc-web-text")

    @property
    def empty_messages(self) -> bytes | None:
        """What came, where that were messages without content: nothing in them is a secret. Of
        others the bytes are not kept."""
        is_all = self._is_done and not self._is_text and self._size == PREFIX * len(self._kept)
        is_plain = all(not length and not flags for _, _, length, flags, _, _ in self._kept)
        return bytes(self._size) if is_all and is_plain else None

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._is_text:
            return
        at = 0
        while at < len(data):
            if len(self._prefix) == PREFIX:
                step = min(self._left, len(data) - at)
                self._add(data[at : at + step])
                self._left -= step
            else:
                step = PREFIX - len(self._prefix)
                self._prefix += data[at : at + step]
                self._left = int.from_bytes(self._prefix[1:])
            at += step
            if len(self._prefix) == PREFIX and not self._left:
                self._message(self._prefix[0], int.from_bytes(self._prefix[1:]))
        self.held = self._messages_held + len(self._content) * 9 // 8

    def _add(self, data: bytes) -> None:
        """One that is larger than may be kept is not read at all."""
        if int.from_bytes(self._prefix[1:]) <= self._at_most and not self._prefix[0] & TRAILERS:
            self._content += data

    def _message(self, flags: int, length: int) -> None:
        content, self._content, self._prefix = bytes(self._content), bytearray(), b""
        if flags & TRAILERS:
            return
        self._count += 1
        text, why = self._text(content, flags, length)
        self._kept.append((self._count, self._clock() - self._began, length, flags, text, why))
        size = EACH + len(text) * (1 if text.isascii() else 4)
        self._sizes.append(size)
        self._messages_held += size
        while self._kept and self._messages_held > self._at_most:
            self._kept.popleft()
            self._messages_held -= self._sizes.popleft()

    def _text(self, content: bytes, flags: int, length: int) -> tuple[str, str]:
        """What may be kept, or why it is nothing."""
        if len(content) != length:
            return "", "it is larger than what is kept of a body"
        try:
            if flags & 1:
                content, is_all = decoded(content, self._encoding, self._at_most)
                if not is_all:
                    return "", "it is larger than what is kept of a body"
        except Unreadable as error:
            return "", str(error)
        found = self._read(content)
        return found, "" if found else "it is no message of Protocol Buffers"

    def finish(self) -> None:
        self._is_done = True
        self._read = lambda _: ""
        self._content = bytearray()
        self.held = self._messages_held

    def shown(self) -> dict[str, object]:
        found: dict[str, object] = {
            "form": "grpc",
            "type": self._nature.media_type,
            "size": self._size,
            "complete": self._is_done,
            "count": self._count,
            "dropped": self._count - len(self._kept),
            "messages": [_shown(*each) for each in self._kept],
        }
        return found | {"omitted": "grpc-web-text is not taken apart"} if self._is_text else found


def _shown(number: int, at: float, length: int, flags: int, text: str, why: str) -> object:
    found = {
        "number": number,
        "at_s": round(at, 6),
        "length": length,
        "compressed": bool(flags & 1),
    }
    return found | ({"omitted": why} if why else {"text": text})
