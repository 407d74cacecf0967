"""CMD as a process: started, told of signals, waited for, and ended with all that it has started.

At a terminal CMD is in authproxy's own process group, so that the terminal's signals, its input and
its job control are CMD's as if authproxy were not there. Elsewhere it gets a group of its own: who
signals authproxy's whole group, as timeout does, then does not signal CMD twice.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from authproxy.errors import StartError
from authproxy.exec import kernel
from authproxy.system.offers import open_flags
from authproxy.system.orphans import reap
from authproxy.system.signals import on_signal, signals
from authproxy.threads import begin

NOT_FOUND, NOT_RUN = 127, 126
"""Exit codes, as shells have them."""
FORWARDED = signals("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
FROM_TERMINAL = signals("SIGINT", "SIGQUIT")
"""Sent on unless the terminal has sent them to CMD already."""
ENDING = signals("SIGTERM", "SIGKILL")
SETTLE_S = 0.1
"""How long CMD must have been stopped for, before authproxy stops as well."""
TERM_S, KILL_S = 2.0, 1.0
"""How long what CMD leaves behind has, after SIGTERM and after SIGKILL."""
LOOK_S = 0.02


class CannotRunError(StartError):
    """The command was not started."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Child:
    """The process of CMD, in the main thread's event loop."""

    def __init__(
        self, argv: Sequence[str], environ: Mapping[str, str], files: tuple[int, int] | None
    ):
        """Starts it. `files`: its limit of open files, if it has one. Raises CannotRunError."""
        self._terminal = _open_terminal()
        self._has_group = self._terminal is None and hasattr(os, "killpg")
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._had_terminal: int | None = None
        """The process group to which the terminal belonged when CMD stopped."""
        self._stopping: asyncio.TimerHandle | None = None
        """One at a time: a second would stop us again, before CMD has been told to go on."""
        kernel.adopt_orphans()
        self._blocked = None if files is None else _block()
        """Signals that wait until `wait` sends them on; what was blocked before."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- what the user has asked for
                argv,
                env=environ,
                close_fds=False,  # those that authproxy was given are for CMD; its own are CLOEXEC
                process_group=0 if self._has_group else None,
                preexec_fn=kernel.before_exec(os.getpid(), files, self._blocked),
            )
        except OSError as error:
            _unblock(self._blocked)
            raise _cannot_run(argv[0], environ, error) from None

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self, child_ended: Callable[[], object] = lambda: None) -> int:
        """Its exit code; 128 and the number of the signal that ended it. `child_ended` is called
        when any child has ended, as there is one handler for a signal."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            self._look()
            child_ended()

        if signals("SIGCHLD"):
            on_signal(loop, "SIGCHLD", look)
        else:
            await_in_thread(self._process, partial(loop.call_soon_threadsafe, self._look))
        for number in (*FORWARDED, *FROM_TERMINAL):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup: then it is ignored by all
                on_signal(loop, number.name, self._forward, number)
        on_signal(loop, "SIGCONT", self._continue)
        _unblock(self._blocked)
        self._look()
        return await self._over

    def _forward(self, number: signal.Signals) -> None:
        if number in FROM_TERMINAL and self._is_foreground():
            return
        with contextlib.suppress(ProcessLookupError):
            if self._has_group:
                os.killpg(self.pid, number)
            else:
                self._process.send_signal(number)

    def _is_foreground(self) -> bool:
        """Whether what is typed at the terminal goes to CMD's process group as to ours."""
        return self._terminal is not None and self._foreground_group() == os.getpgrp()

    def _foreground_group(self) -> int | None:
        if self._terminal is not None:
            with contextlib.suppress(OSError):
                return os.tcgetpgrp(self._terminal)
        return None

    def _look(self) -> None:
        code = self._process.poll()
        if code is not None:
            if not self._over.done():
                self._over.set_result(code if code >= 0 else 128 - code)
        elif self._terminal is not None and self._stopping is None and self._is_stopped():
            loop = asyncio.get_running_loop()
            self._stopping = loop.call_later(SETTLE_S, self._stop_too)

    def _is_stopped(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            options = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self.pid, options) is not None
        return False

    def _stop_too(self) -> None:
        """CMD has stopped itself alone, as vim and shells do: the shell that started us waits for
        us to stop."""
        self._stopping = None
        if self._is_stopped():
            self._had_terminal = self._foreground_group()
            os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self) -> None:
        """A shell in CMD has a process group of its own, and had the terminal."""
        if not self._is_stopped():
            return
        group, self._had_terminal = self._had_terminal, None
        if self._terminal is not None and group is not None and self._is_foreground():
            with contextlib.suppress(OSError):
                os.tcsetpgrp(self._terminal, group)
        self._process.send_signal(signal.SIGCONT)

    async def end_rest(self) -> None:
        """End what CMD has left behind: its proxy is about to go."""
        for number, patience_s in zip(
            signals("SIGTERM", "SIGKILL"), (TERM_S, KILL_S), strict=False
        ):
            if await self._end_rest(number, time.monotonic() + patience_s):
                return

    async def _end_rest(self, number: signal.Signals, deadline: float) -> bool:
        """Whether nothing is left."""
        told: set[int] = set()
        while rest := kernel.descendants():
            for pid in rest - told:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
                    os.kill(pid, signal.SIGCONT)
            told |= rest
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_S)
            reap(rest)
        return True


def _block() -> "set[int | signal.Signals] | None":
    """Until CMD runs, and can be told of them, signals that are for it must not be lost: Python's
    handlers would run in its process before it is CMD, too."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return signal.pthread_sigmask(signal.SIG_BLOCK, (*FORWARDED, *FROM_TERMINAL))


def _unblock(before: "set[int | signal.Signals] | None") -> None:
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def await_in_thread(process: "subprocess.Popen[bytes]", then: Callable[[], object]) -> None:
    """Call `then` in a thread when it has ended, where no signal says so."""

    def wait() -> None:
        process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            then()

    begin(wait, name="command")


def _open_terminal() -> int | None:
    """The controlling terminal, whatever stdin is; none where there is no job control."""
    if not hasattr(os, "tcgetpgrp"):
        return None
    with contextlib.suppress(OSError):
        return os.open("/dev/tty", os.O_RDWR | open_flags("O_NOCTTY", "O_CLOEXEC"))
    return None


def _cannot_run(name: str, environ: Mapping[str, str], error: OSError) -> CannotRunError:
    folders = [""] if "/" in name else os.get_exec_path(environ)
    is_there = any(os.path.lexists(Path(folder, name)) for folder in folders)
    if not is_there:
        where = "" if "/" in name else " on PATH"
        return CannotRunError(f"cannot run {name}: there is no such program{where}", NOT_FOUND)
    why = error.strerror
    if isinstance(error, FileNotFoundError):
        why = "the interpreter in its first line does not exist"
    return CannotRunError(f"cannot run {name}: {why}", NOT_RUN)
