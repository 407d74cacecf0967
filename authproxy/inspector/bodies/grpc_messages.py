"""gRPC messages: how long each is, and whether it is compressed.

What is in them is not kept: without the service's own description nobody can tell which of their
fields are secrets. Whoever has one (from reflection) can be given the messages in `_message`.
"""

from collections import deque
from collections.abc import Callable

from authproxy.inspector.bodies.content import OVERHEAD, BodyType

EACH = 250
PREFIX = 5
TRAILERS = 0x80
"""gRPC-Web's flag for a frame that holds the trailers."""


class GrpcMessages:
    """The messages in one direction of a call."""

    def __init__(self, nature: BodyType, at_most: int, clock: Callable[[], float]) -> None:
        self._nature = nature
        self._at_most = at_most
        self._clock = clock
        self._began = clock()
        self._prefix = b""
        self._left = 0
        self._kept: deque[tuple[int, float, int, int]] = deque()
        self._size = 0
        self._count = 0
        self._is_done = False
        self.held = OVERHEAD
        self._is_text = nature.media_type.startswith("application/grpc-web-text")

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._is_text:
            return
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            wanted = PREFIX - len(self._prefix)
            self._prefix += data[at : at + wanted]
            at += wanted
            if len(self._prefix) == PREFIX:
                self._message(self._prefix[0], int.from_bytes(self._prefix[1:]))
                self._prefix = b""

    def _message(self, flags: int, length: int) -> None:
        self._left = length
        if flags & TRAILERS:
            return
        self._count += 1
        self._kept.append((self._count, self._clock() - self._began, length, flags))
        self.held += EACH
        if self.held > self._at_most:
            self._kept.popleft()
            self.held -= EACH

    def finish(self) -> None:
        self._is_done = True

    def shown(self) -> dict[str, object]:
        found: dict[str, object] = {
            "form": "grpc",
            "type": self._nature.media_type,
            "size": self._size,
            "complete": self._is_done,
            "count": self._count,
            "dropped": self._count - len(self._kept),
            "messages": [
                {"number": n, "at_s": round(at, 6), "length": length, "compressed": bool(flags & 1)}
                for n, at, length, flags in self._kept
            ],
        }
        return found | {"omitted": "grpc-web-text is not taken apart"} if self._is_text else found
