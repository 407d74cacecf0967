"""CMD at a terminal: an interactive shell starts authproxy, as people do."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.support.program import clean_environment

EXEC = f"{sys.executable} -m authproxy exec --credentials none http://127.0.0.1:9 --"
TRAP = (
    """bash -c 'trap "echo INTER""RUPTED; exit 9" INT; trap "echo GO""ES ON" CONT; echo UP"";"""
    " while :; do sleep 0.05; done'"
)
"""What is typed is echoed, so what is waited for is not typed in one piece. Not sh: where it is
dash, a signal that comes while a trap of another runs is lost at times, or `exit 9` becomes 130."""


class Shell:
    """bash with job control, at a terminal of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = b""
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            self._seen += os.read(self._descriptor, 65536)
        except OSError:
            self.close()
        self._more.set()

    async def hear(self, text: bytes) -> None:
        """Wait for it, and forget what came up to it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                while text not in self._seen:
                    self._more.clear()
                    await self._more.wait()
        assert text in self._seen
        self._seen = self._seen.partition(text)[2]

    async def type(self, text: str, then: str) -> None:
        os.write(self._descriptor, text.encode())
        await self.hear(then.encode())

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *("setsid", "--ctty", "bash", "--norc", "--noprofile", "--noediting", "-i"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean_environment({"PS1": "READY> ", "TERM": "dumb"}),
    )
    os.close(theirs)
    shell = Shell(ours)
    await shell.hear(b"READY> ")
    yield shell
    shell.close()
    process.kill()
    await process.wait()
    os.close(ours)


async def test_ctrl_z_and_ctrl_c_are_for_the_command(shell: Shell) -> None:
    await shell.type(f"{EXEC} {TRAP}\n", "\nUP")
    await shell.type("\x1a", "Stopped")
    await shell.type("fg\n", "GOES ON")
    await shell.type("\x03", "INTERRUPTED")
    await shell.type("echo code=$?\n", "code=9")


async def test_a_shell_in_it_has_its_own_jobs_and_may_be_suspended(shell: Shell) -> None:
    await shell.type(f"{EXEC} bash --norc --noprofile --noediting -i\n", "READY> ")
    await shell.type("PS1=INNER'>'\n", "INNER>")
    await shell.type("sh -c 'echo ASLE\"\"EP; exec sleep 600'\n", "ASLEEP")
    await shell.type("\x1a", "INNER>")
    await shell.type("suspend\n", "READY> ")
    await shell.type("fg\n", "INNER>")
    await shell.type("kill -9 %1; disown -a; exit 5\n", "READY> ")
    await shell.type("echo code=$?\n", "code=5")


async def test_one_that_is_suspended_goes_on_at_once_however_often_news_of_children_came(
    shell: Shell,
) -> None:
    """A helper of authproxy's may end at that moment."""
    await shell.type(f"{EXEC} bash --norc --noprofile --noediting -i\n", "READY> ")
    await shell.type("PS1=INNER'>'\n", "INNER>")
    tell = "(for each in 1 2 3 4; do sleep 0.02; kill -CHLD $PPID; done) 2>/dev/null &"
    await shell.type(f"{tell} suspend\n", "READY> ")
    await shell.type("sleep 0.3; fg\n", "INNER>")
    await shell.type("suspend\n", "READY> ")
    await shell.type("fg\n", "INNER>")
    await shell.type("exit 5\n", "READY> ")
    await shell.type("echo code=$?\n", "code=5")
