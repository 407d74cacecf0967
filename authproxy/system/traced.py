"""Processes that a debugger or a tracer has, where the system tells of that: Linux."""

import contextlib
import re
from pathlib import Path

_TRACER = re.compile(rb"^TracerPid:\s*(\d+)", re.MULTILINE)


def tracer_of(pid: int, processes: Path = Path("/proc")) -> int:
    """The process that traces this one (ptrace(2)); 0 for none, or where that is not known."""
    with contextlib.suppress(OSError):
        found = _TRACER.search((processes / str(pid) / "status").read_bytes())
        return int(found[1]) if found else 0
    return 0
