"""A piece of memory that several processes have, with locks on parts of it.

The locks are those of fcntl(2): a process that dies has none any more, wherever it was killed. One
that is stopped while it has one does not hold up others for long: they go on without, so whoever
writes here does so in an order in which every step leaves something that makes sense.
"""

import contextlib
import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

MEMFD_CREATE: Callable[[str], int] | None = getattr(os, "memfd_create", None)
"""Of Linux alone."""
MADV_REMOVE: int | None = getattr(mmap, "MADV_REMOVE", None)
"""Of Linux alone, too."""
PATIENCE_S = 0.01
"""Another one has a lock for some microseconds, unless the system lets it wait just then."""


class SharedMemory:
    """As one process sees it. Numbers in it are written whole: they have eight bytes each."""

    def __init__(
        self, size: int, descriptor: int | None = None, *, patience_s: float = PATIENCE_S
    ) -> None:
        """`descriptor`: of the memory, where another process has made it. It begins as zeros."""
        self.descriptor = make_memory(size) if descriptor is None else descriptor
        self._patience_s = patience_s
        self._memory = mmap.mmap(self.descriptor, size)
        self.view = memoryview(self._memory)

    def lock(self, place: int) -> bool:
        """Have others wait who lock the same; False: somebody has it for too long."""
        until = 0.0
        while True:
            try:
                fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:
                now = time.monotonic()
                until = until or now + self._patience_s
                if now >= until:
                    return False
                os.sched_yield()
            else:
                return True

    def unlock(self, place: int) -> None:
        """Whether we have it or not."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, place)

    def alone(self, place: int, act: Callable[[], Result]) -> Result:
        """What `act` returns, while others who lock the same wait."""
        self.lock(place)
        try:
            return act()
        finally:
            self.unlock(place)

    def clear(self, start: int, size: int) -> None:
        """Make this part zeros. Where the system can, its pages are given back in place of being
        written to, which takes as long as they are many: a part that was never used takes none."""
        if MADV_REMOVE is not None:
            with contextlib.suppress(OSError, ValueError):  # no such file system, a part of a page
                self._memory.madvise(MADV_REMOVE, start, size)
                return
        self.view[start : start + size] = bytes(size)

    def close(self) -> None:
        """Whoever has a part of `view` has released it before."""
        self.view.release()
        self._memory.close()
        os.close(self.descriptor)

    def __repr__(self) -> str:
        return f"<SharedMemory [{len(self._memory)} bytes]>"


def make_memory(size: int, create: Callable[[str], int] | None = MEMFD_CREATE) -> int:
    """A descriptor of zeros; what is not written to takes no room."""
    descriptor = None
    if create is not None:
        with contextlib.suppress(OSError):  # a sandbox may not let us
            descriptor = create("authproxy")
    if descriptor is None:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, size)
    return descriptor
