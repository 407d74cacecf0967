"""Cases take turns, so that what the machine does meanwhile hits all of them alike."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.measure import Load, RoundError
from benchmarks.peers import Peer
from benchmarks.processes import BenchmarkError, cpu_seconds
from benchmarks.results import Measure, Results
from benchmarks.service import Role
from benchmarks.stage import Stage, Started

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one peer does in each round."""

    peer: str
    measures: tuple[Measure, ...]
    once: Callable[[], Sequence[float]]
    """A number for each measure. Raises RoundError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Has the stage, lets cases take turns on it, and writes down what they find."""

    stage: Stage
    results: Results

    def take(self, cases: Sequence[Case], rounds: int) -> None:
        """A case that fails has no further turn: it has no number any more."""
        for number in range(rounds):
            for case in rotated(cases, number):
                if any(self.results.failure(one, case.peer) for one in case.measures):
                    continue
                try:
                    numbers = case.once()
                except (RoundError, BenchmarkError) as problem:
                    self.fail(case.measures, case.peer, problem)
                else:
                    for measure, value in zip(case.measures, numbers, strict=True):
                        self.results.add(measure, case.peer, value)
                        shown = f"{value:.{measure.digits}f} {measure.unit}"
                        _say(measure, case.peer, shown)

    def fail(self, measures: Sequence[Measure], peer: str, problem: Exception) -> None:
        why = " ".join(str(problem).split())[:400]
        for measure in measures:
            self.results.fail(measure, peer, why)
            _say(measure, peer, f"FAILED: {why}")

    @contextmanager
    def started(
        self, peers: Sequence[Peer], role: Role, measures: Sequence[Measure]
    ) -> Iterator[list[Started]]:
        """All that start; those that do not fail these measures."""
        with ExitStack() as stack:
            running = []
            for peer in peers:
                try:
                    running.append(stack.enter_context(self.stage.start(peer, role)))
                except BenchmarkError as problem:
                    self.fail(measures, peer.name, problem)
            yield running

    def warm_up(self, cases: Iterable[Case]) -> None:
        for case in cases:
            with suppress(RoundError):  # the rounds that count will say so again
                case.once()

    def cost(self, started: Started, measure: Measure, load: Load) -> Case:
        """CPU microseconds for each answer to wrk."""

        def answered() -> int:
            return self.stage.bench.drive(load, started.port).requests

        return self.cost_of(answered, started, measure)

    def cost_of(self, answered: Callable[[], int], started: Started, measure: Measure) -> Case:
        """CPU microseconds of the proxy for each of what was answered."""

        def once() -> Sequence[float]:
            before = cpu_seconds(started.pid)
            count = answered()
            return [(cpu_seconds(started.pid) - before) * 1e6 / count]

        return Case(peer=started.name, measures=(measure,), once=once)


def rotated(cases: Sequence[T], by: int) -> list[T]:
    """Another one first in each round, so that none is always behind the same other."""
    start = by % len(cases) if cases else 0
    return [*cases[start:], *cases[:start]]


def _say(measure: Measure, peer: str, what: str) -> None:
    print(f"{measure.title}: {peer}: {what}", file=sys.stderr, flush=True)
