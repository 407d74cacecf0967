"""authproxy as process 1, as in a container: orphans of what runs beside it become its children."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from authproxy.system.orphans import children
from tests.support.crews import PLAIN, pids
from tests.support.program import Program, clean_environment, is_running
from tests.support.raw import raw_service
from tests.support.talking import answer_of, until

pytestmark = pytest.mark.outside

NAMESPACE = ("unshare", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc")
"""What follows is process 1 of a namespace of its own."""
CRASHES = "sh -c 'sleep 4 & exit 3'"
"""Nobody can wait for it while its output is held, which is longer than strangers are let be."""
CMD = ("sh", "-c", "read line; exit 7")
EXEC = (sys.executable, "-m", "authproxy", "exec", "--credentials", "none")


def process_one(outer: int) -> int:
    """By the number that it has out here, where `outer` is that of `unshare`."""
    (pid,) = children(outer)
    return pid


def sleepers(inside: int) -> set[int]:
    """Its children that are what `leave_orphan` leaves, ended or not."""
    found = set()
    for pid in children(inside):
        with contextlib.suppress(OSError):
            if "(sleep)" in Path(f"/proc/{pid}/stat").read_text():
                found.add(pid)
    return found


async def leave_orphan(inside: int) -> None:
    """As `docker exec` and probes may: a program in the namespace that ends before its child."""
    enter = ("nsenter", "--target", str(inside), "--user", "--preserve-credentials", "--pid")
    entered = await asyncio.create_subprocess_exec(*enter, "sh", "-c", "sleep 0.1 & exit 0")
    assert 0 == await entered.wait()


async def becomes_and_stops_being_its_child(inside: int) -> None:
    """An orphan that has ended is there, and is let go."""
    await leave_orphan(inside)
    await until(lambda: bool(sleepers(inside)))
    (orphan,) = sleepers(inside)
    await until(lambda: not is_running(orphan))
    assert orphan in children(inside)
    await until(lambda: orphan not in children(inside))


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["one", "workers"])
async def test_orphans_of_others_are_let_go(more: Sequence[str]) -> None:
    async with (
        raw_service() as service,
        Program(service.url, *PLAIN, *more, under=NAMESPACE) as program,
    ):
        inside = process_one(program.pid)
        before = children(inside)
        await becomes_and_stops_being_its_child(inside)
        await becomes_and_stops_being_its_child(inside)
        answer = await answer_of(program.port)
        after = children(inside)

    assert before == after
    assert b"ok" == answer[-2:]


async def test_how_a_worker_ended_is_known_whatever_is_let_go() -> None:
    async with raw_service() as service:
        more = (*PLAIN, "--workers", "2")
        async with Program(service.url, *more, under=NAMESPACE) as program:
            inside = process_one(program.pid)
            await until(lambda: len(pids(program)) == 2)
            victim = min(children(inside))
            await leave_orphan(inside)
            await until(lambda: bool(sleepers(inside)))
            os.kill(victim, signal.SIGKILL)
            await program.hear(r"worker \d: its process was ended by SIGKILL")
            await until(lambda: len(pids(program)) == 3)
            await until(lambda: not sleepers(inside))


async def test_how_a_program_that_gives_tokens_ended_is_known() -> None:
    async with raw_service() as service:
        flags = ("-l", "127.0.0.1:0", "--credentials", f"command:{CRASHES}")
        async with Program(service.url, *flags, under=NAMESPACE) as program:
            inside = process_one(program.pid)
            await until(lambda: bool(sleepers(inside)))
            await program.hear("the command ended with exit code 3")


async def test_the_command_of_exec_keeps_its_exit_code() -> None:
    async with raw_service() as service:
        process = await asyncio.create_subprocess_exec(
            *NAMESPACE,
            *EXEC,
            service.url,
            "--",
            *CMD,
            env=clean_environment(),
            stdin=asyncio.subprocess.PIPE,
        )
        await until(lambda: bool(children(process.pid)))
        inside = process_one(process.pid)
        await until(lambda: bool(children(inside)))
        await becomes_and_stops_being_its_child(inside)
        await process.communicate(b"\n")

    assert 7 == process.returncode
