"""Queue for content of our own answers, while the client's windows have no room for it.

RFC 9113 6.9.1 lets nobody send more than that. The windows are the client's for the service, too;
streams that we answer ourselves have had no other content.
"""

from collections.abc import Callable

from authproxy.wire.http2.framing.frames import (
    DATA,
    HEADER_BYTES,
    STREAM_MASK,
    ConnectionFault,
    Failure,
    window_update,
)
from authproxy.wire.http2.framing.settings import DEFAULT_WINDOW, MAX_WINDOW

MAX_WAITING = 64
"""Answers whose content waits; a client that leaves more of them so is cut off."""


class OwnContent:
    """Content of our own on one connection, waiting for room."""

    __slots__ = ("_initial", "_send", "_waiting", "sent", "window")

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self.window = DEFAULT_WINDOW
        """Bytes of DATA that the client takes on the connection, the service's and ours."""
        self.sent = 0
        """Bytes of ours that the client has not given back yet."""
        self._initial = DEFAULT_WINDOW
        self._waiting: dict[int, tuple[bytes, int, int]] = {}
        """By stream: the frames, the size of their content, and the room that the stream has."""

    def say(self, stream_id: int, frames: bytes, size: int, end: bytes) -> bool:
        """Send `frames`, the last of which holds `size` bytes of content, and then `end`.

        False: too many wait already.
        """
        start = len(frames) - size - HEADER_BYTES
        if not size or frames[start + 3] != DATA or self._has_room(size, self._initial):
            self._note(size)
            self._send(frames + end)
            return True
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._send(frames[:start])
        self._waiting[stream_id] = frames[start:] + end, size, self._initial
        return True

    def grow(self, stream_id: int, increment: int) -> None:
        """The client takes more, of a stream or (0) of all. Raises ConnectionFault."""
        if stream_id == 0:
            self.window += increment
            if self.window > MAX_WINDOW:
                raise ConnectionFault(Failure.FLOW_CONTROL_ERROR, "the window is too large")
        elif stream_id in self._waiting:
            frames, size, room = self._waiting[stream_id]
            self._waiting[stream_id] = frames, size, room + increment
        if self._waiting:
            self._go_on()

    def give_back(self, payload: bytes) -> bytes | None:
        """A WINDOW_UPDATE for the connection, less what our own DATA used: that was never taken
        from the service."""
        increment = int.from_bytes(payload, "big") & STREAM_MASK
        self.grow(0, increment)
        if not self.sent:
            return None
        paid = min(increment, self.sent)
        self.sent -= paid
        return window_update(0, increment - paid) if increment > paid else b""

    def set_initial(self, size: int) -> None:
        """SETTINGS_INITIAL_WINDOW_SIZE; it changes the room of open streams too (6.9.2)."""
        change, self._initial = size - self._initial, size
        for stream_id, (frames, length, room) in self._waiting.items():
            self._waiting[stream_id] = frames, length, room + change
        self._go_on()

    def forget(self, stream_id: int) -> None:
        """The client does not want it any more."""
        self._waiting.pop(stream_id, None)

    def _go_on(self) -> None:
        for stream_id, (frames, size, room) in list(self._waiting.items()):
            if self._has_room(size, room):
                del self._waiting[stream_id]
                self._note(size)
                self._send(frames)

    def _has_room(self, size: int, room: int) -> bool:
        return size <= min(self.window, room)

    def _note(self, size: int) -> None:
        self.sent += size
        self.window -= size

    def __repr__(self) -> str:
        return f"<OwnContent [{len(self._waiting)} wait, {self.window} bytes of window]>"
