"""One direction of a spliced connection: what comes from one end, and what goes to the other.

A lane reads no further while what it has read cannot go on. It is *held* while nothing is read from
its end, and *stopped* while what was read is not looked at. Frames of our own are what could grow
without bound: a refusal is longer than the call that it answers. So when too much waits for an
end, what that end sends is not looked at, whatever it is.
"""

import asyncio
from typing import Final

from authproxy.wire.http2.framing.scanner import Receiver, Scanner
from authproxy.wire.read_holds import ReadHolds
from authproxy.wire.transport import send

MAX_WAITING: Final = 256 * 1024
"""Bytes that wait for one end before no more of ours are added. More than what transports keep
before they call `pause_writing`, so that `resume_writing` is sure to come."""
MAX_KEPT: Final = 64 * 1024
"""Bytes that are kept while stopped, before nothing more is read. It is noticed that an end leaves
only while it is read."""

# Why nothing is read from an end.
CONNECTING: Final = 1
CONGESTED: Final = 2
_KEPT: Final = 4
ALL: Final = CONNECTING | CONGESTED | _KEPT
# Why what was read is not looked at.
TOKEN: Final = 1
UNREAD: Final = 2


class Lane:
    """`holds` has the end that is read, `sink` is the one that is written to."""

    __slots__ = ("_own", "holds", "out", "scanner", "sink", "stops")

    def __init__(self, receiver: Receiver, *, max_block: int) -> None:
        self.out: list[bytes] = []
        self.scanner = Scanner(receiver, self.out, max_block=max_block)
        self.holds = ReadHolds()
        self.sink: asyncio.Transport | None = None
        self.stops = 0
        self._own = 0
        """Bytes of our own that wait for a frame to end, or for the next write."""

    @property
    def unsent_bytes(self) -> int:
        """What waits for `sink`; of what passes only that which has been written."""
        buffered = self.sink.get_write_buffer_size() if self.sink is not None else 0
        return self._own + buffered

    @property
    def is_full(self) -> bool:
        """So much waits for `sink` that no more of ours shall."""
        return self.unsent_bytes > MAX_WAITING

    def insert(self, frames: bytes) -> None:
        """Put frames of our own between those that pass."""
        self._own += len(frames)
        self.scanner.insert(frames)

    def flush(self) -> None:
        """Write what has gathered, if there is an end to write to."""
        if self.out and self.sink is not None:
            send(self.out, self.sink)
            if self._own:
                self._own = self.scanner.inserted_bytes

    def close(self, frames: bytes) -> None:
        """Say this, if it is not in the middle of something, and close `sink` when it has gone."""
        if self.sink is not None:
            if self.scanner.is_between_frames:
                self.out.append(frames)
                self.flush()
            self.sink.close()

    def stop(self, reason: int) -> None:
        """Look at nothing more."""
        self.stops |= reason
        self.scanner.held = True

    def go_on(self, reason: int) -> None:
        """Look at what was kept, with the next `feed`, unless there is another reason not to."""
        self.stops &= ~reason
        self.scanner.held = self.stops != 0

    def stays(self, back: "Lane") -> bool:
        """Is it stopped still, now that something was written on the way `back`?"""
        if not back.is_full:
            self.go_on(UNREAD)
        return self.keep()

    def keep(self) -> bool:
        """Is it stopped? Then nothing is read once enough is kept."""
        self.holds.set(_KEPT, self.stops != 0 and self.scanner.kept_bytes > MAX_KEPT)
        return self.stops != 0

    def __repr__(self) -> str:
        state = "held" if self.holds.reasons else "stopped" if self.stops else "open"
        return f"<Lane [{state}, {self.unsent_bytes} bytes unsent]>"
