"""Whose turn it is on a connection, and who waits."""

import asyncio
from typing import cast

from authproxy.settings import LimitSettings
from authproxy.wire.client.pipeline import Pipeline, Queued
from authproxy.wire.http1.request_reader import Receiver, RequestReader
from authproxy.wire.read_holds import QUEUE, ReadHolds


class Client:
    """Whoever reads the answers."""

    is_congested = False


class Request:
    """A relay that writes down what it hears, and ends when it is told."""

    def __init__(self, name: str, told: list[str]) -> None:
        self._name = name
        self._told = told

    def start(self) -> None:
        self._told.append(f"start {self._name}")

    def flush(self) -> None:
        self._told.append(f"flush {self._name}")


class Turns:
    """A pipeline of requests that write down what they hear."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.client = Client()
        self.holds = ReadHolds(cast(asyncio.Transport, self))
        self.reader = RequestReader(cast(Receiver, None), LimitSettings())
        self.pipeline: Pipeline[Queued] = Pipeline(self.reader, self.holds)

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")

    def is_closing(self) -> bool:
        return False

    def add(self, *names: str) -> None:
        for name in names:
            self.pipeline.add(Request(name, self.told), self.client)

    def end(self) -> None:
        self.pipeline.current = None
        self.pipeline.advance(self.client)


def test_one_is_under_way_and_nothing_is_read_while_others_wait() -> None:
    turns = Turns()
    turns.add("a", "b", "c")
    assert ["start a", "pause"] == turns.told
    assert (3, 2, QUEUE) == (turns.pipeline.count, turns.reader.waiting, turns.holds.reasons)
    turns.end()
    turns.end()

    assert ["start b", "flush b", "resume", "start c", "flush c"] == turns.told[2:]
    assert (1, 0, 0) == (turns.pipeline.count, turns.reader.waiting, turns.holds.reasons)


def test_nothing_starts_for_a_client_that_does_not_read() -> None:
    turns = Turns()
    turns.client.is_congested = True
    turns.add("a")
    assert ["pause"] == turns.told
    turns.client.is_congested = False
    turns.pipeline.advance(turns.client)

    assert ["pause", "resume", "start a", "flush a"] == turns.told


def test_all_that_have_not_ended_are_left_in_order() -> None:
    turns = Turns()
    turns.add("a", "b")
    first, second = turns.pipeline.current, turns.pipeline.waiting[0]

    assert [first, second] == turns.pipeline.leave()
    assert (0, []) == (turns.pipeline.count, turns.pipeline.leave())
