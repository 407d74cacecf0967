"""The mixed load of `make soak`: its clients find what is wrong, and nothing where nothing is."""

import asyncio
import os
import sys
from pathlib import Path
from random import Random

import grpc
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from websockets.exceptions import ConnectionClosedError, InvalidMessage

from authproxy.tasks import Tasks
from benchmarks.soak import content, report
from benchmarks.soak.clients import KINDS, Kind, Load
from benchmarks.soak.deaths import Deaths, is_loss
from benchmarks.soak.http import WrongError, connected
from benchmarks.soak.load import Counts
from benchmarks.soak.recording import Recording
from benchmarks.soak.rotation import Rotation
from benchmarks.soak.side import Cores, Plan, Seen, started
from benchmarks.soak.verdict import complaints


def failed(code: str, *metadata: tuple[str, str], details: str = "") -> grpc.aio.AioRpcError:
    told = grpc.aio.Metadata(*metadata)
    status = grpc.StatusCode[code]
    return grpc.aio.AioRpcError(status, told, grpc.aio.Metadata(), details=details)


PACED = {"events"}
"""Which take their time: the service sends events by the clock."""


async def test_each_kind_of_client_gets_what_it_has_to(tmp_path: Path) -> None:
    core, *_ = os.sched_getaffinity(0)
    build = Path(sys.executable).with_name("authproxy")
    counts = Counts()
    async with started(build, tmp_path, Cores(proxies=core, others=core)) as (_, port):
        load = Load(port=port, chance=Random(1))
        load.stop.set()  # nobody rests
        for name, kind in KINDS.items():
            if name not in PACED:
                await counts.session(name, kind, load)

    assert [] == counts.wrong
    assert KINDS.keys() - PACED == counts.answers.keys()


async def test_what_the_inspector_keeps_is_read_while_it_records(tmp_path: Path) -> None:
    core, *_ = os.sched_getaffinity(0)
    build, recording = Path(sys.executable).with_name("authproxy"), Recording()
    counts = Counts()
    cores = Cores(proxies=core, others=core)
    async with started(build, tmp_path, cores, recording) as (_, port):
        load = Load(port=port, chance=Random(1))
        load.stop.set()
        await recording.look()
        before = recording.most
        await counts.session("download", KINDS["download"], load)
        await recording.look()

    assert [] == counts.wrong
    assert before < recording.most < recording.limit


async def test_an_answer_that_is_not_the_expected_one_is_counted_as_wrong() -> None:
    async def changed(request: web.Request) -> web.Response:
        size = int(request.query["size"])
        return web.Response(body=bytes(content.body(int(request.query["seed"]) + 1, size)))

    app = web.Application()
    app.router.add_get("/give", changed)
    counts = Counts()
    async with TestServer(app) as server:
        assert server.port is not None
        load = Load(port=server.port, chance=Random(1))
        for name in ("download", "upload"):
            await counts.session(name, KINDS[name], load)

    assert not counts.answers
    download, upload = counts.wrong
    assert "download: WrongError(" in download
    assert "came in the place of" in download
    assert "404 Not Found" in upload


async def test_a_cut_answer_is_counted_as_wrong() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n123")
        writer.close()

    async def ask(load: Load) -> int:
        async with connected(load.port, "web") as line:
            await (await line.ask("/")).whole()
        return 1

    counts = Counts()
    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    load = Load(port=server.sockets[0].getsockname()[1], chance=Random(1))
    await counts.session("short", Kind(session=ask, count=1, rest_s=0), load)
    server.close()

    assert ["short: EOFError('2 bytes are missing')"] == counts.wrong


def test_the_report_compares_with_the_first_build_and_with_the_start() -> None:
    first = Seen(build="one", start_mib=40, peak_mib=400, end_mib=400, answers={"a": 10}, cpu_s=1)
    second = Seen(build="two", start_mib=40, peak_mib=100, end_mib=50, answers={"a": 10}, cpu_s=2)
    second.wrong, second.told = 1, ["a: Wrong"]

    table = report.table([first, second])

    for line in (
        "| at most, MiB | 400 (1.00) | 100 (0.25) |",
        "| a minute after the load, MiB | 400 (10.00) | 50 (1.25) |",
        "| wrong answers | 0 | 1 |",
        "| CPU time for each answer, µs | 100000.0 (1.00) | 200000.0 (2.00) |",
        "| answers: a | 10 | 10 |",
    ):
        assert line in table
    assert ["two: a: Wrong"] == report.faults([first, second])


@pytest.mark.parametrize("seed", [0, 1, 1_000_002, 1_000_003, 123_456_789])
def test_a_body_is_as_long_as_it_is_asked_to_be(seed: int) -> None:
    body = content.body(seed, content.LONGEST)

    assert len(body) == content.LONGEST
    assert content.digest(body) != content.digest(content.body(seed + 1, content.LONGEST))


