"""Children that this process has not started, and which nobody else would ever wait for.

They come to process 1 of a container from all that runs in it, to a subreaper from all below it,
and to whoever a shell has become from that shell. Until somebody waits for one that has ended it
keeps its number, and a container has few.

Who has started a process waits for it: its exit status must not be taken away. So only those are
let go that are not among our own, and were not at an earlier look either, as a new process is a
child for a moment before its owner knows its number.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

PATIENCE_S = 2.0
"""Between two looks, while there are children that have ended."""
PROC = Path("/proc")


class Orphans:
    """Children of this process that others have started, as far as they were seen to have ended."""

    def __init__(
        self, own: Callable[[], Collection[int]], *, patience_s: float = PATIENCE_S
    ) -> None:
        """`own`: the numbers of those that somebody here waits for."""
        self._own = own
        self._patience_s = patience_s
        self._has_ended = asyncio.Event()
        self._has_ended.set()  # there may be some from the start on
        self._seen: set[int] = set()

    def child_ended(self) -> None:
        """One of all children has."""
        self._has_ended.set()

    async def keep_reaping(self) -> None:
        """Until cancelled: let go of those that have ended."""
        while True:
            await self._has_ended.wait()
            self._has_ended.clear()
            while self.reap():  # noqa: ASYNC110 -- no event tells that others have waited for theirs
                await asyncio.sleep(self._patience_s)

    def reap(self) -> bool:
        """Let go of those that were there at the last look as well; whether there is a reason for
        another look."""
        ended = ended_children()
        strangers = ended - set(self._own())
        reap(strangers & self._seen)
        self._seen = strangers - self._seen  # a number may soon be another's
        return bool(ended)

    def __repr__(self) -> str:
        return f"<Orphans [{len(self._seen)} seen]>"


def ended_children() -> set[int]:
    """Those of this process that nobody has waited for yet; at least one of them where /proc does
    not list children."""
    if not hasattr(os, "waitid"):
        return set()
    try:
        first = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return set()
    if first is None:
        return set()
    return {first.si_pid, *(pid for pid in children(os.getpid()) if _state(pid) == "Z")}


def reap(pids: Iterable[int]) -> None:
    """Let go of those that have ended and are ours."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def children(pid: int) -> set[int]:
    """Of any process; none where /proc does not say."""
    found: set[int] = set()
    for listed in PROC.glob(f"{pid}/task/*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, listed.read_text().split()))
    return found


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    return ""
