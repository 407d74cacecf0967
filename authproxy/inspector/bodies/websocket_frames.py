"""Reads WebSocket frames (RFC 6455 5.2) and their compression (RFC 7692), in one direction.

It reads along and judges nobody: on the first byte that makes no sense it stops.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from authproxy.inspector.bodies.encodings import MOST_TIMES

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
TAIL = b"\0\0\xff\xff"
"""RFC 7692 7.2.2: what is put behind each message before it is inflated."""
AT_ONCE = 65536
MOST_FRAMES = 4096
"""In one piece; a service that sends more of them at once wants to keep us busy."""
MOST_READ = 256
"""Small messages in one piece that are read; there is room for few more, so the last ones are. The
others are stepped over, which costs a tenth of that."""
MOST_INFLATED = 16 * 1024 * 1024
"""Bytes that one message may become; beyond that nothing more is read in this direction."""


@dataclass(frozen=True, slots=True)
class WebSocketMessage:
    """A message, or a control frame."""

    opcode: int
    data: bytes
    """Cut at the bound."""
    size: int
    """What it was altogether, without compression."""
    compressed: bool


Hear = Callable[[WebSocketMessage], object]
_WHOLE = frozenset(128 | opcode for opcode in (TEXT, BINARY, PING, PONG))
"""First bytes of frames that are a message by themselves, not compressed."""


class Frames:
    """Takes a stream of bytes apart."""

    def __init__(
        self,
        hear: Hear,
        at_most: int,
        *,
        step_over: Callable[[int], object] = lambda _: None,
        deflate: bool = False,
        keeps_context: bool = True,
    ) -> None:
        """`hear` gets each message; of its data at most `at_most` bytes. `step_over`: so many were
        not read, since more came at once than there is room for."""
        self._hear = hear
        self._step_over = step_over
        self._head = bytearray()
        self._left = 0
        self._mask = b""
        self._turn = 0
        self._final = True
        self._is_open = False
        """A message has begun, and goes on in another frame."""
        self._message = _Gathered(at_most)
        self._control = _Gathered(at_most)
        self._current = self._message
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if deflate else None
        self._keeps_context = keeps_context
        self._frames = 0
        """Of the piece that is read."""
        self._came = self._inflated_to = 0
        """Bytes, and what became of those that were compressed."""
        self.broken = ""
        """Why nothing more is read."""

    @property
    def held(self) -> int:
        return len(self._message.data) + len(self._control.data) + (48_000 if self._inflate else 0)

    def feed(self, data: bytes) -> None:
        at = 0
        self._came += len(data)
        self._frames = 0
        has_looked = False
        while at < len(data) and not self.broken:
            if not (has_looked or self._left or self._head or self._is_open):
                has_looked, at = True, self._last_ones(data, at)
            at += self._payload(data, at) if self._left else self._header(data, at)

    def _last_ones(self, data: bytes, at: int) -> int:
        """Where the last MOST_READ begin of the messages that begin at `at` and have come whole."""
        start, size = at, len(data)
        if size - start < 2 * MOST_READ:
            return start
        ends: list[int] = []
        while at + 4 <= size and data[at] in _WHOLE:
            length = data[at + 1]
            at += 2 if length < 128 else 6
            length &= 127
            if length > 125:
                break
            at += length
            if at > size:
                break
            ends.append(at)
        many = len(ends) - MOST_READ
        if many <= 0:
            return start
        self._step_over(many)
        return ends[many - 1]

    def _header(self, data: bytes, at: int) -> int:
        head = self._head
        wanted = _head_length(head) - len(head)
        taken = data[at : at + wanted]
        head += taken
        if len(head) >= 2 and len(head) == _head_length(head):
            self._begin(bytes(head))
            head.clear()
        return len(taken)

    def _begin(self, head: bytes) -> None:
        self._frames += 1
        opcode, length = head[0] & 15, head[1] & 127
        masked = head[1] & 128
        extended = {126: 2, 127: 8}.get(length, 0)
        if extended:
            length = int.from_bytes(head[2 : 2 + extended])
        self._mask = head[2 + extended :] if masked else b""
        self._left, self._turn, self._final = length, 0, bool(head[0] & 128)
        if opcode >= CLOSE:
            self._current = self._control
            self._control.begin(opcode, compressed=False)
        else:
            self._current = self._message
            if opcode == CONTINUATION and not self._is_open:
                self.broken = "a message goes on that has not begun"
                return
            self._is_open = not self._final
            if opcode != CONTINUATION:
                self._message.begin(opcode, compressed=bool(head[0] & 64))
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG) or length >> 63:
            self.broken = "what follows is no WebSocket frame"
        elif self._frames > MOST_FRAMES:
            self.broken = "too many frames come at once"
        elif not length:
            self._frame_ended()

    def _payload(self, data: bytes, at: int) -> int:
        step = min(self._left, len(data) - at)
        piece = data[at : at + step]
        if self._mask:
            piece = unmasked(piece, self._mask, self._turn)
            self._turn = (self._turn + step) & 3
        self._left -= step
        self._add(piece)
        if not self._left and not self.broken:
            self._frame_ended()
        return step

    def _add(self, piece: bytes) -> None:
        if self._current.compressed:
            self._inflated(piece)
        else:
            self._current.add(piece)

    def _inflated(self, piece: bytes) -> None:
        if self._inflate is None:
            self.broken = "a frame is compressed, which was not agreed on"
            return
        try:
            more = bool(piece)
            while more and not self.broken:
                found = self._inflate.decompress(piece, AT_ONCE)
                self._current.add(found)
                piece = self._inflate.unconsumed_tail
                more = bool(piece) or len(found) == AT_ONCE
                self._inflated_to += len(found)
                if (
                    self._current.size > MOST_INFLATED
                    or self._inflated_to > MOST_INFLATED + MOST_TIMES * self._came
                ):
                    self.broken = "a message becomes too large when it is decompressed"
        except zlib.error:
            self.broken = "a compressed message is broken"

    def _frame_ended(self) -> None:
        if not self._final:
            return
        current = self._current
        if current.compressed:
            self._inflated(TAIL)
            if not self._keeps_context:
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        if not self.broken:
            self._hear(current.end())


class _Gathered:
    """A message that is coming in."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._opcode = 0
        self.data = bytearray()
        self.size = 0
        self.compressed = False

    def begin(self, opcode: int, *, compressed: bool) -> None:
        self._opcode, self.compressed, self.size = opcode, compressed, 0
        self.data = bytearray()

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        room = self._at_most - len(self.data)
        if room > 0:
            self.data += piece[:room]

    def end(self) -> WebSocketMessage:
        made = WebSocketMessage(self._opcode, bytes(self.data), self.size, self.compressed)
        self.data = bytearray()
        return made


def _head_length(head: bytes | bytearray) -> int:
    """Of a frame's header, as far as can be told from what there is of it."""
    if len(head) < 2:
        return 2
    return 2 + {126: 2, 127: 8}.get(head[1] & 127, 0) + (4 if head[1] & 128 else 0)


def unmasked(data: bytes, mask: bytes, turn: int) -> bytes:
    """RFC 6455 5.3, from the `turn`th byte of the mask on."""
    length = len(data)
    if not length:
        return b""
    turned = mask[turn:] + mask[:turn]
    key = (turned * (length // 4 + 1))[:length]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(length)