async def test_nobody_notices_that_the_configuration_is_another_one(tmp_path: Path) -> None:
    core, *_ = os.sched_getaffinity(0)
    build = Path(sys.executable).with_name("authproxy")
    counts = Counts()
    async with started(build, tmp_path, Cores(proxies=core, others=core)) as (proxy, port):
        rotation = Rotation(tmp_path / "authproxy.toml", tmp_path / "ca.pem")
        tasks = Tasks()
        going_on = tasks.start(rotation.go_on(proxy, 0.7), name="rotation")
        log = tmp_path / "proxy.log"
        load = Load(port=port, chance=Random(1))
        load.stop.set()
        async with asyncio.timeout(50):
            # One that is refused is there for a moment; whether a reload reads it is chance.
            while rotation.done < 5 or "nonsense" not in log.read_text():
                for name in ("kept alive", "upload", "gRPC"):
                    await counts.session(name, KINDS[name], load)
        assert not going_on.done()
        await tasks.cancel()

    assert [] == counts.wrong


def well(build: str = "a") -> Seen:
    """A soak with which nothing is wrong."""
    return Seen(
        build=build,
        start_mib=40,
        peak_mib=150,
        end_mib=60,
        files_start=9,
        files_peak=900,
        files_end=7,
        answers=dict.fromkeys(KINDS, 10),
        reloads=30,
        course=[(20 * at, 90 + at % 3, 500) for at in range(15)],
    )


def test_a_slow_soak_that_keeps_its_promises_is_well() -> None:
    assert [] == complaints(well(), Plan(seconds=300))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"wrong": 2}, "a: 2 wrong answers"),
        ({"answers": {**dict.fromkeys(KINDS, 1), "gRPC": 0}}, "a: no answer at all for: gRPC"),
        ({"reloads": 0}, "a: its configuration was never replaced"),
        ({"kept_mib": 65.0, "kept_limit_mib": 64.0}, "a: its inspector kept 65.0 MiB of 64"),
        ({"end_mib": 90.0}, "a: 90 MiB a minute after the load, 40 at its start"),
        ({"files_end": 40}, "a: 40 files open after the load, 9 at its start"),
        ({"deaths": 0, "lost": 1}, "a: 1 connections lost by 0 deaths, with 985 clients"),
        (
            {"course": [(at, 50.0 + 5 * at, 9) for at in range(16)]},
            "a: it grows: 78 MiB in the second quarter of the load, 118 in the last",
        ),
    ],
)
def test_each_broken_promise_of_a_soak_is_told(changed: dict[str, object], said: str) -> None:
    seen = well()
    for name, value in changed.items():
        setattr(seen, name, value)

    assert [said] == complaints(seen, Plan(seconds=300))


def test_a_soak_whose_workers_should_die_is_asked_for_that() -> None:
    plan = Plan(seconds=300, workers=2, kill_every_s=15)

    assert ["a: none of its workers was killed"] == complaints(well(), plan)


async def test_workers_that_die_take_connections_and_nothing_else(tmp_path: Path) -> None:
    core, *_ = os.sched_getaffinity(0)
    build = Path(sys.executable).with_name("authproxy")
    counts, deaths, tasks = Counts(is_lossy=True), Deaths(2), Tasks()
    cores = Cores(proxies=core, others=core)
    async with started(build, tmp_path, cores, workers=2) as (proxy, port):
        load = Load(port=port, chance=Random(1))
        load.stop.set()
        going_on = tasks.start(deaths.go_on(proxy, 0.3), name="deaths")
        async with asyncio.timeout(50):
            while deaths.done < 3:
                for name in ("kept alive", "upload", "WebSocket", "gRPC"):
                    await counts.session(name, KINDS[name], load)
        assert not going_on.done()
        await tasks.cancel()

    assert [] == counts.wrong
    assert counts.lost <= 3
    assert counts.answers


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (asyncio.IncompleteReadError(b"", 5), True),
        (EOFError("5 bytes are missing"), True),
        (ConnectionResetError(), True),
        (ConnectionClosedError(None, None), True),
        (InvalidMessage("did not receive a valid HTTP response"), False),
        (WrongError("was answered HTTP/1.1 502 Bad Gateway"), False),
        (TimeoutError(), False),
        (failed("UNAVAILABLE"), True),
        (failed("UNAVAILABLE", ("x-authproxy-error", "connect_failed")), False),
        (failed("INTERNAL", details="Internal error from Core"), True),
        (failed("INTERNAL", details="anything else"), False),
    ],
)
def test_what_is_no_loss_of_a_connection_is_wrong(error: Exception, is_one: bool) -> None:
    assert is_one is is_loss(error)


def test_a_soak_that_is_short_or_without_reloads_is_not_asked_for_them() -> None:
    seen = well()
    seen.reloads, seen.course = 0, seen.course[:3]

    assert [] == complaints(seen, Plan(seconds=300, reload_every_s=0))
    assert [] == complaints(seen, Plan(seconds=5))
