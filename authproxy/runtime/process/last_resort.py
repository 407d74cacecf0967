"""Ends the process when its end hangs, whatever by: a file system, an exporter, a defect."""

import os
import threading
from collections.abc import Callable


def end_after(
    seconds: float, code: int, end: Callable[[int], object] = os._exit
) -> threading.Timer:
    """Have `end` called with `code` in a thread, unless the process has ended by itself."""
    timer = threading.Timer(seconds, end, (code,))
    timer.name, timer.daemon = "last resort", True
    timer.start()
    return timer
