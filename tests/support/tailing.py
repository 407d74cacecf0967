"""A running `authproxy tail`, or another command that goes on: what it prints, as it comes."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.support.program import PATIENCE_S, clean_environment


class Command:
    """`python -m authproxy ARGUMENTS` with a pipe, or with a terminal, for what it prints."""

    def __init__(
        self, *arguments: str, environ: Mapping[str, str], at_terminal: bool = False
    ) -> None:
        self._arguments = arguments
        self._environ = clean_environment(environ)
        self._at_terminal = at_terminal
        self.said = ""
        """On stdout, and at a terminal on stderr."""
        self.noted = ""
        """On stderr, elsewhere than at a terminal."""

    async def __aenter__(self) -> Self:
        self.output, theirs = os.openpty() if self._at_terminal else os.pipe()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "authproxy", *self._arguments),
            env=self._environ,
            stdin=theirs if self._at_terminal else asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs if self._at_terminal else asyncio.subprocess.PIPE,
        )
        os.close(theirs)
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
        if self.output >= 0:
            self.close_output()

    async def hear(self, pattern: str) -> re.Match[str]:
        """Wait until it has printed what `pattern` describes."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := re.search(pattern, self.said)):
                self.said += (await asyncio.to_thread(os.read, self.output, 65536)).decode()
        return found

    async def hear_end(self) -> None:
        """All that a terminal is told until nobody has it open any more."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(OSError):  # which is how Linux says that
                while data := await asyncio.to_thread(os.read, self.output, 65536):
                    self.said += data.decode()

    async def hear_note(self, pattern: str) -> None:
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            while not re.search(pattern, self.noted):
                line = await self._process.stderr.readline()
                assert line, self.noted
                self.noted += line.decode()

    def close_output(self) -> None:
        """Read no more of it."""
        os.close(self.output)
        self.output = -1

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    async def wait(self) -> int:
        """The exit code, once it has ended; all that it noted is there then."""
        async with asyncio.timeout(PATIENCE_S):
            if self._process.stderr is not None:
                self.noted += (await self._process.stderr.read()).decode()
            return await self._process.wait()
