"""How the C library keeps the memory that large bodies pass through."""

import contextlib
import ctypes

KEEP_BYTES = 16 * 1024 * 1024
"""Free memory at the end of the heap that is kept: more than bodies on the way need at one time."""
MAP_FROM_BYTES = 1024 * 1024
"""Pieces from this size on get pages of their own. The transports read 256 KiB at a time."""

# As mallopt(3) numbers them.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def keep_what_was_freed() -> None:
    """Do not give memory back for every piece of a body, to be asked for it again by the next one.

    By itself glibc does so or not, depending on what was freed first; where it does, each piece
    costs as many page faults as it has pages, a third of all the CPU time of a download. Where the
    C library has no such setting nothing happens.
    """
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, KEEP_BYTES)
        mallopt(_M_MMAP_THRESHOLD, MAP_FROM_BYTES)
