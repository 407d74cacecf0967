"""Signals at any moment of a start, and stdin, stdout and stderr that are not there: no command
answers with a traceback."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.program import clean_environment

pytestmark = pytest.mark.outside

NONE = ("--credentials", "none")
COMMANDS: dict[str, Sequence[str]] = {
    "run": ("http://127.0.0.1:9", *NONE, "-l", "127.0.0.1:0"),
    "workers": ("http://127.0.0.1:9", *NONE, "-l", "127.0.0.1:0", "--workers", "2"),
    "status": ("status", "127.0.0.1:9"),
    "tail": ("tail", "127.0.0.1:9"),
    "check": ("check", "http://127.0.0.1:9", *NONE),
    "mcp": ("mcp", "http://127.0.0.1:9/mcp", *NONE),
    "exec": ("exec", *NONE, "http://127.0.0.1:9", "--", "sleep", "60"),
    "token": ("token", "https://a.invalid", "--credentials", "command:sleep 60"),
    "doctor": ("doctor", "http://127.0.0.1:9", *NONE),
    "demo": ("demo", "--port", "0"),
    "schema": ("config", "schema"),
}
NOISE = re.compile("Traceback|excepthook|Exception ignored|KeyboardInterrupt|Fatal Python")
MOMENTS_MS = (0, 10, 25, 50, 100, 200, 400)
"""After authproxy has begun: before that it is Python alone, which has nobody else's rule."""
SIGINT_BIT = 1 << (signal.SIGINT - 1)


@pytest.fixture(autouse=True)
def default_actions() -> Iterator[None]:
    """Also where whoever runs the tests ignores some, as nohup does: that would be inherited."""
    before = {each: signal.signal(each, signal.SIG_DFL) for each in (signal.SIGHUP, signal.SIGTERM)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


async def start(command: str, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "authproxy", *COMMANDS[command]),
        env=clean_environment({"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


def catches_ctrl_c(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    [caught] = re.findall(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
    return bool(int(caught, 16) & SIGINT_BIT)


async def has_begun(process: asyncio.subprocess.Process) -> None:
    """Python catches Ctrl-C from its own start on, until authproxy's first line."""
    for wanted in (True, False):
        while process.returncode is None and catches_ctrl_c(process.pid) != wanted:  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.0005)


async def interrupted(
    command: str, number: signal.Signals, moment_ms: float, folder: Path
) -> tuple[int, str]:
    """As a terminal does it: all of the process group hears it."""
    process = await start(command, folder)
    await has_begun(process)
    await asyncio.sleep(moment_ms / 1000)
    if process.returncode is None:
        os.killpg(process.pid, number)
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, errors.decode()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_signal_at_any_moment_of_the_start_is_no_traceback(
    command: str, name: str, tmp_path: Path
) -> None:
    number = signal.Signals[name]
    moments = MOMENTS_MS if number == signal.SIGINT else MOMENTS_MS[::3]
    ended = [await interrupted(command, number, each, tmp_path) for each in moments]

    assert [] == [errors for _, errors in ended if NOISE.search(errors)]
    assert -number in {code for code, _ in ended}
    assert {code for code, _ in ended} <= {-number, 128 + number, 0, 1, 11, 12}


CLOSED = (
    "<&-",
    ">&-",
    "2>&-",
    "<&- >&- 2>&-",
    ">/dev/full",
    "2>/dev/full",
    "| true",
    "2>&1 | true",
)
BRIEF = ("status", "tail", "check", "schema")
"""Commands that end by themselves."""


@pytest.mark.parametrize("how", CLOSED)
@pytest.mark.parametrize("command", BRIEF)
async def test_stdin_stdout_or_stderr_that_is_not_there_is_no_traceback(
    command: str, how: str, tmp_path: Path
) -> None:
    """What is still to be seen goes into a file, where a pipe would be closed."""
    seen = tmp_path / "stderr"
    shell = f'{{ "$@" {how}; }} 2>"$0"' if "2>" not in how else f'"$@" {how}'
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", shell, str(seen), sys.executable, "-m", "authproxy", *COMMANDS[command]),
        env=clean_environment({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        output = b"".join(await process.communicate())
    said = output.decode() + (seen.read_text() if seen.exists() else "")

    assert not NOISE.search(said), said
