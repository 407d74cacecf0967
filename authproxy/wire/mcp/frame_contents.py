"""Hears the content of a few streams of an HTTP/2 connection, while its frames pass as they came.

It is put in front of what receives one direction's frames when the first such stream is there;
connections without any never see it.
"""

from typing import Protocol

from authproxy.wire.http2.framing.frames import END_STREAM, RST_STREAM
from authproxy.wire.http2.framing.scanner import Scanner


class Sink(Protocol):
    """A listener to one stream's content."""

    def add(self, data: bytes, /) -> None:
        """A piece of it, without padding; also of frames that do not pass."""

    def complete(self) -> None:
        """It has come in whole."""

    def cancel(self) -> None:
        """Its sender takes it back."""


class FrameContents:
    """Content of streams in what `scanner` reads: `expect` one that is wanted, `drop` it again."""

    __slots__ = ("_current", "_ends", "_left", "_next", "_receiver", "_streams")

    def __init__(self, scanner: Scanner) -> None:
        self._receiver, scanner.receiver = scanner.receiver, self
        self._next, scanner.content = scanner.content, self
        self._streams: dict[int, Sink] = {}
        self._current: Sink | None = None
        """Whose content comes at the moment."""
        self._left = 0
        """Bytes that are to come of a frame's content."""
        self._ends = False

    def expect(self, stream_id: int, content: Sink) -> None:
        """Hear this stream from now on."""
        self._streams[stream_id] = content

    def drop(self, stream_id: int) -> None:
        """Hear no more of it."""
        content = self._streams.pop(stream_id, None)
        if content is self._current:
            self._current = None

    # As the receiver of frames.

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        content = self._streams.get(stream_id)
        self._current, self._left = content, length - padding
        self._ends = bool(flags & END_STREAM)
        substitute = self._receiver.data(flags, stream_id, length, padding)
        if not self._left:
            self._frame_ended()
        return substitute

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        content = self._streams.get(stream_id)
        if content is not None and flags & END_STREAM:
            content.complete()
        return self._receiver.block(kind, flags, stream_id, priority, block)

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        content = self._streams.get(stream_id)
        if content is not None and kind == RST_STREAM:
            content.cancel()
        return self._receiver.control(kind, flags, stream_id, payload)

    # As the hearer of what they hold.

    def add(self, payload: bytes) -> None:
        if self._next is not None:
            self._next.add(payload)
        content, data = self._current, payload[: self._left]
        if content is None or not data:
            return
        self._left -= len(data)
        content.add(data)
        if not self._left:
            self._frame_ended()

    def _frame_ended(self) -> None:
        content, self._current = self._current, None
        if content is not None and self._ends:
            content.complete()

    def __repr__(self) -> str:
        return f"<FrameContents [of {len(self._streams)} streams]>"
