"""Sources that run a program, and `command`, the one that runs any."""

import atexit
import contextlib
import errno
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
from authproxy.identity.clock_skew import HERE
from authproxy.identity.redaction import scrub

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
            _start([program, *argv[1:]], environ, name) as process,
            _noted(process),
        ):
            output, errors = _communicate(process, timeout_s, name)
    except OSError as error:
        raise CredentialError(
            f"{name}: the program cannot be started ({error.strerror})",
            permanent=error.errno not in _SHORTAGES,
        ) from None
    return Finished(
        code=process.returncode,
        output=output.decode("utf-8", "replace"),
        complaint=_complaint(errors.decode("utf-8", "replace")),
    )


_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)
"""Of descriptors, processes and memory: they pass."""
_LOCK_PATIENCE_S = 0.5


class _Programs:
    """Those that run. Nobody waits for the threads that wait for them when authproxy ends."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[bytes]] = set()
        self.starting = threading.Lock()
        """Held while one is started, so that none is overlooked at the end."""
        self.is_over = False


_programs = _Programs()


def _start(argv: list[str], environ: Mapping[str, str], name: str) -> "subprocess.Popen[bytes]":
    with _programs.starting:
        if _programs.is_over:
            raise CredentialError(f"{name}: authproxy is shutting down")
        process = subprocess.Popen(  # noqa: S603 -- the operator's own command, without a shell
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        _programs.running.add(process)
        return process


@contextlib.contextmanager
def _noted(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        _programs.running.discard(process)


def kill_running() -> None:
    """Kill the programs that run, and their children: nobody wants their tokens any more."""
    for process in list(_programs.running):
        _kill(process)


@atexit.register
def _end() -> None:
    has_lock = _programs.starting.acquire(timeout=_LOCK_PATIENCE_S)
    _programs.is_over = True
    kill_running()
    if has_lock:
        _programs.starting.release()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """With its session: what a shell runs in the background has a process group of its own."""
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


def _communicate(
    process: "subprocess.Popen[bytes]", timeout_s: float, name: str
) -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise CredentialError(
            f"{name}: the command gave no token within {timeout_s:g} seconds and was killed",
            hint="Run it by hand: does it wait for the network, or for input at the terminal?",
        ) from None


def _complaint(errors: str) -> str:
    """gcloud writes warnings before the error; anything else starts with what matters."""
    lines = [line for line in errors.splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith("ERROR")]
    return scrub((wrong or lines or [""])[0])
