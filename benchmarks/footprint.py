"""Memory of builds of authproxy beside each other: python -m benchmarks.footprint BUILD BUILD…

A BUILD is as for benchmarks.compare. Resident memory of the whole tree of processes, when idle with
a finished token, after it carried a load, and after real tokens were minted, by a key file and by a
metadata server (the pretend Google's), with the most that a mint takes; and how long the first
answer takes. All take turns, and are started anew for each lap, with their bytecode there, as after
an installation. The first build is 1.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import aiohttp

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from authproxy.tasks import Tasks
from benchmarks.compare import Checkout, checked_out
from benchmarks.processes import BenchmarkError, memory

BOT = "runner@demo-project.iam.gserviceaccount.com"
SETTLE_S = 11.0
"""Until what was only needed for a moment is gone: two looks at free memory, and more."""
LOOK_EVERY_S = 0.01
REQUESTS, AT_ONCE = 5000, 64
READY = re.compile(r"authproxy: (http://\S+) -> ")

KINDS = ("token", "load", "key file", "metadata server")
TITLES = {
    "token": "idle, with a finished token",
    "load": f"idle again, after {REQUESTS} requests over {AT_ONCE} connections",
    "key file": "idle, after a mint by a key file",
    "metadata server": "idle, after a mint by the metadata server",
}


class Build(Protocol):
    """What is measured."""

    @property
    def name(self) -> str: ...

    def command(self, *arguments: str) -> list[str]:
        """What runs it with these arguments."""


@dataclass(frozen=True, slots=True)
class Program:
    """A build that is installed."""

    name: str
    program: Sequence[str]

    def command(self, *arguments: str) -> list[str]:
        return [*self.program, *arguments]


@dataclass(frozen=True, slots=True)
class Found:
    """Of one start; MiB and seconds."""

    resident: float
    most: float
    """Of the whole tree at one moment, until it was idle."""
    first_answer_s: float
    """From its start, as far as a client sees it."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.footprint", description=__doc__)
    parser.add_argument("builds", nargs="+", metavar="BUILD", help="a folder or a commit")
    parser.add_argument(
        "--kind", choices=KINDS, nargs="+", default=KINDS, help="one state, or some"
    )
    parser.add_argument("--laps", type=int, default=3, help="how often all are started")
    options = parser.parse_args(arguments)
    try:
        with ExitStack() as stack:
            builds = [stack.enter_context(checked_out(name)) for name in options.builds]
            for build in builds:
                _compile(build)
            asyncio.run(_measure(builds, options.kind, options.laps))
    except BenchmarkError as error:
        print(f"footprint: {error}", file=sys.stderr)
        return 1
    return 0


def _compile(build: Checkout) -> None:
    """Its bytecode: to make that anew at each start takes longer than all that is measured."""
    command = [str(build.python), "-m", "compileall", "-q", str(build.tree / "authproxy")]
    if subprocess.run(command).returncode:
        raise BenchmarkError(f"{build.name} cannot be compiled")


def measured(build: Build, kind: str) -> Found:
    """Of one start, in a world of its own. Raises BenchmarkError."""

    async def once() -> Found:
        async with _world() as world:
            return await _start(world, build, kind)

    return asyncio.run(once())


@asynccontextmanager
async def _world() -> AsyncIterator[World]:
    async with World() as world:
        world.cloud_run.gate.invokers.update([BOT, METADATA_EMAIL])
        yield world


async def _measure(builds: Sequence[Build], kinds: Sequence[str], laps: int) -> None:
    async with _world() as world:
        for kind in kinds:
            rows = [[await _start(world, build, kind) for build in builds] for _ in range(laps)]
            print("\n".join(report(TITLES[kind], [each.name for each in builds], rows)), flush=True)


async def _start(world: World, build: Build, kind: str) -> Found:
    """Twice: to look at memory all the time takes the CPU that the start is measured by."""
    credentials = {
        "key file": f"file:{world.service_account_file(BOT)}",
        "metadata server": "metadata",
    }.get(kind, "token-env:BENCH_TOKEN")
    began = time.perf_counter()
    async with _running(world, build, credentials) as (_, url), aiohttp.ClientSession() as client:
        await _ask(client, url)
        first_answer_s = time.perf_counter() - began
    async with _running(world, build, credentials) as (pid, url), aiohttp.ClientSession() as client:
        tasks, looked = Tasks(), [0.0]
        tasks.spawn(_watch(pid, looked), name="look at memory")
        await _ask(client, url)
        if kind == "load":
            await asyncio.gather(*(_load(client, url) for _ in range(AT_ONCE)))
        await asyncio.sleep(SETTLE_S)
        await tasks.cancel()
        return Found(memory(pid).resident_mib, max(looked), first_answer_s)


async def _ask(client: aiohttp.ClientSession, url: str) -> None:
    async with client.get(f"{url}/whoami") as answer:
        await answer.read()
        if answer.status != 200:
            raise BenchmarkError(f"an answer with status {answer.status}")


async def _load(client: aiohttp.ClientSession, url: str) -> None:
    for _ in range(REQUESTS // AT_ONCE):
        await _ask(client, url)


async def _watch(pid: int, looked: list[float]) -> None:
    """Until cancelled."""
    while True:
        try:
            looked.append(memory(pid).resident_mib)
        except OSError:  # one of them ended meanwhile
            continue
        finally:
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def _running(world: World, build: Build, credentials: str) -> AsyncIterator[tuple[int, str]]:
    arguments = (
        *("run", world.url, "--ca-file", str(world.ca_file), "--credentials", credentials),
        *("--listen", "127.0.0.1:0", "--no-access-log"),
    )
    given = {name: value for name, value in world.environment.items() if value}
    process = await asyncio.create_subprocess_exec(
        *build.command(*arguments),
        env={**os.environ, **given, "BENCH_TOKEN": world.mint(email=BOT, life_s=3600)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    tasks = Tasks()
    try:
        async with asyncio.timeout(30):
            ready = None
            while ready is None:
                line = await process.stderr.readline()
                if not line:
                    raise BenchmarkError(f"{build.name} ended before it was ready")
                ready = READY.match(line.decode(errors="replace"))
        tasks.spawn(_read_on(process.stderr), name="its log")
        yield process.pid, ready[1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await tasks.cancel()


async def _read_on(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass


def report(title: str, names: Sequence[str], rows: Sequence[Sequence[Found]]) -> list[str]:
    """A line for each build: medians, the ratio to the first one in the same lap, the spread."""
    lines = [f"{title}: {len(rows)} laps"]
    for index, name in enumerate(names):
        mine = [row[index] for row in rows]
        lines.append(
            f"  {_ratios([row[index].resident / row[0].resident for row in rows])}"
            f"  {median(each.resident for each in mine):5.1f} MiB,"
            f" at most {median(each.most for each in mine):5.1f},"
            f" first answer after {median(each.first_answer_s for each in mine):.2f} s,"
            f" {_ratios([row[index].first_answer_s / row[0].first_answer_s for row in rows])}"
            f"  {name}"
        )
    return lines


def _ratios(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"


if __name__ == "__main__":
    sys.exit(main())
