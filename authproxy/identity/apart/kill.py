"""Kills a process that was started with a session of its own, and all that belongs to it."""

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    from authproxy.identity.apart.forked import Forked


def kill_session(process: "subprocess.Popen[bytes] | Forked") -> None:
    """With its session: what a shell runs in the background has a process group of its own.

    Where there are no process groups, the process alone.
    """
    if not hasattr(os, "killpg"):
        process.kill()
        return
    for pid in (*_members(process.pid), process.pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _members(session: int) -> list[int]:
    """The processes of a session, and those that they have started and that have left it since."""
    found, left = set[int](), dict[int, int]()
    for pid in map(int, filter(str.isdigit, _names_in_proc())):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name in brackets may hold anything; behind it: state, parent, group, session.
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            left[pid] = int(fields[1])
            if int(fields[3]) == session:
                found.add(pid)
    while more := {pid for pid, parent in left.items() if parent in found} - found:
        found |= more
    return sorted(found)


def _names_in_proc() -> list[str]:
    """Where there is no /proc the process group has to do."""
    try:
        return [path.name for path in Path("/proc").iterdir()]
    except OSError:
        return []
