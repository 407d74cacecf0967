"""One process that answers questions, as whoever asks sees it."""

import contextlib
import itertools
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import BinaryIO, cast

from authproxy.identity.apart.forked import Forked
from authproxy.identity.apart.kill import kill_session
from authproxy.identity.apart.pipe_frames import BrokenFrameError, Message, framed, read_frame
from authproxy.threads import begin

READY: Message = {"ready": True}
"""The first thing that it says."""


class NoProcessError(Exception):
    """No process can be had; the text says why."""


class LostError(Exception):
    """The process has ended before it answered; the text says how."""


class Process:
    """A process that was started, and those who wait for its answers.

    One thread starts it and reads what it says until it ends. It must be the same thread: Linux
    ends a process for whom its parent's end is fatal already when the parent's thread ends.
    """

    def __init__(
        self,
        command: Sequence[str],
        on_end: Callable[["Process"], None],
        forked: Forked | None = None,
    ) -> None:
        """`on_end` is called in that thread. `forked` is there already, and needs no `command`."""
        self.is_ready = forked is not None
        """It has said so, or is a copy of this process: it is ours, and can be used."""
        self.users = 0
        """How many ask it at this moment, as its helper counts them."""
        self.is_condemned = False
        """It hangs: nobody asks it any more, and it is killed when nobody waits for it."""
        self._command = command
        self._on_end = on_end
        self._waiting: dict[int, Future[Message]] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._started = threading.Event()
        self._process: subprocess.Popen[bytes] | Forked | None = forked
        self._error: Exception | None = None
        """It has ended, and so."""
        begin(self._attend, name="process apart")

    @property
    def pid(self) -> int:
        """0 before it was started."""
        return self._process.pid if self._process is not None else 0

    def ask(self, question: Message, timeout_s: float) -> Message:
        """Raises NoProcessError, LostError, TimeoutError, and BrokenFrameError when the question
        is too long."""
        number, answer = next(self._numbers), Future[Message]()
        frame = framed({**question, "number": number})
        with self._lock:
            if self._error is not None:
                raise self._error
            self._waiting[number] = answer
        try:
            self._started.wait()
            self._send(frame)
            return answer.result(timeout_s)
        finally:
            with self._lock:
                self._waiting.pop(number, None)

    def leave(self) -> None:
        """It is not needed any more: it ends when it has read that."""
        with self._lock, contextlib.suppress(OSError):
            if self._process is not None:
                cast(BinaryIO, self._process.stdin).close()

    def kill(self) -> None:
        """At once, with all that it has started."""
        if self._process is not None and self._process.returncode is None:
            kill_session(self._process)

    def _send(self, frame: bytes) -> None:
        """One that has ended needs no word here: who reads from it notices."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process is not None:
                stdin = cast(BinaryIO, self._process.stdin)
                stdin.write(frame)
                stdin.flush()

    def _attend(self) -> None:
        try:
            self._process = self._process or subprocess.Popen(  # noqa: S603 -- our own code, without a shell
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._end(NoProcessError(f"{self._command[0] or 'it'}: {reason}"))
            return
        finally:
            self._started.set()
        is_broken = self._read(cast(BinaryIO, self._process.stdout))
        self.kill()
        code = self._process.wait()
        for file in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast(BinaryIO, file).close()
        self._end(self._why(code, is_broken=is_broken))

    def _read(self, stdout: BinaryIO) -> bool:
        """To its end; whether it has said something that is no answer."""
        try:
            is_ours = read_frame(stdout) == READY
            self.is_ready |= is_ours
            while is_ours and (message := read_frame(stdout)) is not None:
                with self._lock:
                    answer = self._waiting.pop(int(message.get("number", -1)), None)
                if answer is not None:
                    answer.set_result(message)
        except (BrokenFrameError, ValueError, TypeError, OSError):
            return True
        return False

    def _why(self, code: int, *, is_broken: bool) -> Exception:
        if not self.is_ready and (is_broken or code >= 0):
            how = "is no Python of ours" if is_broken else f"ended with exit code {code}"
            return NoProcessError(f"{self._command[0]}: it {how}")
        if is_broken:
            return LostError("it gave something that is no answer")
        return LostError(f"it was ended by {_name(-code)}" if code < 0 else f"it ended with {code}")

    def _end(self, error: Exception) -> None:
        with self._lock:
            self._error = error
            waiting = list(self._waiting.values())
            self._waiting.clear()
        self._on_end(self)
        for answer in waiting:
            answer.set_exception(error)

    def __repr__(self) -> str:
        condemned = ", condemned" * self.is_condemned
        return f"<Process [{self.pid or 'not started'}, {self.users} ask{condemned}]>"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
