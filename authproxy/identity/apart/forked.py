"""A process for questions that is made by fork(2), before it is known whether there will be any.

As a copy of a process that is small and has imported what both need, it is there at once. It waits
until it is told what to prepare for, and imports that beside whoever is to ask it.
"""

import contextlib
import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from authproxy.identity.apart.pipe_frames import framed, read_frame
from authproxy.system.parent import end_with

_DESCRIPTORS = Path("/proc/self/fd")
"""Nothing of what we have open may stay open there. Where nobody lists it nothing is forked: that
is where a copy may not use the system's libraries either, as on macOS."""


class Forked:
    """To be made, started and then handed to a `Helper`; as much of a `Popen` as that needs.

    Between the making and the start another copy may be made, which says what to prepare for.
    """

    def __init__(self, module: str) -> None:
        """`module`: of the code that answers, with a `main`. Raises OSError."""
        self.pid = 0
        self.returncode: int | None = None
        self._module = module
        self._questions, target = os.pipe()
        self.stdin = os.fdopen(target, "wb")
        try:
            source, self._answers = os.pipe()
        except OSError:
            os.close(self._questions)
            self.stdin.close()
            raise
        self.stdout = os.fdopen(source, "rb")
        self._far = [self._questions, self._answers]
        """What only the copy is to have open."""

    def start(self) -> None:
        """Raises OSError. No thread may run yet, and this one must not end before the copy."""
        parent = os.getpid()
        try:
            descriptors = [int(each.name) for each in _DESCRIPTORS.iterdir()]
            self.pid = os.fork()
            if self.pid == 0:
                self._live(parent, descriptors)
        finally:
            self._close_far_ends()

    def prepare(self, wanted: Sequence[str]) -> None:
        """Say what for: `main` gets that. For those that were made before the start, too."""
        with contextlib.suppress(OSError):
            os.write(self.stdin.fileno(), framed({"prepare": [*wanted]}))

    def wait(self) -> int:
        """The exit code; a signal's is below 0."""
        try:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:  # somebody else was told
            self.returncode = 0
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 9)

    def discard(self) -> None:
        """Nothing will be asked."""
        if self.pid:
            self.kill()
            self.wait()
        self.stdin.close()
        self.stdout.close()
        self._close_far_ends()

    def _close_far_ends(self) -> None:
        while self._far:
            os.close(self._far.pop())

    def _live(self, parent: int, descriptors: Sequence[int]) -> NoReturn:
        """In the copy: as what was started by `Process` is, with a session and no files of ours."""
        try:
            import fcntl

            os.setsid()
            end_with(parent)
            kept = [self._questions, self._answers, os.open(os.devnull, os.O_RDWR)]
            # Whoever started us may have closed these three numbers, and the pipes may have them.
            moved = [fcntl.fcntl(each, fcntl.F_DUPFD, 3) for each in kept]
            for number, each in enumerate(moved):
                os.dup2(each, number)
            for each in {*descriptors, *kept, *moved} - {0, 1, 2}:
                with contextlib.suppress(OSError):
                    os.close(each)
            with open(0, "rb", buffering=0, closefd=False) as questions:
                first = read_frame(questions)
            if first is not None:
                importlib.import_module(self._module).main(parent, first["prepare"])
        finally:
            os._exit(0)
