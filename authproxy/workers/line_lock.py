"""One log of several processes: each line is whole, whoever else writes at that moment.

A pipe takes at most 4096 bytes in one piece (PIPE_BUF), and what does not fit comes later. So who
writes has a lock, and keeps it until the line that has begun is out. Nobody waits for it: lines are
kept meanwhile, as they are for a reader that is slow.
"""

import fcntl
import itertools
import os

from authproxy.observe.stream import Send
from authproxy.workers.counts.shared_memory import make_memory

TRIES = 20
"""Another one has it for some microseconds."""


class LineLock:
    """The lock, as one process sees it. A process that dies has it no more."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor`: of what was made for it, in another process."""
        self.descriptor = make_memory(0) if descriptor is None else descriptor
        self._streams = itertools.count()

    def whole(self, send: Send) -> Send:
        """`send`, by whole lines. All processes say this of the same streams in the same order."""
        stream = next(self._streams)
        is_inside = False

        def locked(data: bytes) -> int:
            nonlocal is_inside
            if not is_inside:
                self._take(stream)
            try:
                sent = send(data)
                is_inside = data[sent - 1 : sent] != b"\n" if sent else is_inside
            except BlockingIOError:
                raise
            except OSError:
                is_inside = False  # the rest of it is given up
                raise
            finally:
                if not is_inside:
                    fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, stream)
            return sent

        return locked

    def _take(self, stream: int) -> None:
        """Raises BlockingIOError."""
        for left in range(TRIES, -1, -1):
            try:
                fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, stream)
            except OSError as error:
                if not left:
                    raise BlockingIOError from error
            else:
                return

    def close(self) -> None:
        os.close(self.descriptor)

    def __repr__(self) -> str:
        return f"<LineLock [{self.descriptor}]>"
