"""One build under the load: its proxy, the service behind it and the load, and what was seen."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import (
    BenchmarkError,
    Running,
    cpu_seconds,
    free_port,
    memory,
    running,
    wait_until_listens,
)
from benchmarks.service import throwaway_token, write_certificates
from benchmarks.soak.deaths import Deaths
from benchmarks.soak.recording import BODIES, Recording
from benchmarks.soak.rotation import Rotation

QUIET_S = 60
"""How long after the load the process is looked at again."""
START_S = 30
COURSE_S = 20
SERVICE = """
[services.{name}]
url = "https://localhost:{port}"
ca_file = "{ca_file}"
hosts = ["{name}.localhost"]
credentials = "token-env:SOAK_TOKEN"
"""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What became of one build."""

    build: str
    start_mib: float = 0.0
    peak_mib: float = 0.0
    end_mib: float = 0.0
    """A minute after the load."""
    files_start: int = 0
    files_peak: int = 0
    files_end: int = 0
    cpu_s: float = 0.0
    answers: dict[str, int] = field(default_factory=dict)
    reloads: int = 0
    kept_mib: float = 0.0
    """By the inspector, at most; 0 where it does not record."""
    kept_limit_mib: float = 0.0
    deaths: int = 0
    """Of workers."""
    lost: int = 0
    """Sessions whose connection was at a worker that died."""
    wrong: int = 0
    told: list[str] = field(default_factory=list)
    """The first few that were wrong."""
    course: list[tuple[float, float, int]] = field(default_factory=list)
    """Now and then: seconds, MiB, files."""

    @property
    def answered(self) -> int:
        return sum(self.answers.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """The proxies share one, all else another."""

    proxies: int
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to a proxy."""

    seconds: float
    scale: float = 1
    """Of the numbers of clients."""
    reload_every_s: float = 10
    """How often its configuration is another one; 0: never, for builds that cannot reload."""
    workers: int = 1
    kill_every_s: float = 0
    """How often one of its workers is killed; 0: never."""
    records: bool = False
    """Its inspector keeps all that passes, bodies too."""


async def soak(build: Path, folder: Path, cores: Cores, plan: Plan) -> Seen:
    """Raises BenchmarkError when something does not start, or ends too early."""
    seen = Seen(build=str(build))
    recording = Recording() if plan.records else None
    async with started(build, folder, cores, recording, plan.workers) as (proxy, port):
        pid = proxy.process.pid
        await asyncio.sleep(1)
        seen.start_mib, seen.files_start = memory(pid).resident_mib, files(pid)
        before = cpu_seconds(pid)
        async with asyncio.TaskGroup() as group:
            watched = group.create_task(_watch(recording, seen), name="recording")
            await _load(proxy, port, seen, cores=cores, folder=folder, plan=plan)
            watched.cancel()
        seen.cpu_s = cpu_seconds(pid) - before
        await asyncio.sleep(QUIET_S)
        seen.end_mib, seen.files_end = memory(pid).resident_mib, files(pid)
        seen.peak_mib = memory(pid).peak_mib
        await _look(proxy, seen)
    return seen


async def _load(
    proxy: Running, port: int, seen: Seen, *, cores: Cores, folder: Path, plan: Plan
) -> None:
    how = [str(plan.seconds), str(plan.scale), *(["lossy"] if plan.kill_every_s else [])]
    command = [sys.executable, "-m", "benchmarks.soak.load", str(port), *how]
    log, rotation = folder / "load.log", Rotation(folder / "authproxy.toml", folder / "ca.pem")
    deaths = Deaths(plan.workers)
    with running(command, core=cores.others, log=log) as load:
        async with asyncio.TaskGroup() as group:
            going_on = []
            if plan.reload_every_s:
                change = rotation.go_on(proxy, plan.reload_every_s)
                going_on.append(group.create_task(change, name="rotation"))
            if plan.kill_every_s:
                kills = deaths.go_on(proxy, plan.kill_every_s)
                going_on.append(group.create_task(kills, name="deaths"))
            while load.process.poll() is None:
                await _look(proxy, seen)
            for each in going_on:
                each.cancel()
        if load.process.returncode:
            raise load.complaint(f"ended with exit code {load.process.returncode}")
    seen.reloads, seen.deaths = rotation.done, deaths.done
    _take_over(seen, log)


async def _watch(recording: Recording | None, seen: Seen) -> None:
    """Until it is cancelled."""
    while recording is not None:
        await recording.look()
        seen.kept_mib, seen.kept_limit_mib = recording.most / 2**20, recording.limit / 2**20
        await asyncio.sleep(1)


async def _look(proxy: Running, seen: Seen) -> None:
    """Once a second."""
    if proxy.process.poll() is not None:
        raise proxy.complaint("ended under the load")
    pid = proxy.process.pid
    open_files = files(pid)
    seen.files_peak = max(seen.files_peak, open_files)
    now = time.monotonic()
    if not seen.course or now - seen.course[-1][0] >= COURSE_S:
        resident = memory(pid).resident_mib
        seen.course.append((now, resident, open_files))
        print(f"{seen.build}: {resident:.0f} MiB, {open_files:,} files", file=sys.stderr)
    await asyncio.sleep(1)


def _take_over(seen: Seen, log: Path) -> None:
    """What the load counted is its last line."""
    counted = json.loads(log.read_text().splitlines()[-1])
    seen.answers, seen.wrong, seen.told = counted["answers"], counted["wrong"], counted["told"]
    seen.lost = counted["lost"]


def files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


@asynccontextmanager
async def started(
    build: Path,
    folder: Path,
    cores: Cores,
    recording: Recording | None = None,
    workers: int = 1,
) -> AsyncIterator[tuple[Running, int]]:
    """A proxy, its port, and the service behind it."""
    write_certificates(folder / "ca.pem", folder / "service.pem")
    token, port = throwaway_token(443), free_port()
    service = [sys.executable, "-m", "benchmarks.soak.service", str(folder), token]
    with running(service, core=cores.others, log=folder / "service.log") as behind:
        ports = await _ports(behind, folder / "ports.json")
        config = folder / "authproxy.toml"
        config.write_text(
            f'listen = ["127.0.0.1:{port}"]\n'
            + (f"workers = {workers}\n" if workers > 1 else "")
            + (recording.top if recording is not None else "")
            + "".join(
                SERVICE.format(name=name, port=its, ca_file=folder / "ca.pem")
                + (BODIES if recording is not None else "")
                for name, its in ports.items()
            )
            + (recording.table if recording is not None else "")
            + "[log]\naccess = false\n"
        )
        command = [str(build), "run", "--config", str(config)]
        log, env = folder / "proxy.log", {"SOAK_TOKEN": token}
        env |= recording.environment if recording is not None else {}
        with running(command, core=cores.proxies, log=log, env=env) as proxy:
            wait_until_listens(proxy, port)
            yield proxy, port


async def _ports(service: Running, file: Path) -> dict[str, int]:
    for _ in range(START_S * 10):
        if ports := _read(file):
            return ports
        if service.process.poll() is not None:
            raise service.complaint("the service ended")
        await asyncio.sleep(0.1)
    raise service.complaint("the service did not start")


def _read(file: Path) -> dict[str, int]:
    with suppress(FileNotFoundError):
        ports: dict[str, int] = json.loads(file.read_text())
        return ports
    return {}


def needed_cores(available: list[int]) -> Cores:
    if len(available) < 2:
        raise BenchmarkError("two cores are needed: one for the proxies, one for load and service")
    return Cores(proxies=available[0], others=available[1])
