"""One worker, seen from its parent."""

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence

from authproxy.errors import Problem, StartError
from authproxy.identity.apart.helper import command_for
from authproxy.threads import in_thread
from authproxy.workers.worker_channel import GoneError, Message, WorkerChannel

MODULE = "authproxy.workers.worker"
START_S = 60.0
"""To take connections, from the start of its process."""
PREPARE_S = 30.0
"""To build a configuration that its parent has built. Who waits for both does so for longer."""
COUNT_S = 1.0
"""To tell what it has counted."""
END_S = 5.0
"""For the end of a process that has closed its channel."""


class WorkerProcess:
    """A Python of its own, with a channel in place of its stdin."""

    def __init__(
        self,
        number: int,
        hear: Callable[["WorkerProcess", Message], None],
        command: Callable[[str], Sequence[str]] = command_for,
        *,
        start_s: float = START_S,
        prepare_s: float = PREPARE_S,
    ) -> None:
        """`number`: from 1 on; one that takes another's place has its number."""
        self.number = number
        self._start_s, self._prepare_s = start_s, prepare_s
        self.is_ready = False
        """It takes connections."""
        self._hear = hear
        self._command = command
        self._gone = asyncio.Event()
        self._settled = asyncio.Event()
        """It takes connections, or never will."""
        self._process: subprocess.Popen[bytes] | None = None
        self.channel: WorkerChannel | None = None
        self.failure: StartError | None = None
        """As it said, when it could not start."""
        self._awaited_by: asyncio.Future[None] | None = None

    def is_awaited_by(self, future: "asyncio.Future[None]") -> None:
        """It is done once the worker takes connections."""
        self._awaited_by = future

    def became_ready(self) -> None:
        self.is_ready = True
        self._settled.set()
        if self._awaited_by is not None and not self._awaited_by.done():
            self._awaited_by.set_result(None)

    @property
    def pid(self) -> int:
        """0 before it was started."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """It waits for what is said first. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await in_thread(self._spawn, theirs, name="worker")
            self.channel = WorkerChannel(
                ours, lambda message, _: self._hear(self, message), self._left
            )
        except BaseException:
            ours.close()
            raise

    def say(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        if self.channel is not None:
            self.channel.say(message, descriptors)

    async def prepare(self, message: Message, descriptors: Sequence[int]) -> list[Problem]:
        """Have it build a configuration: what is wrong with that."""
        if self.channel is None or not self.is_ready:
            return []  # it will be replaced
        try:
            async with asyncio.timeout(self._prepare_s):
                answer = await self.channel.ask(message, descriptors)
        except GoneError:
            return []
        except TimeoutError:
            self.kill()  # it would hear nothing else
            told = f"worker {self.number} did not build it within {self._prepare_s:g} s"
            return [Problem(where="authproxy", key="workers", message=told)]
        return [Problem(**each) for each in answer["problems"]]

    async def use(self) -> None:
        """Have it use what it has built. It is killed if it does not."""
        with contextlib.suppress(GoneError, TimeoutError):
            if self.channel is not None:
                async with asyncio.timeout(self._prepare_s):
                    answer = await self.channel.ask({"do": "use"})
                if answer["is_used"]:
                    return
        self.kill()

    async def count(self) -> None:
        """Have it tell what is new, and how it stands; a hanging one is not waited for."""
        if self.channel is None or not self.is_ready:
            return
        with contextlib.suppress(GoneError, TimeoutError):
            async with asyncio.timeout(COUNT_S):
                await self.channel.ask({"do": "count"})

    async def settled(self) -> None:
        """It takes connections, or has ended: one that does neither in its time is killed."""
        try:
            async with asyncio.timeout(self._start_s):
                await self._settled.wait()
        except TimeoutError:
            self.fail(f"it did not start within {self._start_s:g} s")

    async def ended(self) -> int:
        """Its exit code, once it has ended; negative for a signal."""
        await self._gone.wait()
        return await in_thread(self._wait, name="end of a worker")

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def fail(self, how: str) -> None:
        """End it at once. `how` is what is said of its end."""
        self.failure = StartError(how)
        self.kill()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _spawn(self, stdin: socket.socket) -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C at a terminal is for the parent, which tells its workers.
        return subprocess.Popen(  # noqa: S603 -- our own code, without a shell
            self._command(MODULE), stdin=stdin.fileno(), start_new_session=True
        )

    def _wait(self) -> int:
        assert self._process is not None  # noqa: S101 -- for the type checker: it was started
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(END_S)
        self.kill()
        return self._process.wait()

    def _left(self) -> None:
        self.is_ready = False
        self._settled.set()
        self._gone.set()

    def __repr__(self) -> str:
        state = "ready" if self.is_ready else "gone" if self._gone.is_set() else "starting"
        return f"<WorkerProcess {self.number} [{state}, {self.pid or 'not started'}]>"


def how_it_ended(code: int) -> str:
    """For the log."""
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
