import asyncio
import sys
from collections.abc import Sequence

import pytest

from authproxy.workers.worker_channel import Message
from authproxy.workers.worker_process import WorkerProcess, how_it_ended

ECHO = """
import asyncio, socket
from authproxy.workers.worker_channel import WorkerChannel
async def main():
    over = asyncio.Event()
    def hear(message, descriptors):
        channel.say({"do": message["do"], "descriptors": len(descriptors)})
    channel = WorkerChannel(socket.socket(fileno=0), hear, over.set)
    await over.wait()
asyncio.run(main())
raise SystemExit(7)
"""


class Parent:
    """Hears a worker that says what it was told."""

    def __init__(self, *command: str) -> None:
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.worker = WorkerProcess(
            3, lambda _, message: self.heard.put_nowait(message), lambda _: self.command
        )
        self.command: Sequence[str] = command or (sys.executable, "-c", ECHO)


async def test_it_is_told_and_heard_and_ends_with_its_channel() -> None:
    parent = Parent()
    worker = parent.worker
    await worker.start()
    worker.say({"do": "start"}, [0, 1])
    worker.say({"do": "more"})
    async with asyncio.timeout(30):
        heard = [await parent.heard.get(), await parent.heard.get()]
        assert worker.channel is not None
        worker.channel.close()
        code = await worker.ended()

    assert [{"do": "start", "descriptors": 2}, {"do": "more", "descriptors": 0}] == heard
    assert 7 == code
    assert f"<WorkerProcess 3 [gone, {worker.pid}]>" == repr(worker)


async def test_one_that_is_killed_says_by_what() -> None:
    worker = Parent().worker
    ready = asyncio.get_running_loop().create_future()
    worker.is_awaited_by(ready)
    await worker.start()
    worker.became_ready()
    async with asyncio.timeout(30):
        await ready
        worker.kill()
        code = await worker.ended()

    assert "was ended by SIGKILL" == how_it_ended(code)
    assert not worker.is_ready


async def test_what_cannot_be_started_says_so() -> None:
    worker = Parent("/proc/nowhere/python").worker

    with pytest.raises(FileNotFoundError):
        await worker.start()

    worker.say({"do": "more"})
    worker.kill()
    assert "<WorkerProcess 3 [starting, not started]>" == repr(worker)


@pytest.mark.parametrize(
    ("code", "how"),
    [(0, "ended with exit code 0"), (-9, "was ended by SIGKILL"), (-99, "was ended by signal 99")],
)
def test_an_end_is_told_in_words(code: int, how: str) -> None:
    assert how == how_it_ended(code)
