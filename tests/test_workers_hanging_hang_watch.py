"""Real workers, whose event loops stand still because a handler of a signal never ends."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable

import pytest

from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.runtime.open_sockets import OpenSockets
from authproxy.runtime.sources import Sources
from authproxy.workers.crew import Crew
from authproxy.workers.hanging.hang_watch import HangWatch
from authproxy.workers.hanging.loop_turns import LoopTurns
from authproxy.workers.hanging.stacks import Stacks
from authproxy.workers.worker_channel import Message
from authproxy.workers.worker_process import WorkerProcess
from tests.support.configuring import URL, settings
from tests.support.talking import until

WORKER = """
import signal, time
def never_ends(*_):
    time.sleep(600)
signal.signal(signal.SIGALRM, never_ends)
from authproxy.workers.worker import main
main(0)
"""
COMMAND = (sys.executable, "-c", WORKER)
HUNG = "worker 1: its event loop has not turned for 1200 s; another one takes its place"


class Stage:
    """Two workers. The test looks at them when it wants to; the third look is one too many."""

    def __init__(self) -> None:
        self.tracer: Callable[[int], int] = lambda _: 0
        self.crew = Crew(2, make=self.make, watch=self.make_watch)
        self.settings = settings(
            urls=[URL], flags={"--listen": ("127.0.0.1:0",), "--credentials": "none"}
        )
        self.plan = OpenSockets().plan(self.settings)

    def make(self, number: int, hear: Callable[[WorkerProcess, Message], None]) -> WorkerProcess:
        return WorkerProcess(number, hear, lambda _: COMMAND)

    def make_watch(self, turns: LoopTurns, stacks: Stacks) -> HangWatch:
        self.turns = turns
        self.watch = HangWatch(
            turns, stacks, every_s=600, looks=2, tracer=lambda pid: self.tracer(pid)
        )
        return self.watch

    async def start(self) -> None:
        async with asyncio.timeout(60):
            sources = Sources(TokenCache(), Machine())
            await self.crew.start(self.settings, self.plan.sockets, sources)

    @property
    def pids(self) -> list[int]:
        return [each.pid for each in self.crew.workers]

    async def turned(self, worker: int) -> None:
        before = self.turns.of(worker)
        await until(lambda: self.turns.of(worker) > before)

    async def look(self, times: int = 1) -> None:
        """Each time when the second worker's loop has turned."""
        for _ in range(times):
            await self.turned(2)
            await self.watch.look(self.crew.workers)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    await stage.start()
    yield stage
    await stage.crew.shutdown(5)
    stage.plan.drop()


async def test_one_whose_loop_turns_no_more_is_named_killed_and_replaced(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    hung, other = stage.pids
    os.kill(hung, signal.SIGALRM)
    await stage.look(4)  # it may have turned before the first one
    await until(lambda: hung not in stage.pids and all(e.is_ready for e in stage.crew.workers))
    await stage.turned(1)

    [line] = [each for each in caplog.records if "hangs" in each.message]
    assert "worker 1 hangs, at <string>:4 never_ends, " in line.message
    assert "please report it" in line.message
    shown = vars(line)
    assert (1, hung) == (shown["worker"], shown["pid"])
    assert "never_ends" in shown["stack"]
    assert HUNG in caplog.text
    assert [stage.pids[0], other] == stage.pids
    assert "2 of 2 workers ready" in repr(stage.crew)


async def test_one_that_does_not_run_at_all_is_killed_too(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stopped, _ = stage.pids
    os.kill(stopped, signal.SIGSTOP)
    await stage.look(4)
    await until(lambda: stopped not in stage.pids)

    assert "worker 1 hangs, and does not run at all. Unless" in caplog.text


async def test_a_parent_that_has_not_looked_takes_nobody_for_hanging(stage: Stage) -> None:
    """The machine has slept, or all processes were stopped: it does not matter for how long."""
    before = stage.pids
    await stage.look()
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    await stage.watch.look(stage.crew.workers)
    for pid in before:
        os.kill(pid, signal.SIGCONT)
    for _ in range(3):
        await stage.turned(1)
        await stage.look()

    assert before == stage.pids
    assert "<HangWatch [0 hang]>" == repr(stage.watch)


async def test_one_that_is_traced_is_left_to_who_traces_it(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    hung, _ = before = stage.pids
    stage.tracer = lambda pid: 41 if pid == hung else 0
    os.kill(hung, signal.SIGALRM)
    await stage.look(4)

    assert "since process 41 traces it" in caplog.text
    assert before == stage.pids
    stage.tracer = lambda _: 0
    await stage.look(3)
    await until(lambda: hung not in stage.pids)


async def test_one_that_goes_on_while_its_stack_is_asked_for_is_left(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    late, _ = before = stage.pids

    def wake(pid: int) -> int:
        turns = stage.turns.of(1)
        os.kill(pid, signal.SIGCONT)
        while stage.turns.of(1) == turns:
            time.sleep(0.001)  # noqa: TID251 -- this process is to do nothing else
        woken.append(pid)
        return 0

    woken: list[int] = []
    stage.tracer = wake
    os.kill(late, signal.SIGSTOP)
    await stage.look(4)

    assert [late] == woken
    assert before == stage.pids
    assert "hangs" not in caplog.text
