"""End of a process with that of its parent."""

import contextlib
import os

_SIGKILL = 9
_PR_SET_PDEATHSIG = 1
"""prctl(2)"""


def end_with(parent: int) -> None:
    """Do not outlive the process `parent`, even where it is killed while we wait for something."""
    with contextlib.suppress(ImportError, AttributeError, OSError, TypeError):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if hasattr(os, "getppid") and os.getppid() != parent:
        os._exit(1)
