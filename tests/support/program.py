"""authproxy as users run it: a process of its own, seen from outside."""

import asyncio
import os
import re
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.secrecy import keep_named, overhear

READY = re.compile(r"^authproxy: (\S+) -> \S+$", re.MULTILINE)
PATIENCE_S = 20
UNWATCHED = {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}
"""Of an environment: a process that is looked at closely, without what measures coverage in it."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process needs, without what this machine's owner has set for Google or authproxy."""
    kept = {"PATH", "LANG", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "PYTHONPATH"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    # Empty values in `extra` stand for variables that must not be there.
    return {name: value for name, value in (environment | {**(extra or {})}).items() if value}


class Program:
    """`python -m authproxy ARGUMENTS`; ready when entered, stopped when left."""

    def __init__(
        self,
        *arguments: str | Path,
        environ: Mapping[str, str] | None = None,
        log_format: str = "text",
        under: Sequence[str] = (),
    ) -> None:
        """`under`: a command that becomes what follows it, such as `unshare`."""
        self._under = under
        self._arguments = [str(argument) for argument in arguments]
        self.environ = clean_environment(environ) | {"AUTHPROXY_LOG_FORMAT": log_format}
        keep_named(self._arguments, self.environ)
        self._ended: asyncio.Task[None] | None = None
        self.stderr = ""
        """All that came so far."""
        self.urls: list[str] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._under,
            sys.executable,
            "-m",
            "authproxy",
            *self._arguments,
            env=self.environ,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._heard = asyncio.Condition()
        self._listening = asyncio.get_running_loop().create_task(self._listen())
        await self.hear(READY.pattern)
        self.urls = READY.findall(self.stderr)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listening
        # Every token begins like this; none may ever be in what authproxy says.
        assert "eyJ" not in overhear("stderr of authproxy", self.stderr)

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self._process.pid

    def shown_by_ps(self) -> str:
        """The arguments, as every user of a Linux machine can read them; empty elsewhere."""
        arguments = Path(f"/proc/{self.pid}/cmdline")
        return arguments.read_text() if arguments.exists() else ""

    async def hear(self, pattern: str) -> re.Match[str]:
        """Wait until stderr holds what `pattern` describes."""
        async with asyncio.timeout(PATIENCE_S), self._heard:
            while not (match := re.search(pattern, self.stderr, re.MULTILINE)):
                if self._listening.done():
                    raise AssertionError(f"authproxy ended; it said:\n{self.stderr}")
                await self._heard.wait()
        return match

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def wait(self) -> int:
        """The exit code, once it has ended; all of stderr is there then."""
        async with asyncio.timeout(PATIENCE_S):
            code = await self._process.wait()
            await self._listening
        return code

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            async with self._heard:
                self.stderr += line.decode()
                self._heard.notify_all()
        async with self._heard:
            self._heard.notify_all()


async def run_to_end(
    *arguments: str | Path, environ: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run `python -m authproxy` until it ends by itself: exit code, stdout, stderr."""
    keep_named(map(str, arguments), environ or {})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "authproxy",
        *map(str, arguments),
        env=clean_environment(environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_S):
        stdout, stderr = await process.communicate()
    assert process.returncode is not None
    overhear("stdout of authproxy", stdout.decode())
    overhear("stderr of authproxy", stderr.decode())
    return process.returncode, stdout.decode(), stderr.decode()


def is_running(pid: int) -> bool:
    """And not ended, with a parent that has not noticed yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def left_of(pids: Sequence[int]) -> list[int]:
    """Those that do not end; one that was killed takes a moment, and closes its files first."""
    return [pid for pid in pids if not _ends(pid, within_s=10)]


def wait_until_gone(pid: int) -> None:
    """Blocks until a process has ended, whoever its parent is."""
    assert _ends(pid, within_s=60), f"process {pid} still runs"


def _ends(pid: int, *, within_s: float) -> bool:
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        ready, _, _ = select.select([watched], [], [], within_s)
    finally:
        os.close(watched)
    return bool(ready)
