"""Programs as processes: started on one core, asked for CPU time and memory, always stopped."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
CPUCLOCK_SCHED = 2

Process = subprocess.Popen[bytes]


class BenchmarkError(Exception):
    """Something that the person at the keyboard must put right; the text says what."""


@dataclass(frozen=True, slots=True)
class Running:
    """A program that was started, and the file that holds what it says."""

    process: Process
    log: Path

    def complaint(self, problem: str) -> BenchmarkError:
        args = self.process.args
        command = " ".join(args) if isinstance(args, list) else str(args)
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
            said = log.read().decode(errors="replace")
        return BenchmarkError(f"{command}\n{problem}\n{said}".rstrip())


@dataclass(frozen=True, slots=True)
class Stat:
    """What is needed of one line of /proc/PID/stat (proc(5))."""

    pid: int
    parent: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a whole process tree; pages that its processes share count once for each."""

    resident_mib: float
    peak_mib: float


def program(name: str, *, hint: str) -> str:
    """The path of an installed program. Raises BenchmarkError that says how to install it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchmarkError(f"{name} is not installed; install it with: {hint}")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run this process, and whatever it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(root: int, core: int) -> None:
    """Let a process tree that runs already go on, on another core."""
    for stat in tree(root, _all_stats()):
        for thread in Path(f"/proc/{stat.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


@contextmanager
def running(
    command: Sequence[str], *, core: int, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run `command` on one core, its output in `log`; its process group ends with the block."""
    with log.open("wb") as output, pinned(core):
        process = subprocess.Popen(
            command,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(process, log)
    finally:
        _stop(process)


def wait_until_answers(
    running: Running,
    port: int,
    expected: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Ask for `/` until `expected` comes. Raises BenchmarkError when it does not."""
    deadline = time.monotonic() + START_TIMEOUT_S
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            status, body = _get(port, headers or {}, tls)
        except OSError as error:
            last = str(error)
        else:
            if (status, body) == (200, expected):
                return
            last = f"status {status}: {body[:200]!r}"
        with suppress(subprocess.TimeoutExpired):
            code = running.process.wait(timeout=0.001)
            raise running.complaint(f"ended with exit code {code}")
    raise running.complaint(f"did not answer within {START_TIMEOUT_S:.0f} s: {last}")


def wait_until_listens(running: Running, port: int) -> None:
    """Raises BenchmarkError when nothing accepts connections there."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        with suppress(subprocess.TimeoutExpired):
            code = running.process.wait(timeout=0.001)
            raise running.complaint(f"ended with exit code {code}")
    raise running.complaint(f"did not listen within {START_TIMEOUT_S:.0f} s")


def _get(port: int, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> tuple[int, bytes]:
    connection = (
        http.client.HTTPSConnection("localhost", port, timeout=START_TIMEOUT_S, context=tls)
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=START_TIMEOUT_S)
    )
    try:
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"not an HTTP answer: {error!r}") from error
    finally:
        connection.close()


def cpu_seconds(root: int) -> float:
    """CPU time used so far by a process and all that descend from it and still run.

    To the nanosecond, unlike /proc/PID/stat: by the clock of another process, whose id is made as
    clock_getcpuclockid(3) makes it on Linux.
    """
    used = 0
    for stat in tree(root, _all_stats()):
        with suppress(OSError):  # ended since the listing
            used += time.clock_gettime_ns((~stat.pid << 3) | CPUCLOCK_SCHED)
    return used / 1e9


def memory(root: int) -> Memory:
    resident = peak = 0
    for stat in tree(root, _all_stats()):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended just now
            status = Path(f"/proc/{stat.pid}/status").read_text()
            resident += parse_kib(status, "VmRSS")
            peak += parse_kib(status, "VmHWM")
    return Memory(resident / 1024, peak / 1024)


def tree(root: int, stats: Sequence[Stat]) -> list[Stat]:
    """The process `root` and its descendants."""
    found = [stat for stat in stats if stat.pid == root]
    for stat in found:  # grows while we walk: children are appended behind their parents
        found.extend(child for child in stats if child.parent == stat.pid)
    return found


def parse_stat(line: str) -> Stat:
    """The command's name, in parentheses, may hold spaces and parentheses itself (proc(5))."""
    before, _, after = line.rpartition(")")
    fields = after.split()
    return Stat(int(before.split(" ", 1)[0]), int(fields[1]))


def parse_kib(status: str, name: str) -> int:
    """One size of /proc/PID/status; 0 when it is not there, as for a zombie."""
    for line in status.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def _all_stats() -> list[Stat]:
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # ended since the listing
            stats.append(parse_stat(path.read_text()))
    return stats


def _stop(process: Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_TIMEOUT_S)
    with suppress(ProcessLookupError):  # what ignored it, or outlived the first process
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
