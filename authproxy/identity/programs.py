"""Runs programs that print tokens, and ends those that run when nobody wants them any more."""

import contextlib
import errno
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from authproxy.errors import CredentialError
from authproxy.identity.apart.kill import kill_session
from authproxy.identity.redaction import scrub

SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)
"""Of descriptors, processes and memory: they pass."""
LOCK_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Exit and output of a program."""

    code: int
    output: str
    complaint: str
    """What it said was wrong: its first line of error, scrubbed."""


class Programs:
    """The programs that one authproxy runs, in the threads that mint.

    Nobody waits for those threads at the end: whoever made this calls `end`.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._starting = threading.Lock()
        """Held while one is started, so that none is overlooked at the end."""
        self._is_over = False

    def run(
        self, argv: Sequence[str], *, environ: Mapping[str, str], timeout_s: float, name: str
    ) -> Finished:
        """Run a program to its end, with no input. Raises CredentialError when it does not get
        there.

        It gets a process group of its own: on time-out its children go with it, and a Ctrl-C at
        the terminal is for authproxy alone.
        """
        import shutil  # with all kinds of archives, which take memory

        program = shutil.which(argv[0], path=environ.get("PATH", os.defpath))
        if program is None:
            raise CredentialError(
                f"{name}: there is no program {argv[0]} on PATH",
                hint="Install it, or give its full path.",
                permanent=True,
            )
        try:
            with (
                self._start([program, *argv[1:]], environ, name) as process,
                self._noted(process),
            ):
                output, errors = _communicate(process, timeout_s, name)
        except OSError as error:
            raise CredentialError(
                f"{name}: the program cannot be started ({error.strerror})",
                permanent=error.errno not in SHORTAGES,
            ) from None
        return Finished(
            code=process.returncode,
            output=output.decode("utf-8", "replace"),
            complaint=_complaint(errors.decode("utf-8", "replace")),
        )

    @property
    def pids(self) -> set[int]:
        """Of those that run."""
        return {process.pid for process in list(self._running)}

    def kill_running(self) -> None:
        """Kill those that run, and their children: nobody wants their tokens any more."""
        for process in list(self._running):
            kill_session(process)

    def end(self) -> None:
        """Kill those that run, and start no more."""
        has_lock = self._starting.acquire(timeout=LOCK_PATIENCE_S)
        self._is_over = True
        self.kill_running()
        if has_lock:
            self._starting.release()

    def _start(
        self, argv: list[str], environ: Mapping[str, str], name: str
    ) -> "subprocess.Popen[bytes]":
        with self._starting:
            if self._is_over:
                raise CredentialError(f"{name}: authproxy is shutting down")
            process = subprocess.Popen(  # noqa: S603 -- the operator's own command, without a shell
                argv,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._running.add(process)
            return process

    @contextlib.contextmanager
    def _noted(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        try:
            yield
        finally:
            self._running.discard(process)

    def __repr__(self) -> str:
        return f"<Programs [{len(self._running)} running{', ended' * self._is_over}]>"


def _communicate(
    process: "subprocess.Popen[bytes]", timeout_s: float, name: str
) -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        kill_session(process)
        raise CredentialError(
            f"{name}: the command gave no token within {timeout_s:g} seconds and was killed",
            hint="Run it by hand: does it wait for the network, or for input at the terminal?",
        ) from None


def _complaint(errors: str) -> str:
    """gcloud writes warnings before the error; anything else starts with what matters."""
    lines = [line for line in errors.splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith("ERROR")]
    return scrub((wrong or lines or [""])[0])
