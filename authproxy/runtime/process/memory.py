"""Memory that bodies passed through: kept for the next ones, given back after a load."""

import asyncio
import contextlib
import ctypes
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

KEEP_BYTES = 16 * 1024 * 1024
"""Free memory at the end of the heap that is kept: more than bodies on the way need at one time."""
MAP_FROM_BYTES = 1024 * 1024
"""Pieces from this size on get pages of their own. The transports read 256 KiB at a time."""
GIVE_BACK_EVERY_S = 5.0
QUIET = 0.05
"""Of a core. Who uses less of it has time for what can wait."""
SHARE_WHEN_QUIET, SHARE = 0.05, 0.005
"""Of all CPU time: as much may go into looking for garbage."""

NO_LIBRARY = (AttributeError, OSError, TypeError)
"""What `ctypes.CDLL(None)` raises where it is no C library; TypeError is Windows'."""

# As mallopt(3) numbers them.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def keep_what_was_freed() -> None:
    """Do not give memory back for every piece of a body, to be asked for it again by the next one.

    By itself glibc does so or not, depending on what was freed first; where it does, each piece
    costs as many page faults as it has pages, a third of all the CPU time of a download. Where the
    C library has no such setting nothing happens.
    """
    with contextlib.suppress(*NO_LIBRARY):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, KEEP_BYTES)
        mallopt(_M_MMAP_THRESHOLD, MAP_FROM_BYTES)


def find_trim(
    load: Callable[[None], object] = ctypes.CDLL,
) -> Callable[[], object]:
    """What gives all free pages back, wherever they are in the heap (malloc_trim(3)).

    Where the C library has no such call, as musl and macOS's, it does nothing.
    """
    with contextlib.suppress(*NO_LIBRARY):
        library: Any = load(None)
        malloc_trim = library.malloc_trim
        return lambda: malloc_trim(0)
    return lambda: None


@contextlib.contextmanager
def without_looking() -> Iterator[None]:
    """While very much is made that stays, as another configuration is, do not look for garbage in
    it: for a thousand services that would stop everybody for 60 ms, several times.

    Afterwards it counts as old, so that only the next thorough look finds it.
    """
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # both only join lists: what is young becomes old, unlooked at
        if is_on:
            gc.enable()


async def keep_giving_back(
    trim: Callable[[], object],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    used: Callable[[], float] = time.process_time,
) -> None:
    """Give free memory back now and then, until cancelled.

    It takes a millisecond or two for a heap of a hundred megabytes. To look for garbage takes
    longer with many connections open, so that is done seldom as long as there is work.
    """
    gc.freeze()  # what was made at the start stays: it need not be looked at again
    try:
        now = looked = used()
        took = 0.0
        while True:
            await sleep(GIVE_BACK_EVERY_S)
            before, now = now, used()
            is_quiet = now - before < QUIET * GIVE_BACK_EVERY_S
            if took < (now - looked) * (SHARE_WHEN_QUIET if is_quiet else SHARE):
                gc.collect()
                if not gc.get_freeze_count():  # another configuration has been made meanwhile
                    gc.freeze()
                looked = used()
                took = looked - now
            trim()
    finally:
        gc.unfreeze()
