"""One real worker; tests/e2e/test_workers.py has several, and clients."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping

import pytest

from authproxy import __version__
from authproxy.identity.apart.helper import command_for
from authproxy.runtime.open_sockets import OpenSockets
from authproxy.workers.common_memory import CommonMemory
from authproxy.workers.configuration import Configuration
from authproxy.workers.worker_channel import Message
from authproxy.workers.worker_process import MODULE, WorkerProcess
from tests.support.configuring import settings

URL = "http://localhost:9"


class Parent:
    version = __version__

    def __init__(self, listen: str = "127.0.0.1:0", **environ: str) -> None:
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.worker = WorkerProcess(1, lambda _, message: self.heard.put_nowait(message))
        self.settings = settings(
            urls=[URL],
            flags={"--credentials": "none", "--listen": (listen,)},
            environ={"AUTHPROXY_LOG_LEVEL": "error", **environ},
        )
        self.plan = OpenSockets().plan(self.settings)
        configuration = Configuration(settings=self.settings, sockets=self.plan.sockets)
        self.message: Mapping[str, object] = configuration.message()
        self.descriptors = configuration.descriptors

    async def start(self) -> Message:
        common = CommonMemory(1)
        start = {"do": "start", "worker": 1, "workers": 1, "is_leaving": False, "counts": True}
        start |= {"records": True, "version": self.version}
        await self.worker.start()
        self.worker.say({**start, **self.message}, [*common.descriptors, *self.descriptors])
        common.close()
        async with asyncio.timeout(30):
            return await self.heard.get()

    async def ask(self, message: Message, *descriptors: int) -> Message:
        assert self.worker.channel is not None
        async with asyncio.timeout(30):
            return await self.worker.channel.ask(message, descriptors)

    async def end(self) -> int:
        async with asyncio.timeout(30):
            return await self.worker.ended()


@pytest.fixture
async def parent() -> AsyncIterator[Parent]:
    parent = Parent()
    yield parent
    parent.worker.kill()
    await parent.end()
    parent.plan.drop()


async def test_it_serves_until_it_is_told_to_end(parent: Parent) -> None:
    assert {"do": "ready"} == await parent.start()
    parent.worker.say({"do": "leave"})
    parent.worker.say({"do": "reopen"})
    parent.worker.say({"do": "drain"})

    assert 0 == await parent.end()


async def test_it_ends_when_nobody_is_there_to_tell_it(parent: Parent) -> None:
    await parent.start()
    assert parent.worker.channel is not None
    parent.worker.channel.close()

    assert 0 == await parent.end()


async def test_it_uses_what_it_has_prepared_and_nothing_else(parent: Parent) -> None:
    await parent.start()
    prepare = {"do": "prepare", **parent.message}

    assert {"problems": []} == _without_number(await parent.ask(prepare, *parent.descriptors))
    assert {"is_used": True} == _without_number(await parent.ask({"do": "use"}))
    assert {"is_used": False} == _without_number(await parent.ask({"do": "use"}))
    assert {"problems": []} == _without_number(await parent.ask(prepare, *parent.descriptors))
    parent.worker.say({"do": "drop"})
    assert {"is_used": False} == _without_number(await parent.ask({"do": "use"}))
    parent.worker.say({"do": "cut"})
    assert 0 == await parent.end()


async def test_what_it_cannot_do_ends_it_so_that_another_takes_its_place(parent: Parent) -> None:
    await parent.start()
    parent.worker.say({"do": "prepare", "nothing": "else"})

    await parent.end()


async def test_what_it_cannot_open_it_says(tmp_path: os.PathLike[str]) -> None:
    parent = Parent(AUTHPROXY_LOG_FILE=f"{os.fspath(tmp_path)}/none/log")
    said = await parent.start()

    assert "failed" == said["do"]
    assert "cannot open the log file" in said["error"]
    assert 1 == await parent.end()
    parent.plan.drop()


async def test_a_parent_of_another_version_is_told_to_be_restarted(parent: Parent) -> None:
    parent.version = "0.0.9"
    said = await parent.start()

    upgrade = f"upgraded on disk from 0.0.9 to {__version__} while it ran"
    assert f"authproxy was {upgrade}" == said["error"]
    assert said["hint"].startswith("Restart it: ")
    assert 1 == await parent.end()


def _without_number(answer: Message) -> Message:
    return {name: value for name, value in answer.items() if name != "to"}


async def test_one_whose_parent_ends_before_its_first_word_ends_too() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = await asyncio.create_subprocess_exec(*command_for(MODULE), stdin=theirs.fileno())
    async with asyncio.timeout(20):
        assert 0 == await process.wait()
