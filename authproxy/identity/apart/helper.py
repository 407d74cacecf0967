"""Keeps a process of ours for questions: started with the first one, ended after the last."""

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from authproxy.identity.apart.forked import Forked
from authproxy.identity.apart.pipe_frames import Message
from authproxy.identity.apart.process import LostError, NoProcessError, Process

logger = logging.getLogger(__name__)

KEEP_S = 5.0
"""How long a process waits for another question: a dozen services want their tokens at one time."""
DEADLINE_S = 30.0
"""An answer that takes longer will not come. google-auth's requests take 18 seconds at most."""

_START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from {} import main; main({})"


def command_for(module: str, python: str | None = sys.executable) -> list[str]:
    """This Python, with its flags and with what it can import, running `main` of `module`."""
    # As multiprocessing finds them; there is no public way.
    flags: list[str] = getattr(subprocess, "_args_from_interpreter_flags", list)()
    start = _START.format(module, os.getpid())
    return [python or "", *flags, "-c", start, json.dumps(sys.path)]


class Helper:
    """Asks a process, which several threads may do at once. One that hangs harms nobody else."""

    def __init__(
        self,
        module: str,
        *,
        deadline_s: float = DEADLINE_S,
        keep_s: float = KEEP_S,
        command: Callable[[str], Sequence[str]] = command_for,
        forked: Forked | None = None,
    ) -> None:
        """`module`: of the code that answers; `command`: what runs it. `forked`: the first one."""
        self._module = module
        self._command = command
        self.deadline_s = deadline_s
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._current: Process | None = None
        """Takes questions."""
        self._processes: set[Process] = set()
        """All that have not ended."""
        self._timer: threading.Timer | None = None
        self._is_impossible = False
        self._is_over = False
        if forked is not None:
            self._use(forked)

    def ask(self, question: Message, *, more_s: float = 0.0) -> Message:
        """The answer. `more_s`: how much longer than others it may take.

        Raises NoProcessError where no process can be had, then and from then on; LostError when
        two have ended before they answered; TimeoutError.
        """
        try:
            return self._ask(question, more_s)
        except LostError:
            return self._ask(question, more_s)

    @property
    def asking(self) -> int:
        """How many questions are waiting for an answer."""
        with self._lock:
            return sum(process.users for process in self._processes)

    @property
    def pids(self) -> list[int]:
        """Of the processes that run."""
        with self._lock:
            return [process.pid for process in self._processes if process.pid]

    def end(self) -> None:
        """Kill what runs, and start no more."""
        self._is_over = True
        self.kill_running()

    def kill_running(self) -> None:
        """Nobody waits for an answer any more."""
        with self._lock:
            self._current = None
            running = list(self._processes)
        for process in running:
            process.kill()

    def _ask(self, question: Message, more_s: float) -> Message:
        process = self._take()
        try:
            return process.ask(question, self.deadline_s + more_s)
        except NoProcessError as error:
            self._note_impossible(str(error))
            raise
        except TimeoutError:
            self._condemn(process)
            if process.is_ready:
                raise
            self._note_impossible("it does not start")
            raise NoProcessError from None
        finally:
            self._asked(process)

    def _take(self) -> Process:
        with self._lock:
            if self._is_over:
                raise LostError("authproxy is shutting down")
            if self._is_impossible:
                raise NoProcessError
            if self._timer is not None:
                self._timer.cancel()
            if self._current is None:
                self._current = Process(self._command(self._module), self._ended)
                self._processes.add(self._current)
            self._current.users += 1
            return self._current

    def _asked(self, process: Process) -> None:
        with self._lock:
            process.users -= 1
            if process.users:
                return
            if process is self._current:
                self._retire_later(process)
                return
        if process.is_condemned:
            process.kill()

    def _condemn(self, process: Process) -> None:
        """Others may still wait for it; then it is killed."""
        with self._lock:
            process.is_condemned = True
            if self._current is process:
                self._current = None

    def _use(self, forked: Forked) -> None:
        """Ask this one, unless no thread can be had that hears its answers."""
        try:
            self._current = Process((), self._ended, forked)
        except RuntimeError:
            forked.discard()
            return
        self._processes.add(self._current)
        self._retire_later(self._current)

    def _retire_later(self, process: Process) -> None:
        self._timer = threading.Timer(self._keep_s, self._retire, [process])
        self._timer.daemon = True
        with contextlib.suppress(RuntimeError):  # no thread can be had: it stays
            self._timer.start()

    def _retire(self, process: Process) -> None:
        with self._lock:
            if process.users or self._current is not process:
                return
            self._current = None
        process.leave()

    def _ended(self, process: Process) -> None:
        with self._lock:
            self._processes.discard(process)
            if self._current is process:
                self._current = None

    def _note_impossible(self, why: str) -> None:
        with self._lock:
            is_new = not self._is_impossible
            self._is_impossible = True
        if is_new and not self._is_over:
            logger.warning(
                "tokens are fetched in this process from now on, which takes more memory: no other"
                " process can be started (%s)",
                why,
            )

    def __repr__(self) -> str:
        state = ", impossible" * self._is_impossible
        return f"<Helper [{len(self._processes)} processes{state}]>"
