"""Sources that run a program, and `command`, the one that runs any."""

import atexit
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.claims import token_from_jwt
from authproxy.identity.scrub import scrub
from authproxy.identity.skew import HERE

TIMEOUT_S = 18.0
"""A little less than a token's deadline, so that the better of the two messages is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended."""

    code: int
    output: str
    complaint: str
    """What it said was wrong: its first line of error, scrubbed."""


class Command:
    """`command:ARGV`: run without a shell; it prints an identity token."""

    def __init__(
        self, command_line: str, environ: Mapping[str, str], *, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Raises ValueError when `command_line` cannot be split into words."""
        try:
            self._argv = shlex.split(command_line)
        except ValueError as error:
            raise ValueError(f"the command cannot be split into words: {error}") from None
        if not self._argv:
            raise ValueError("the command is empty")
        # Never the arguments: people write secrets into them.
        self.name = f"command:{Path(self._argv[0]).name}"
        self._environ = environ
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        """Nobody promised that the command can be run twice at once."""

    def mint(self, audience: str, /) -> Token:
        environ = {**self._environ, "AUTHPROXY_AUDIENCE": audience}
        with self._lock:
            done = run(self._argv, environ=environ, timeout_s=self._timeout_s, name=self.name)
        if done.code != 0:
            raise CredentialError(
                f"{self.name}: the command ended with exit code {done.code}",
                hint="Run it by hand; it must print an identity token and nothing else.",
                detail=done.complaint,
            )
        return token_from_jwt(done.output, source=self.name, audience=audience, now=HERE.now())


def run(
    argv: Sequence[str], *, environ: Mapping[str, str], timeout_s: float, name: str
) -> Finished:
    """Run a program to its end, with no input. Raises CredentialError when it does not get there.

    It gets a process group of its own: on time-out its children go with it, and a Ctrl-C at the
    terminal is for authproxy alone.
    """
    program = shutil.which(argv[0], path=environ.get("PATH", os.defpath))
    if program is None:
        raise CredentialError(
            f"{name}: there is no program {argv[0]} on PATH",
            hint="Install it, or give its full path.",
            permanent=True,
        )
    try:
        with (
            subprocess.Popen(  # noqa: S603 -- the operator's own command, without a shell
                [program, *argv[1:]],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            ) as process,
            _noted(process),
        ):
            output, errors = _communicate(process, timeout_s, name)
    except OSError as error:
        raise CredentialError(
            f"{name}: the program cannot be started ({error.strerror})", permanent=True
        ) from None
    return Finished(
        code=process.returncode,
        output=output.decode("utf-8", "replace"),
        complaint=_complaint(errors.decode("utf-8", "replace")),
    )


_running: "set[subprocess.Popen[bytes]]" = set()


@contextlib.contextmanager
def _noted(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Nobody waits for the thread that waits for a program when authproxy ends."""
    _running.add(process)
    try:
        yield
    finally:
        _running.discard(process)


@atexit.register
def _kill_running() -> None:
    """What would print a token that nobody wants any more."""
    for process in list(_running):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _communicate(
    process: "subprocess.Popen[bytes]", timeout_s: float, name: str
) -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise CredentialError(
            f"{name}: the command gave no token within {timeout_s:g} seconds and was killed",
            hint="Run it by hand: does it wait for the network, or for an answer at the terminal?",
        ) from None


def _complaint(errors: str) -> str:
    """gcloud writes warnings before the error; anything else starts with what matters."""
    lines = [line for line in errors.splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith("ERROR")]
    return scrub((wrong or lines or [""])[0])
