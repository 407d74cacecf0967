"""A crew of processes that say what the test wants."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import pytest

from authproxy.errors import ConfigError, StartError
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.runtime.open_sockets import OpenSockets, Plan
from authproxy.runtime.sources import Sources
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.workers.configuration import Configuration
from authproxy.workers.crew import PAUSE_S, Crew
from authproxy.workers.worker_channel import Message
from authproxy.workers.worker_process import PREPARE_S, START_S, WorkerProcess
from tests.support.configuring import URL, settings
from tests.support.program import left_of
from tests.support.talking import until

WORKER = """
import asyncio, socket
from authproxy.workers.worker_channel import WorkerChannel
async def main():
    over = asyncio.Event()
    def hear(message, descriptors):
        match message["do"]:
            case "start": channel.say({"do": "ready"})
            case "prepare": channel.answer(message, {"problems": PROBLEMS})
            case "use": channel.answer(message, {"is_used": IS_USED})
            case "drain" | "cut": over.set()
    channel = WorkerChannel(socket.socket(fileno=0), hear, over.set)
    await over.wait()
asyncio.run(main())
"""
HANGS = "import time; time.sleep(600)"
REAL = "from authproxy.workers.worker import main; main(0)"
PROBLEM = {"where": "f:1", "key": "listen", "message": "is bad"}


def code(*, problems: Sequence[object] = (), is_used: bool = True) -> str:
    return WORKER.replace("PROBLEMS", repr(list(problems))).replace("IS_USED", repr(is_used))


class SlowProcess(WorkerProcess):
    """One whose process comes when it may, and that keeps what it was told."""

    def __init__(
        self, number: int, hear: Callable[[WorkerProcess, Message], None], code: str
    ) -> None:
        super().__init__(number, hear, lambda _: self._later(code))
        self.may_come = threading.Event()
        self.told: list[Message] = []

    def say(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        if self.channel is not None:
            self.told.append(message)
        super().say(message, descriptors)

    def _later(self, code: str) -> Sequence[str]:
        self.may_come.wait(30)
        return (sys.executable, "-c", code)


class Stage:
    def __init__(
        self,
        codes: Callable[[int], str],
        pause_s: float = PAUSE_S,
        start_s: float = START_S,
        prepare_s: float = PREPARE_S,
    ) -> None:
        """`codes`: what the worker that is started as the n-th, from 0 on, runs."""
        self.started = 0
        self.has_slow = False
        self.slow: list[SlowProcess] = []
        self.codes = codes
        self.patience = {"start_s": start_s, "prepare_s": prepare_s}
        self.crew = Crew(2, make=self.make, pause_s=pause_s)
        found = settings(urls=[URL], flags={"--listen": ("127.0.0.1:0",)})
        self.settings = found
        self.plan: Plan = OpenSockets().plan(found)
        self.held = self.crew.listen(self.sock, cast(ListenerRules, None))

    @property
    def sock(self) -> socket.socket:
        return self.plan.new[0]

    def make(self, number: int, hear: Callable[[WorkerProcess, Message], None]) -> WorkerProcess:
        text = self.codes(self.started)
        self.started += 1
        if self.has_slow:
            self.slow.append(SlowProcess(number, hear, text))
            return self.slow[-1]
        command = (sys.executable, "-c", text)
        return WorkerProcess(number, hear, lambda _: command, **self.patience)

    async def start(self) -> None:
        async with asyncio.timeout(60):
            sources = Sources(TokenCache(), Machine())
            await self.crew.start(self.settings, self.plan.sockets, sources)

    async def prepare(self) -> None:
        async with asyncio.timeout(60):
            await self.crew.prepare(self.settings, self.plan.sockets)


Made = Callable[[Callable[[int], str]], Stage]


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    stages: list[Stage] = []

    def make(codes: Callable[[int], str]) -> Stage:
        stages.append(Stage(codes))
        return stages[-1]

    yield make
    for each in stages:
        await each.crew.shutdown(1)
        each.plan.drop()


async def test_it_is_started_when_all_are_ready(made: Made) -> None:
    stage = made(lambda _: code())
    await stage.start()

    assert "<Crew [2 of 2 workers ready]>" == repr(stage.crew)
    assert [1, 2] == [each.number for each in stage.crew.workers]
    assert not stage.crew.draining


async def test_one_that_cannot_start_ends_the_start(made: Made) -> None:
    stage = made(lambda number: code() if number else "raise SystemExit(5)")

    with pytest.raises(StartError, match="its process ended with exit code 5"):
        await stage.start()


async def test_one_that_hangs_at_its_start_ends_the_start() -> None:
    stage = Stage(lambda number: code() if number else HANGS, start_s=3)
    with pytest.raises(StartError, match=r"worker \d: it did not start within 3 s"):
        await stage.start()

    await stage.crew.shutdown(1)
    stage.plan.drop()


async def test_one_that_hangs_at_its_start_later_is_killed_and_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(lambda number: HANGS if number == 2 else code(), start_s=12)
    await stage.start()
    stage.crew.workers[0].kill()
    await until(lambda: stage.started == 3)
    await until(lambda: bool(stage.crew.workers[0].pid))
    hanging = stage.crew.workers[0].pid
    await until(lambda: stage.started == 4 and all(each.is_ready for each in stage.crew.workers))

    assert "worker 1: it did not start within 12 s; another one takes its place" in caplog.text
    assert not left_of([hanging])
    await stage.crew.shutdown(1)
    stage.plan.drop()


async def test_one_that_hangs_while_it_builds_has_a_reload_refused_and_is_replaced() -> None:
    """Real workers, one of which the system does not let run."""
    stage = Stage(lambda _: REAL, prepare_s=3)
    await stage.start()
    hanging, other = (each.pid for each in stage.crew.workers)
    os.kill(hanging, signal.SIGSTOP)
    with pytest.raises(ConfigError) as caught:
        await stage.prepare()
    stage.crew.drop()
    await until(lambda: stage.started == 3 and all(each.is_ready for each in stage.crew.workers))
    await stage.prepare()

    assert ["authproxy: workers: worker 1 did not build it within 3 s"] == [
        str(each) for each in caught.value.problems
    ]
    assert other == stage.crew.workers[1].pid
    assert hanging != stage.crew.workers[0].pid
    await stage.crew.shutdown(5)
    stage.plan.drop()


async def test_one_that_dies_later_is_replaced_again_and_again(made: Made) -> None:
    stage = made(lambda number: code() if number not in (2, 3) else "raise SystemExit(5)")
    await stage.start()
    stage.crew.workers[0].kill()
    await until(lambda: stage.started == 5)
    await until(lambda: all(each.is_ready for each in stage.crew.workers))

    assert [1, 2] == [each.number for each in stage.crew.workers]


async def test_what_one_of_them_cannot_build_no_one_uses(made: Made) -> None:
    stage = made(lambda number: code(problems=[PROBLEM] * number))
    await stage.start()

    with pytest.raises(ConfigError) as caught:
        await stage.prepare()

    assert ["f:1: listen: is bad"] == [str(each) for each in caught.value.problems]
    stage.crew.drop()


async def test_one_that_does_not_use_what_all_use_is_replaced(made: Made) -> None:
    stage = made(lambda number: code(is_used=number != 1))
    await stage.start()
    kept, gone = (each.pid for each in stage.crew.workers)
    await stage.prepare()
    await stage.crew.switch()
    await until(lambda: stage.started == 3 and all(each.is_ready for each in stage.crew.workers))

    assert kept == stage.crew.workers[0].pid
    assert gone != stage.crew.workers[1].pid


async def test_one_that_is_being_started_begins_with_what_holds_by_then(made: Made) -> None:
    stage = made(lambda _: code())
    await stage.start()
    stage.has_slow = True
    stage.crew.workers[0].kill()
    await until(lambda: len(stage.slow) == 1)
    stage.settings = stage.settings.model_copy(update={"hosts": ("new.example",)})
    await stage.prepare()
    await stage.crew.switch()
    stage.crew.leave()
    [worker] = stage.slow
    worker.may_come.set()
    await until(lambda: worker.is_ready)

    new = Configuration(settings=stage.settings, sockets=stage.plan.sockets)
    assert "start" == worker.told[0]["do"]
    assert new.message()["settings"] == worker.told[0]["settings"]
    assert worker.told[0]["is_leaving"]


async def test_a_socket_that_is_not_planned_any_more_is_closed_first(made: Made) -> None:
    stage = made(lambda _: code())
    await stage.start()
    await stage.crew.prepare(stage.settings, [[]])
    await stage.crew.switch()

    assert -1 == stage.sock.fileno()


async def test_at_the_end_they_are_told_and_none_is_replaced(made: Made) -> None:
    stage = made(lambda _: code())
    await stage.start()
    async with asyncio.timeout(30):
        await stage.crew.shutdown(20)

    assert (2, ()) == (stage.started, stage.crew.workers)
    assert stage.crew.draining
    assert -1 == stage.sock.fileno()


async def test_at_the_end_those_that_do_not_hear_are_killed(made: Made) -> None:
    deaf = code().replace('"drain" | "cut"', '"nothing"')
    stage = made(lambda _: deaf)
    await stage.start()
    async with asyncio.timeout(30):
        await stage.crew.shutdown(0)

    assert () == stage.crew.workers


async def test_the_end_does_not_wait_for_one_that_would_be_replaced_later() -> None:
    stage = Stage(lambda _: code(), pause_s=60)
    await stage.start()
    stage.crew.workers[0].kill()
    await until(lambda: len(stage.crew.workers) == 1)
    async with asyncio.timeout(15):
        await stage.crew.shutdown(60)
    stage.plan.drop()

    assert 2 == stage.started
