"""One inspector for several workers: it has the exchanges of all, whichever has answered."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from authproxy.demo.world import World
from tests.e2e.test_workers_observed import ADMIN, Observed, observed
from tests.support.crews import PLAIN, Clients, answers
from tests.support.http2 import Client
from tests.support.program import run_to_end
from tests.support.raw import Call, raw_service
from tests.support.tailing import Command
from tests.support.talking import get, read_answer, until

RECORDS = {"AUTHPROXY_INSPECT_RECORD": "on"}


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    async with Clients() as found:
        yield found


async def listed(seen: Observed, query: str = "") -> list[dict[str, Any]]:
    """Newest first."""
    status, text = await seen.ask(f"/api/exchanges?limit=5000{query}")
    assert 200 == status
    found: list[dict[str, Any]] = json.loads(text)["exchanges"]
    return found


@asynccontextmanager
async def of_world(world: World, folder: Path) -> AsyncIterator[Observed]:
    async with observed(
        folder,
        world.url,
        *("--ca-file", world.ca_file),
        plain=("--credentials", "metadata", "-l", "127.0.0.1:0"),
        environ=dict(world.environment) | RECORDS,
    ) as seen:
        yield seen


async def test_every_exchange_of_all_workers_is_there_once(
    tmp_path: Path, clients: Clients
) -> None:
    async with (
        raw_service() as service,
        observed(tmp_path, service.url, environ=RECORDS) as seen,
    ):
        for number in range(5):
            wires = await clients.several(seen.program, 20, get(f"/round/{number}"))
            await answers(wires)
        found = await listed(seen)
        _, text = await seen.ask(f"/api/exchanges/{found[0]['id']}")
        detail = json.loads(text)
        ids = {
            json.loads((await seen.ask(f"/api/exchanges/{each['id']}"))[1])["request_id"]
            for each in found
        }

    assert sorted([f"/round/{number}" for number in range(5)] * 20) == sorted(
        each["target"] for each in found
    )
    assert {200} == {each["status"] for each in found}
    assert 100 == len(ids)
    assert 2 == len({each.rpartition("-")[0] for each in ids})
    assert "/round/4" == found[0]["target"], detail


async def test_a_token_and_a_key_are_not_shown(world: World, tmp_path: Path) -> None:
    async with of_world(world, tmp_path) as seen:
        reader, writer = await asyncio.open_connection("127.0.0.1", seen.program.port)
        writer.write(get("/status/200?access_token=s3cret-word"))
        await read_answer(reader)
        writer.close()
        [each] = await listed(seen)
        _, text = await seen.ask(f"/api/exchanges/{each['id']}")
        har = await seen.ask(f"/api/exchanges/{each['id']}/har")
    detail = json.loads(text)

    assert "s3cret-word" not in text + har[1]
    assert "eyJ" not in text + har[1]
    assert world.url in text, detail


async def test_one_in_flight_is_shown_and_is_ended_by_the_end_of_its_worker(
    tmp_path: Path, clients: Clients
) -> None:
    async def silent(call: Call) -> None:
        await call.read_head()
        await asyncio.Event().wait()

    async with (
        raw_service(silent) as service,
        observed(tmp_path, service.url, environ=RECORDS) as seen,
    ):
        await clients.several(seen.program, 3, get("/long"))
        await until(lambda: len(service.heads) == 3)
        during = await listed(seen)
        for victim in seen.workers:
            os.kill(victim, signal.SIGKILL)
        await until(lambda: len(seen.workers) == 4)
        after = await listed(seen)

    assert [0, 0, 0] == [each["status"] for each in during]
    assert 3 == len(after)
    assert {"authproxy"} == {each["aborted"] for each in after}


async def test_a_replay_is_known_as_one_whichever_worker_gets_it(
    tmp_path: Path, clients: Clients
) -> None:
    async with (
        raw_service() as service,
        observed(tmp_path, service.url, environ=RECORDS) as seen,
    ):
        await answers(await clients.several(seen.program, 1, get("/first")))
        [first] = await listed(seen)
        answers_to = [
            await seen.ask(f"/api/exchanges/{first['id']}/replay", "POST") for _ in range(6)
        ]
        found = await listed(seen)
    told = [json.loads(text) for _, text in answers_to]

    assert [200] * 6 == [each["status"] for each in told]
    assert {str(each["id"]) for each in told} == {str(each["id"]) for each in found[:-1]}
    assert all(b"x-authproxy-replay" not in head.lower() for head in service.heads)


async def test_a_call_over_http2_is_replayed_over_http2_whichever_worker_gets_it(
    world: World, tmp_path: Path, clients: Clients
) -> None:
    async with of_world(world, tmp_path) as seen:
        client = Client(*await clients.connect(seen.program))
        client.greet()
        client.call(1, (b"x-mine", b"m"), (b"authorization", b"Basic mine"), path=b"/echo?a=1")
        assert b"200" == (await client.answer(1)).get(b":status")
        [first] = await listed(seen)
        answers_to = [
            await seen.ask(f"/api/exchanges/{first['id']}/replay", "POST") for _ in range(6)
        ]
        found = await listed(seen)
        details = [
            json.loads((await seen.ask(f"/api/exchanges/{each['id']}"))[1]) for each in found
        ]
    told = [json.loads(text) for _, text in answers_to]

    assert [200] * 6 == [each["status"] for each in told]
    assert ["/echo?a=1"] * 7 == [each["target"] for each in found]
    assert ["2"] * 7 == [each["request"]["version"] for each in details]
    assert {str(each["id"]) for each in told} == {str(each["id"]) for each in found[:-1]}
    assert 2 == len({each["request_id"].rpartition("-")[0] for each in details})
    lines = [
        {line["name"]: line["change"] for line in each["tries"][0]["headers"]} for each in details
    ]
    assert ["kept"] * 7 == [each["x-mine"] for each in lines]
    assert ["removed"] * 6 == [each["x-authproxy-replay"] for each in lines[:-1]]


async def test_a_websocket_is_listed_as_a_tunnel(world: World, tmp_path: Path) -> None:
    async with of_world(world, tmp_path) as seen:
        async with connect(f"ws://127.0.0.1:{seen.program.port}/ws") as socket:
            await socket.send("hello")
            await socket.recv()
            [during] = await listed(seen)
        async with asyncio.timeout(20):
            while (found := await listed(seen))[0]["live"]:
                pass

    assert during["live"]
    assert 101 == during["status"] == found[0]["status"]


async def test_tail_prints_what_all_workers_answer(tmp_path: Path, clients: Clients) -> None:
    async with (
        raw_service() as service,
        observed(tmp_path, service.url, environ=RECORDS) as seen,
        Command(
            "tail", environ={"AUTHPROXY_ADMIN": f"unix:{tmp_path / 'admin.sock'}", **ADMIN}
        ) as tail,
    ):
        await clients.several(seen.program, 1, get("/before"))
        async with asyncio.timeout(20):
            while "/early" not in tail.said:
                await answers(await clients.several(seen.program, 4, get("/early")))
                await tail.hear("/")
        await clients.several(seen.program, 8, get("/late"))
        await tail.hear(r"(?s)(/late.*){8}")


async def test_bodies_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(
        '[services.a]\nurl = "http://localhost:9"\nrecord_bodies = true\n[inspect]\nrecord = "on"\n'
    )
    code, _, told = await run_to_end("-c", file, *PLAIN, "--workers", "2")

    assert 1 == code
    assert "with 2 workers there is no services.a.record_bodies yet" in told
