"""Help of Linux for a program that runs another one; other systems have less of it.

A process whose parent has ended becomes ours, by PR_SET_CHILD_SUBREAPER, so that it can be found.
CMD is killed when authproxy is, by PR_SET_PDEATHSIG; what CMD has started is not. Other systems
have neither.
"""

import ctypes
import os
import platform
import signal
from collections.abc import Callable, Set

from authproxy.system.orphans import children

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
IS_LINUX = platform.system() == "Linux"


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def adopt_orphans() -> None:
    """From now on a descendant whose parent ends becomes a child of this process."""
    if IS_LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def before_exec(
    parent: int, files: tuple[int, int] | None, blocked: Set[int] | None = None
) -> Callable[[], None] | None:
    """What the new process does before it becomes CMD; `files`: its limit of open files. Nothing
    where there are no such limits, which is where nothing can be done then. `blocked`: the signals
    that CMD is to have blocked; those that came since then end it, as they would end any program.

    Everything is imported and looked up before, as a lock that a thread holds now is never let go.
    """
    if files is None:
        return None
    import resource

    prctl = ctypes.CDLL(None).prctl if IS_LINUX else None
    kill, number, limit = signal.SIGKILL, resource.RLIMIT_NOFILE, resource.setrlimit

    mask, ours = signal.pthread_sigmask, _handled_here()
    default, handle, set_mask = signal.SIG_DFL, signal.signal, signal.SIG_SETMASK

    def run() -> None:
        limit(number, files)
        if blocked is not None:
            for each in ours:
                handle(each, default)
            mask(set_mask, blocked)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, kill, 0, 0, 0)
            if os.getppid() != parent:  # it ended before we asked to be told
                os.kill(os.getpid(), kill)

    return run


def _handled_here() -> tuple[signal.Signals, ...]:
    """Signals that have a handler of Python's or ours."""
    return tuple(each for each in signal.valid_signals() if callable(signal.getsignal(each)))


def descendants(pid: int | None = None) -> set[int]:
    """All below this process that have not been waited for; none where /proc does not say."""
    found = children(os.getpid() if pid is None else pid)
    for child in list(found):
        found |= descendants(child)
    return found
