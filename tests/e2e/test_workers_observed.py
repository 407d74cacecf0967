"""The one admin listener of several workers: what it says is true of all of them together."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.support.crews import PLAIN, Clients, answers, lives, pids
from tests.support.metrics import lint, parse, samples
from tests.support.program import Program, left_of
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import GET, until

KEY = "the-key-of-this-test"
BEARER = {"Authorization": f"Bearer {KEY}"}
ADMIN = {"AUTHPROXY_ADMIN_KEY": "env:ADMIN_KEY", "ADMIN_KEY": KEY}
Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    async with Clients() as found:
        yield found


class Observed:
    """Two workers behind one admin listener at a Unix socket."""

    def __init__(self, program: Program, session: aiohttp.ClientSession) -> None:
        self.program = program
        self.session = session

    @property
    def workers(self) -> list[int]:
        """Process numbers of all there ever were."""
        return pids(self.program)

    async def scrape(self) -> Values:
        async with self.session.get("http://localhost/metrics") as answer:
            assert 200 == answer.status
            text = await answer.text()
        assert [] == lint(parse(text))
        return samples(text)

    async def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        return total(await self.scrape(), name, **labels)

    async def until(self, holds: Callable[[Values], bool]) -> Values:
        async with asyncio.timeout(20):
            while not holds(found := await self.scrape()):
                pass
        return found

    async def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        url = f"http://localhost{path}"
        async with self.session.request(method, url, headers=BEARER) as answer:
            return answer.status, await answer.text()


def total(values: Values, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(v for (found, has), v in values.items() if found == name and wanted <= set(has))


@asynccontextmanager
async def observed(
    folder: Path,
    url: str,
    *more: str | Path,
    plain: tuple[str, ...] = PLAIN,
    environ: dict[str, str] | None = None,
) -> AsyncIterator[Observed]:
    admin = folder / "admin.sock"
    async with (
        Program(
            url,
            *plain,
            *("--workers", "2", "--no-access-log", "--admin", f"unix:{admin}"),
            *more,
            environ=ADMIN | (environ or {}),
        ) as program,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(admin))) as session,
    ):
        await until(lambda: len(pids(program)) == 2)
        yield Observed(program, session)


async def until_there_were(seen: Observed, count: int) -> None:
    await until(lambda: len(seen.workers) == count)


async def ask_all(clients: Clients, seen: Observed, connections: int, times: int) -> None:
    wires = await clients.several(seen.program, connections)
    assert {b"200 ok"} == set(await answers(wires))
    for _ in range(times - 1):
        for _, writer in wires:
            writer.write(GET)
        assert {b"200 ok"} == set(await answers(wires))


async def test_what_clients_have_sent_is_what_is_counted_whichever_worker_took_it(
    tmp_path: Path, clients: Clients
) -> None:
    async with raw_service() as service, observed(tmp_path, service.url) as seen:
        await ask_all(clients, seen, 20, 5)
        found = await seen.scrape()

    name = "authproxy_request_duration_seconds"
    assert 100 == total(found, "authproxy_requests_total", status="2xx")
    assert 100 == total(found, f"{name}_count") == total(found, f"{name}_bucket", le="+Inf")
    assert 200 == total(found, "authproxy_sent_bytes_total")
    assert 20 == total(found, "authproxy_client_connections_accepted_total")
    assert 20 == total(found, "authproxy_client_connections", kind="http1")
    assert 100 == total(found, "authproxy_requests_started_total")
    assert 0 == total(found, "authproxy_requests_in_flight")
    opened = total(found, "authproxy_pool_connections_opened_total")
    assert 2 <= opened == total(found, "authproxy_pool_connections", state="idle")
    assert 1000 == total(found, "authproxy_pool_connections_limit")
    assert 2 == total(found, "authproxy_workers")
    assert 0 == total(found, "authproxy_workers_replaced_total")


async def test_what_a_worker_has_told_stays_when_it_is_killed(
    tmp_path: Path, clients: Clients
) -> None:
    async with raw_service() as service, observed(tmp_path, service.url) as seen:
        await ask_all(clients, seen, 10, 3)
        before = await seen.scrape()
        for count, victim in enumerate(seen.workers, start=1):
            os.kill(victim, signal.SIGKILL)
            await until_there_were(seen, 2 + count)
        after = await seen.until(lambda found: total(found, "authproxy_workers") == 2)
        await ask_all(clients, seen, 10, 2)
        last = await seen.scrape()

    counters = [key for key in before if key[0].endswith(("_total", "_bucket", "_count"))]
    assert (
        30 == total(before, "authproxy_requests_total") == total(after, "authproxy_requests_total")
    )
    assert [] == [key for key in counters if after[key] < before[key] or last[key] < after[key]]
    assert 0 == total(after, "authproxy_client_connections")
    assert 2 == total(after, "authproxy_workers_replaced_total")
    assert 50 == total(last, "authproxy_requests_total")
    assert 10 == total(last, "authproxy_client_connections")


async def test_one_that_hangs_is_counted_by_what_it_said_before(
    tmp_path: Path, clients: Clients
) -> None:
    async with raw_service() as service, observed(tmp_path, service.url) as seen:
        await ask_all(clients, seen, 10, 1)
        before = await seen.total("authproxy_requests_total")
        os.kill(seen.workers[0], signal.SIGSTOP)
        found = await seen.scrape()
        os.kill(seen.workers[0], signal.SIGCONT)

    assert 10 == before == total(found, "authproxy_requests_total")
    assert 10 == total(found, "authproxy_client_connections")


async def test_requests_under_way_are_seen_and_counted_to_the_end(
    tmp_path: Path, clients: Clients
) -> None:
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        while await call.read_head():
            await go_on.wait()
            await call.say(OK)

    async with raw_service(slow) as service, observed(tmp_path, service.url) as seen:
        wires = await clients.several(seen.program, 8)
        await until(lambda: len(service.heads) == 8)
        during = await seen.scrape()
        seen.program.signal(signal.SIGTERM)
        await seen.program.hear("stopping: .* in flight; waiting")
        draining = await seen.scrape()
        go_on.set()
        assert [b"200 ok"] * 8 == await answers(wires)
        assert 143 == await seen.program.wait()

    assert 8 == total(during, "authproxy_requests_in_flight")
    assert 8 == total(during, "authproxy_pool_connections", state="busy")
    assert 1 == total(draining, "authproxy_draining")
    assert 8 == total(draining, "authproxy_requests_in_flight")


async def test_probes_know_when_no_worker_takes_connections(tmp_path: Path) -> None:
    async with raw_service() as service, observed(tmp_path, service.url) as seen:
        ready = await seen.ask("/readiness")
        for pid in seen.workers:
            os.kill(pid, signal.SIGKILL)
        await seen.program.hear("worker 1: its process")
        await seen.program.hear("worker 2: its process")
        none, _ = await seen.ask("/readiness")
        status = json.loads((await seen.ask("/api/status"))[1])
        await until_there_were(seen, 4)
        again, _ = await seen.ask("/readiness")

    assert 200 == ready[0] == again
    assert 503 == none
    assert {"ready": 0, "replaced": 2} == status["workers"]


async def test_a_reload_by_the_admin_listener_reaches_all_workers(
    tmp_path: Path, clients: Clients
) -> None:
    file = tmp_path / "authproxy.toml"
    async with raw_service() as service:
        file.write_text("")
        async with observed(tmp_path, service.url, "-c", file) as seen:
            wires = await clients.several(seen.program, 20)
            await answers(wires)
            file.write_text('deny = ["127.0.0.1"]')
            status, said = await seen.ask("/-/reload", "POST")
            denied = [await lives(wire) for wire in wires]
            refused = await seen.total("authproxy_requests_total", error="address_not_allowed")
            reloads = await seen.total("authproxy_config_reloads_total", result="ok")

    assert 200 == status, said
    assert not any(denied)
    assert refused <= 20
    assert 1 == reloads


async def test_quitquitquit_ends_all_of_them(tmp_path: Path) -> None:
    environ = {"AUTHPROXY_ADMIN_QUIT": "true"}
    async with (
        raw_service() as service,
        observed(tmp_path, service.url, environ=environ) as seen,
    ):
        status, _ = await seen.ask("/quitquitquit", "POST")

        assert 200 == status
        assert 0 == await seen.program.wait()
        assert [] == left_of(seen.workers)


async def test_status_tells_of_all_workers_together(tmp_path: Path, clients: Clients) -> None:
    async with raw_service() as service, observed(tmp_path, service.url) as seen:
        await ask_all(clients, seen, 12, 1)
        asked = await seen.ask("/api/status")
        found = json.loads(asked[1])
        place = f"unix:{tmp_path / 'admin.sock'}"
        environ = {"AUTHPROXY_ADMIN": place, **ADMIN}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "authproxy", "status"),
            env=seen.program.environ | environ,
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await process.communicate()

    assert 12 == found["connections"]["http1"] == found["connections"]["begun"]
    assert {"ready": 2, "replaced": 0} == found["workers"]
    assert 0 == process.returncode
    assert b"clients: 12 by HTTP/1, " in told
    assert b"workers: 2 take connections\n" in told
