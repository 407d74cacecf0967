import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from authproxy.tasks import Tasks
from authproxy.workers.worker_channel import GoneError, Message, WorkerChannel, is_possible
from tests.support.talking import until


class End:
    """One end, with what it heard."""

    def __init__(self, sock: socket.socket) -> None:
        self.heard: list[Message] = []
        self.descriptors: list[int] = []
        self.ended = 0
        self.channel = WorkerChannel(sock, self.hear, self.end)

    def hear(self, message: Message, descriptors: list[int]) -> None:
        self.heard.append(message)
        self.descriptors += descriptors
        if "number" in message:
            self.channel.answer(message, {"echo": message["word"]})

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    one, two = map(End, socket.socketpair())
    yield one, two
    one.channel.close()
    two.channel.close()
    for each in (*one.descriptors, *two.descriptors):
        os.close(each)


def test_linux_can_do_it() -> None:
    assert is_possible()


async def test_messages_come_whole_and_in_order(ends: tuple[End, End]) -> None:
    one, two = ends
    said = [{"text": "x" * length} for length in (1, 3_000_000, 5, 700_000, 0)]

    for each in said:
        one.channel.say(each)
    await until(lambda: len(two.heard) == len(said))

    assert said == two.heard


async def test_descriptors_come_with_their_message(ends: tuple[End, End]) -> None:
    one, two = ends
    pairs = [os.pipe() for _ in range(120)]
    for read, _ in pairs:
        one.channel.say({"padding": "x" * 50_000}, [read, read])
        os.close(read)
    await until(lambda: len(two.heard) == 120)
    for number, (_, write) in enumerate(pairs):
        os.write(write, b"%d" % number)
        os.close(write)

    assert [b"%d" % number for number in range(120)] == [
        os.read(each, 10) for each in two.descriptors[::2]
    ]


async def test_both_ask_and_answer(ends: tuple[End, End]) -> None:
    one, two = ends
    async with asyncio.timeout(10):
        found = await asyncio.gather(
            *(one.channel.ask({"word": number}) for number in range(5)),
            *(two.channel.ask({"word": number}) for number in range(5, 9)),
        )

    assert list(range(9)) == [each["echo"] for each in found]


async def test_whoever_waits_when_the_other_end_goes_hears_of_it(ends: tuple[End, End]) -> None:
    one, two = ends
    question = Tasks().start(one.channel.ask({"word": 1}), name="question")
    await asyncio.sleep(0)
    two.channel.close()

    with pytest.raises(GoneError):
        await question
    with pytest.raises(GoneError):
        await one.channel.ask({"word": 2})
    one.channel.say({"nobody": "hears"})
    assert (1, 1) == (one.ended, two.ended)
    assert "<WorkerChannel [closed, 0 asked]>" == repr(one.channel)
