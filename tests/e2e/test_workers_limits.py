"""What holds for all workers together, whichever of them a client meets."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest

from tests.support.crews import PLAIN, Clients, Wire, answers, lives, pids
from tests.support.program import Program
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import GET, get, read_answer, until


@asynccontextmanager
async def two_workers(environ: Mapping[str, str]) -> AsyncIterator[Program]:
    async with raw_service() as service:
        arguments = (service.url, *PLAIN, "--workers", "2", "--no-access-log")
        async with Program(*arguments, environ=environ) as program:
            await until(lambda: len(pids(program)) == 2)
            yield program


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    async with Clients() as found:
        yield found


async def replaced(program: Program, victim: int) -> None:
    """Kill one of the workers; another one has its place."""
    count = len(pids(program))
    os.kill(victim, signal.SIGKILL)
    await until(lambda: len(pids(program)) == count + 1)


async def statuses(clients: Clients, program: Program, count: int, *fields: str) -> Counter[bytes]:
    """Of so many requests, each by a connection of its own that is kept."""
    wires = await clients.several(program, count, get("/", *fields))
    return Counter(each[:3] for each in await answers(wires))


async def fill(clients: Clients, program: Program, count: int) -> list[Wire]:
    """Connections that are let in. Refused ones count until both ends have closed them."""
    kept: list[Wire] = []
    async with asyncio.timeout(20):
        while len(kept) < count:
            wire = await clients.connect(program, GET)
            if [b"200 ok"] == await answers([wire]):
                kept.append(wire)
            else:
                wire[1].close()
    return kept


@pytest.mark.parametrize("name", ["CONNECTIONS", "CONNECTIONS_PER_CLIENT"])
async def test_connections_are_counted_together_and_those_of_a_dead_worker_no_more(
    name: str, clients: Clients
) -> None:
    async with two_workers({f"AUTHPROXY_LIMITS_{name}": "12"}) as program:
        kept = await fill(clients, program, 12)
        full = await statuses(clients, program, 8)
        await replaced(program, pids(program)[0])
        left = [wire for wire in kept if await lives(wire)]
        for _, writer in clients.wires[12:]:
            writer.close()
        new = await fill(clients, program, 12 - len(left))
        full_again = await statuses(clients, program, 8)
        alive = [await lives(wire) for wire in (*left, *new)]

    assert {b"503": 8} == full == full_again
    assert 0 < len(left) < 12
    assert [True] * 12 == alive


async def test_the_rate_is_one_for_all_and_stays_when_all_of_them_die(clients: Clients) -> None:
    environ = {
        "AUTHPROXY_LIMITS_REQUESTS_PER_SECOND": "0.001",
        "AUTHPROXY_LIMITS_BURST": "30",
    }
    async with two_workers(environ) as program:
        found = await statuses(clients, program, 50)
        for victim in pids(program):
            await replaced(program, victim)
        after = await statuses(clients, program, 10)

    assert {b"200": 30, b"429": 20} == found
    assert {b"429": 10} == after


async def test_wrong_keys_slow_a_client_down_whoever_has_seen_them(clients: Clients) -> None:
    digest = sha256(b"the right one, and long enough").hexdigest()
    async with two_workers({"AUTHPROXY_KEYS_A_SHA256": digest}) as program:
        right = await statuses(clients, program, 4, "X-Api-Key: the right one, and long enough")
        wrong = await statuses(clients, program, 10, "X-Api-Key: wrong")
        wires = await clients.several(program, 1, get("/", "X-Api-Key: wrong"))
        head, _ = await read_answer(wires[0][0])
        slowed = await statuses(clients, program, 4, "X-Api-Key: wrong")

    assert {b"200": 4} == right
    assert {b"401": 10} == wrong
    assert head.startswith(b"HTTP/1.1 401")
    assert {b"429": 4} == slowed


async def test_a_service_has_no_more_connections_than_it_may_have(clients: Clients) -> None:
    go_on, open_now, most = asyncio.Event(), 0, 0

    async def slow(call: Call) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        while await call.read_head():
            await go_on.wait()
            await call.say(OK)
        open_now -= 1

    environ = {"AUTHPROXY_LIMITS_CONNECTIONS_PER_SERVICE": "6"}
    async with raw_service(slow) as service:
        arguments = (service.url, *PLAIN, "--workers", "2", "--no-access-log")
        async with Program(*arguments, environ=environ) as program:
            await until(lambda: len(pids(program)) == 2)
            wires = await clients.several(program, 30)
            await until(lambda: len(service.heads) == 6)
            go_on.set()
            found = await answers(wires)

    assert [b"200 ok"] * 30 == found
    assert 6 == most
