"""A worker tells what is new, and when it is asked how it stands."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, cast

import pytest

from authproxy.observe.trace_context import trace_of_client
from authproxy.wire.status import PoolStatus, ServerStatus
from authproxy.workers.counting.worker_counts import (
    POOL_COUNTERS,
    POOL_GAUGES,
    SERVER_COUNTERS,
    SERVER_GAUGES,
    WorkerCounts,
)
from authproxy.workers.worker_channel import Message, WorkerChannel
from tests.support.metrics import POOL, SERVER, ended


class Stage:
    """Counts of a pretended server, and a parent who hears of them."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.parent = WorkerChannel(
            theirs, lambda message, _: self.heard.put_nowait(message), lambda: None
        )
        self.channel = WorkerChannel(ours, lambda *_: None, lambda: None)
        self.counts = WorkerCounts(
            trace_of_client, self.channel.say, lambda: self.channel.is_behind
        )
        self.room = SimpleNamespace(accepted=5, handshakes=0, handshakes_failed=0)
        self.recorder = SimpleNamespace(begun=7)
        self.upstreams: dict[str, Any] = {}
        self.add_pool("billing")

    def add_pool(self, name: str) -> None:
        self.upstreams[name] = SimpleNamespace(pool=SimpleNamespace(status=lambda: POOL))

    def begin(self) -> None:
        server = SimpleNamespace(room=self.room, recorder=self.recorder, status=lambda: SERVER)
        self.counts.count(cast(Any, server), lambda: self.upstreams)

    async def told(self) -> Message:
        async with asyncio.timeout(20):
            return await self.heard.get()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    found = Stage()
    yield found
    found.channel.close()
    found.parent.close()


def test_everything_that_a_status_says_is_told_or_known_to_the_parent() -> None:
    of_pools = {*POOL_COUNTERS, *POOL_GAUGES, "origin"}
    of_parent = {"draining", "pools", "processes", "replaced"}
    of_servers = {*SERVER_COUNTERS, *SERVER_GAUGES, "begun"} | of_parent

    assert {each.name for each in fields(PoolStatus)} == of_pools
    assert {each.name for each in fields(ServerStatus)} == of_servers


async def test_only_what_is_new_is_told(stage: Stage) -> None:
    stage.begin()
    stage.counts.exchanges.exchange_ended(ended())
    stage.counts.tell()
    first = await stage.told()
    stage.room.accepted = 6
    stage.counts.tell()
    second = await stage.told()
    stage.counts.tell()  # nothing is new, so nothing is said
    stage.counts.exchanges.exchange_ended(ended(status=500))
    stage.counts.tell()
    third = await stage.told()

    assert {"do", "exchanges", "server", "pools"} == set(first)
    assert {"accepted": 5, "handshakes": 0, "handshakes_failed": 0, "begun": 7} == first["server"]
    assert {"billing": [7, 6, 8, 0, 0]} == first["pools"]
    assert {"do", "server"} == set(second)
    assert {"accepted": 1, "handshakes": 0, "handshakes_failed": 0, "begun": 0} == second["server"]
    assert {"do", "exchanges"} == set(third)
    assert [["billing", "GET", "5xx", "", 1]] == third["exchanges"]["series"]


async def test_how_it_stands_is_told_to_who_asks(stage: Stage) -> None:
    stage.begin()
    stage.counts.tell(is_asked=True)
    told = await stage.told()

    assert {"billing": [1, 5, 2, 4, 100]} == told["now"]["pools"]
    assert (1, 400) == (told["now"]["server"]["http1"], told["now"]["server"]["most"])


async def test_another_pool_of_a_service_begins_anew(stage: Stage) -> None:
    stage.begin()
    stage.counts.tell(is_asked=True)
    await stage.told()
    stage.add_pool("billing")
    stage.counts.tell(is_asked=True)

    assert {"billing": [7, 6, 8, 0, 0]} == (await stage.told())["pools"]


async def test_it_tells_by_itself_and_also_of_the_lag(stage: Stage) -> None:
    stage.counts.lag.counts.observe(0.25)
    telling = asyncio.get_running_loop().create_task(stage.counts.keep_telling())
    told = await stage.told()
    telling.cancel()

    assert 0.25 == told["lag"]["total"]


async def test_a_parent_that_is_behind_is_told_later(stage: Stage) -> None:
    stage.channel.say({"do": "much", "text": "x" * 10_000_000})
    assert stage.channel.is_behind
    stage.counts.exchanges.exchange_ended(ended())
    stage.counts.tell()
    kept = repr(stage.counts)
    await stage.told()
    stage.counts.tell()
    told = await stage.told()

    assert "<WorkerCounts <ExchangeMetrics [1 exchanges, 1 series]>>" == kept
    assert [["billing", "GET", "2xx", "", 1]] == told["exchanges"]["series"]
