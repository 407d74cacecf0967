"""Runs one client, step by step: connect, call, close."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

READY_S = 60
CLOSE_S = 3


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a step."""

    ok: bool
    text: str
    is_hanging: bool = False


HANGS = Said(ok=False, text="", is_hanging=True)


class Driver:
    """A process that drives a client; it is started anew when it hangs."""

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def do(self, step: str, *words: str, patience_s: float) -> Said:
        """HANGS when nothing came in time; the client is killed then."""
        process = await self._started()
        assert process.stdin is not None
        try:
            async with asyncio.timeout(patience_s):
                process.stdin.write(" ".join([step, *words]).encode() + b"\n")
                return await self._hear(process)
        except TimeoutError:
            await self.kill()
            return HANGS

    async def close(self) -> None:
        if self._process is not None:
            await self.do("close", patience_s=CLOSE_S)

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started
            await process.communicate()

    async def start(self) -> None:
        await self._started()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environ,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                limit=1 << 24,
            )
            async with asyncio.timeout(READY_S):
                await self._hear(self._process)
        return self._process

    async def _hear(self, process: asyncio.subprocess.Process) -> Said:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if line.startswith(b"{"):
                said = json.loads(line)
                return Said(ok=said["ok"], text=said["text"])
        return Said(ok=False, text="the client has ended")
