"""Several workers: one address, one mint, and a death or an end that others do not notice."""

import asyncio
import os
import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import authproxy
from authproxy.demo.world import World
from tests.support.crews import PLAIN, Clients, answers, lives, pids, workers
from tests.support.program import Program, left_of, run_to_end
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import get, read_answer, until


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    async with Clients() as found:
        yield found


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_a_worker_that_is_killed_takes_its_own_connections_alone(
    clients: Clients,
) -> None:
    async with raw_service() as service, workers(service.url, "--no-access-log") as program:
        wires = await clients.several(program, 40)
        assert {b"200 ok"} == set(await answers(wires))
        victim, other = pids(program)
        os.kill(victim, signal.SIGKILL)
        await program.hear(r"worker \d: its process was ended by SIGKILL; another one takes its")
        lost = [wire for wire in wires if not await lives(wire)]
        await until(lambda: len(pids(program)) == 3)
        os.kill(other, signal.SIGKILL)
        await until(lambda: len(pids(program)) == 4)
        left = [wire for wire in wires if wire not in lost and await lives(wire)]
        new = await clients.several(program, 10)

        assert 0 < len(lost) < 40
        assert [] == left
        assert {b"200 ok"} == set(await answers(new))
        program.signal(signal.SIGTERM)
        assert 143 == await program.wait()


async def test_each_has_its_share_of_the_connections(clients: Clients) -> None:
    async with raw_service() as service, workers(service.url) as program:
        before = [open_files(pid) for pid in pids(program)]
        await answers(await clients.several(program, 60))
        now = [open_files(pid) for pid in pids(program)]
        more = [after - old for after, old in zip(now, before, strict=True)]

    assert min(more) >= 0.4 * sum(more)


async def test_who_waits_in_the_queue_does_not_notice_that_all_workers_die(
    clients: Clients,
) -> None:
    async with raw_service() as service, workers(service.url) as program:
        for pid in pids(program):
            os.kill(pid, signal.SIGSTOP)
        wires = await clients.several(program, 5)
        for pid in pids(program):
            os.kill(pid, signal.SIGKILL)

        assert [b"200 ok"] * 5 == await answers(wires)


async def test_a_token_is_minted_once_for_all_workers(world: World, clients: Clients) -> None:
    world.google.metadata.delay_s = 0.5
    async with Program(
        world.url,
        *("--ca-file", world.ca_file, "-l", "127.0.0.1:0", "--workers", "2"),
        *("--credentials", "metadata"),
        environ=world.environment,
    ) as program:
        wires = await clients.several(program, 40, get("/status/200"))
        found = {answer[:3] for answer in await answers(wires)}
        tells = re.findall(r"token for .* as ", program.stderr)

    assert {b"200"} == found
    assert 1 == world.google.mints_of(world.url) == len(tells)


async def test_at_sigterm_requests_under_way_end_and_no_process_is_left(clients: Clients) -> None:
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        while await call.read_head():
            await go_on.wait()
            await call.say(OK)

    async with raw_service(slow) as service, workers(service.url) as program:
        wires = await clients.several(program, 8)
        await until(lambda: len(service.heads) == 8)
        program.signal(signal.SIGTERM)
        await program.hear("stopping: .* in flight; waiting")
        go_on.set()

        assert [b"200 ok"] * 8 == await answers(wires)
        assert 143 == await program.wait()
        assert [] == left_of(pids(program))
        assert "takes its place" not in program.stderr


async def test_workers_end_when_their_parent_is_killed() -> None:
    async with raw_service() as service, workers(service.url) as program:
        program.signal(signal.SIGKILL)
        await program.wait()

        assert [] == left_of(pids(program))


async def test_after_an_upgrade_on_disk_old_workers_go_on_and_no_new_one_begins(
    tmp_path: Path, clients: Clients
) -> None:
    shutil.copytree(Path(authproxy.__file__).parent, tmp_path / "authproxy")
    version = tmp_path / "authproxy" / "__init__.py"
    async with (
        raw_service() as service,
        Program(
            service.url, *PLAIN, "--workers", "2", under=("env", "-C", str(tmp_path))
        ) as program,
    ):
        await until(lambda: len(pids(program)) == 2)
        version.write_text(version.read_text().replace(authproxy.__version__, "987.6"))
        os.kill(pids(program)[0], signal.SIGKILL)
        told = f"upgraded on disk from {authproxy.__version__} to 987.6 while it ran. Restart it: "
        await program.hear(rf"error: worker \d: authproxy was {re.escape(told)}")

        assert [b"200 ok"] * 4 == await answers(await clients.several(program, 4))
        program.signal(signal.SIGTERM)
        assert 143 == await program.wait()
    assert "Traceback" not in program.stderr


async def test_a_port_that_is_taken_is_named_before_any_worker_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        code, _, told = await run_to_end(
            *("http://localhost:9", "--credentials", "none", "-l", at, "--workers", "2")
        )

    assert 1 == code
    assert f"cannot listen on {at}" in told
    assert "takes connections" not in told


async def test_a_reload_reaches_every_worker_or_none(tmp_path: Path, clients: Clients) -> None:
    file = tmp_path / "authproxy.toml"

    def write(more: str) -> None:
        file.write_text(
            f'listen = "127.0.0.1:0"\nworkers = 2\nreload = "on-change"\n{more}\n'
            f'[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
        )

    async with raw_service() as service:
        write("")
        async with Program("-c", file) as program:
            wires = await clients.several(program, 30)
            await answers(wires)
            write('deny = ["x"]')
            await program.hear("the configuration was not reloaded")
            alive = [await lives(wire) for wire in wires]
            write('deny = ["127.0.0.1"]')
            await program.hear("the configuration was reloaded")
            denied = [await lives(wire) for wire in wires]

    assert all(alive)
    assert not any(denied)


@pytest.mark.parametrize("goes_to", ["stderr", "file"])
async def test_lines_of_the_log_are_whole_however_long(
    tmp_path: Path, clients: Clients, goes_to: str
) -> None:
    log = tmp_path / "log"
    more = ("--log-file", log) if goes_to == "file" else ()
    async with (
        raw_service() as service,
        Program(service.url, *PLAIN, "--workers", "2", *more) as program,
    ):

        async def ask(name: str) -> None:
            for _ in range(40):
                reader, _ = await clients.connect(program, get(f"/{name * 6000}"))
                await read_answer(reader)

        def lines() -> list[str]:
            text = log.read_text() if more else program.stderr
            return [line for line in text.splitlines() if "/" in line and " 200" in line]

        await asyncio.gather(*map(ask, "abcdef"))
        await until(lambda: len(lines()) == 240)

    assert all(re.search(r"GET /(a+|b+|c+|d+|e+|f+)\S* 200", line) for line in lines())
