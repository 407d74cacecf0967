"""One sitting: peers in turn, round by round, on one core; load and service on another."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Protocol, TypeVar

from benchmarks import results as table
from benchmarks.measure import (
    DOWNLOADS,
    ONE_BY_ONE,
    SMALL_GETS,
    UPLOADS,
    Bench,
    Counted,
    Load,
    RoundError,
)
from benchmarks.peers import TOKEN_VARIABLE, Job, Peer
from benchmarks.processes import (
    BenchmarkError,
    free_port,
    memory,
    move,
    running,
    wait_until_answers,
)
from benchmarks.results import Measure, Results
from benchmarks.service import SMALL, Service, serving


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often all peers take their turn, and for how long each."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    name: str
    small: Rounds
    bulk: Rounds
    latency: Rounds
    starts: int


QUICK = Plan(name="quick", small=Rounds(6, 1), bulk=Rounds(2, 1), latency=Rounds(2, 1), starts=2)
FULL = Plan(name="full", small=Rounds(24, 1), bulk=Rounds(12, 1), latency=Rounds(8, 1), starts=5)


class Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A peer that runs and has answered."""

    name: str
    port: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all peers are given."""

    service: Service
    bench: Bench
    core: int
    folder: Path

    @contextmanager
    def start(self, peer: Peer) -> Iterator[tuple[Started, float]]:
        """Run `peer`; also the seconds until its first answer came."""
        port = free_port()
        folder = Path(tempfile.mkdtemp(prefix=f"{peer.name}-", dir=self.folder))
        command = peer.command(Job(port=port, service=self.service, folder=folder))
        env = {TOKEN_VARIABLE: self.service.token, "GOMAXPROCS": "1"}
        before = time.perf_counter()
        with running(command, core=self.core, log=folder / "log", env=env) as program:
            wait_until_answers(program, port, SMALL)
            took = time.perf_counter() - before
            yield Started(name=peer.name, port=port, pid=program.process.pid), took


def run(peers: Sequence[Peer], plan: Plan) -> Results:
    """Measure everything. Raises BenchmarkError when a program is missing or does not start."""
    results = Results()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, ExitStack() as stack:
        stage = stack.enter_context(_stage(Path(name)))
        _starts(stage, peers, plan.starts, results)
        started = [stack.enter_context(stage.start(peer))[0] for peer in peers]
        for each in started:
            with suppress(RoundError):  # a warm-up; the rounds that count will say so again
                stage.bench.drive(SMALL_GETS, 1, each.port)
        _cpu(table.SMALL, SMALL_GETS, plan.small, stage.bench, started, results)
        _cpu(table.DOWN, DOWNLOADS, plan.bulk, stage.bench, started, results)
        _cpu(table.UP, UPLOADS, plan.bulk, stage.bench, started, results)
        # At one connection only one program works at a time, so they can share a core; waking a
        # sleeping core costs a virtual machine more than any proxy does, and would hide them.
        move(stage.service.pid, stage.core)
        _latency(plan.latency, replace(stage.bench, core=stage.core), started, results)
        for each in started:
            results.add(table.PEAK, each.name, memory(each.pid).peak_mib)
    return results


@contextmanager
def _stage(folder: Path) -> Iterator[Stage]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("two cores are needed: one for the proxy, one for load and service")
    (folder / "service").mkdir()
    with serving(folder / "service", cores[1]) as service:
        bench = Bench(core=cores[1], origin=service.origin, token=service.token)
        yield Stage(service=service, bench=bench, core=cores[0], folder=folder)


def _starts(stage: Stage, peers: Sequence[Peer], rounds: int, results: Results) -> None:
    for number in range(rounds):
        for peer in _rotated(peers, number):
            with stage.start(peer) as (started, seconds):
                results.add(table.START, peer.name, seconds * 1e3)
                results.add(table.IDLE, peer.name, memory(started.pid).resident_mib)
            _say(table.START, peer, f"{seconds * 1e3:.0f} ms")


def _cpu(
    measure: Measure,
    load: Load,
    rounds: Rounds,
    bench: Bench,
    started: Sequence[Started],
    results: Results,
) -> None:
    for number in range(rounds.count):
        for each in _rotated(started, number):
            try:
                cost = bench.cpu(load, rounds.seconds, each.port, each.pid)
            except RoundError as failure:
                results.fail(measure, each.name, str(failure))
                _say(measure, each, f"FAILED: {failure}")
            else:
                results.add(measure, each.name, cost)
                _say(measure, each, f"{cost:.1f} µs")


def _latency(rounds: Rounds, bench: Bench, started: Sequence[Started], results: Results) -> None:
    """What a proxy adds: its percentiles, less the medians of what the service itself takes."""
    direct: list[Counted] = []
    proxied: list[tuple[Started, Counted]] = []
    for number in range(rounds.count):
        direct.append(bench.drive(ONE_BY_ONE, rounds.seconds, None))
        for each in _rotated(started, number):
            try:
                counted = bench.drive(ONE_BY_ONE, rounds.seconds, each.port)
            except RoundError as failure:
                results.fail(table.P50, each.name, str(failure))
                results.fail(table.P99, each.name, str(failure))
                _say(table.P50, each, f"FAILED: {failure}")
            else:
                proxied.append((each, counted))
                _say(table.P50, each, f"{counted.p50_us} µs, directly {direct[-1].p50_us} µs")
    p50, p99 = (median(one.p50_us for one in direct), median(one.p99_us for one in direct))
    for each, counted in proxied:
        results.add(table.P50, each.name, counted.p50_us - p50)
        results.add(table.P99, each.name, counted.p99_us - p99)


def _rotated(items: Sequence[T], by: int) -> list[T]:
    """Another one first in each round, so that none is always behind the same other."""
    start = by % len(items)
    return [*items[start:], *items[:start]]


def _say(measure: Measure, who: Named, what: str) -> None:
    print(f"{measure.title}: {who.name}: {what}", file=sys.stderr, flush=True)
