"""What is measured, section by section: each starts the proxies it needs and gives them turns."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median

from benchmarks import footprint, http2
from benchmarks import results as table
from benchmarks.crowd import steady_us
from benchmarks.measure import (
    DOWNLOADS,
    ONE_BY_ONE,
    SMALL_GETS,
    STEADY,
    TEN_CLIENTS,
    UPLOADS,
    VARIED_GETS,
    Counted,
    Load,
)
from benchmarks.measure import by_connections as connected
from benchmarks.peers import BEFORE, GO, NGINX, OURS, PURE, Peer
from benchmarks.processes import BenchmarkError, cpu_seconds, memory, move
from benchmarks.results import Measure
from benchmarks.service import Role
from benchmarks.stage import Stage, Started
from benchmarks.tunnels import kib_per_pair, tunnel_serving
from benchmarks.turns import Case, Turns, rotated

CURVES = (OURS, PURE, BEFORE, GO, NGINX)
FEW, CROWD = 32, 1000
"""What growth is between."""
MOST_SERVICES = max(table.SERVICES)


def starts(turns: Turns, peers: Sequence[Peer], rounds: int) -> None:
    def case(peer: Peer) -> Case:
        def once() -> Sequence[float]:
            with turns.stage.start(peer) as started:
                return [started.seconds * 1e3, memory(started.pid).resident_mib]

        return Case(peer=peer.name, measures=(table.START, table.IDLE), once=once)

    turns.take([case(peer) for peer in peers], rounds)


def throughput(turns: Turns, peers: Sequence[Peer], small: int, bulk: int) -> None:
    carriers = {peer.name for peer in peers if peer.bulk}
    with turns.started(peers, Role.HTTP1, (table.SMALL, table.PEAK)) as started:
        turns.warm_up(turns.cost(each, table.SMALL, SMALL_GETS) for each in started)
        turns.take([turns.cost(each, table.SMALL, SMALL_GETS) for each in started], small)
        varied = [each for each in started if each.name in CURVES]
        turns.take([turns.cost(each, table.VARIED, VARIED_GETS) for each in varied], bulk)
        carrying = [each for each in started if each.name in carriers]
        for measure, load in ((table.DOWN, DOWNLOADS), (table.UP, UPLOADS)):
            turns.take([turns.cost(each, measure, load) for each in carrying], bulk)
        for each in carrying:
            turns.results.add(table.PEAK, each.name, memory(each.pid).peak_mib)


def http2_calls(turns: Turns, peers: Sequence[Peer], rounds: int) -> None:
    core = turns.stage.bench.core

    def case(started: Started) -> Case:
        def answered() -> int:
            return http2.drive(core, started.port)

        return turns.cost_of(answered, started, table.HTTP2)

    able = [peer for peer in peers if Role.HTTP2 in peer.roles]
    with turns.started(able, Role.HTTP2, (table.HTTP2,)) as started:
        cases = [case(each) for each in started]
        turns.warm_up(cases)
        turns.take(cases, rounds)


def opening(turns: Turns, peers: Sequence[Peer], rounds: int) -> None:
    """The service closes each connection after one answer."""
    able = [peer for peer in peers if Role.OPENING in peer.roles]
    with turns.started(able, Role.OPENING, (table.OPENING,)) as started:
        cases = [turns.cost(each, table.OPENING, TEN_CLIENTS) for each in started]
        turns.warm_up(cases)
        turns.take(cases, rounds)


def by_connections(turns: Turns, peers: Sequence[Peer], rounds: int) -> None:
    """Of processes that never had more connections than these: who has held a thousand is not again
    as it was, Go least of all."""
    able = [peer for peer in peers if peer.name in CURVES]
    for number in range(rounds):
        with turns.started(able, Role.HTTP1, tuple(table.CONNECTIONS.values())) as started:
            for count, measure in table.CONNECTIONS.items():
                cases = [_connected(turns, each, measure, count) for each in started]
                if count < CROWD:
                    turns.warm_up(cases)
                turns.take(rotated(cases, number), 1)
    for peer in able:
        turns.results.beside(table.GROWTH, peer.name, *_GROWTH)


_GROWTH = (table.CONNECTIONS[CROWD], table.CONNECTIONS[FEW])


def _connected(turns: Turns, started: Started, measure: Measure, count: int) -> Case:
    load = connected(count)

    def once() -> Sequence[float]:
        return [steady_us(turns.stage, started.pid, started.port, load)]

    if count < CROWD:
        return turns.cost(started, measure, load)
    return Case(peer=started.name, measures=(measure,), once=once)


def memory_of_ours(turns: Turns, peers: Sequence[Peer], laps: int) -> None:
    """After what leaves something behind: a load, and real mints."""

    def case(peer: Peer, kind: str, *measures: Measure) -> Case:
        def once() -> Sequence[float]:
            assert peer.program is not None
            found = footprint.measured(footprint.Program(peer.name, peer.program()), kind)
            return [found.resident, found.most][: len(measures)]

        return Case(peer=peer.name, measures=measures, once=once)

    able = [peer for peer in peers if peer.program is not None]
    turns.take([case(peer, "load", table.AFTER_LOAD) for peer in able], laps)
    turns.take([case(peer, "key file", table.BY_KEY, table.BY_KEY_PEAK) for peer in able], laps)
    turns.take([case(peer, "metadata server", table.BY_METADATA) for peer in able], laps)


def by_services(turns: Turns, peers: Sequence[Peer], rounds: int) -> None:
    """Only ours: one of many services is asked, the last; and of the most, each in turn."""
    cases = []
    with ExitStack() as stack:
        for peer in [peer for peer in peers if peer.name == OURS]:
            for count, measure in table.SERVICES.items():
                try:
                    each = stack.enter_context(turns.stage.start(peer, names=count))
                except BenchmarkError as problem:
                    turns.fail([measure], peer.name, problem)
                    continue
                one = replace(SMALL_GETS, host=f"s{count - 1}.localhost")
                cases.append(turns.cost(each, measure, one))
                if count == MOST_SERVICES:
                    every = replace(SMALL_GETS, names=count)
                    cases.append(turns.cost(each, table.ALL_IN_USE, every))
        turns.warm_up([*cases, *cases])
        turns.take(cases, rounds)


def tunnels(turns: Turns, peers: Sequence[Peer], count: int) -> None:
    stage = turns.stage
    able = [peer for peer in peers if Role.TUNNEL in peer.roles]

    def case(stage: Stage, peer: Peer) -> Case:
        def once() -> Sequence[float]:
            with stage.start(peer, Role.TUNNEL) as started:
                return [kib_per_pair(started.port, started.pid, count)]

        return Case(peer=peer.name, measures=(table.PAIR,), once=once)

    try:
        with tunnel_serving(stage.service, stage.bench.core) as service:
            there = replace(stage, service=service)
            turns.take([case(there, peer) for peer in able], 1)
    except BenchmarkError as problem:
        for peer in able:
            turns.fail([table.PAIR], peer.name, problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How requests come in when latency is what matters."""

    load: Load
    p50: Measure
    p99: Measure
    cost: Measure | None = None

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (self.p50, self.p99) if self.cost is None else (self.p50, self.p99, self.cost)


PACES = (
    Pace(load=ONE_BY_ONE, p50=table.P50, p99=table.P99),
    Pace(load=STEADY, p50=table.STEADY_P50, p99=table.STEADY_P99, cost=table.STEADY),
)


def latency(turns: Turns, peers: Sequence[Peer], rounds: int) -> None:
    """The last section: it moves the service to the core of the proxies.

    Nothing is saturated here, so that programs can share a core; waking a sleeping core costs a
    virtual machine more than any proxy does, and would hide them.
    """
    stage = turns.stage
    move(stage.service.pid, stage.core)
    there = replace(turns, stage=replace(stage, bench=replace(stage.bench, core=stage.core)))
    measures = tuple(measure for pace in PACES for measure in pace.measures)
    with there.started(peers, Role.HTTP1, measures) as started:
        there.warm_up(there.cost(each, table.SMALL, SMALL_GETS) for each in started)
        for pace in PACES:
            _added(there, started, pace, rounds)


def _added(turns: Turns, started: Sequence[Started], pace: Pace, rounds: int) -> None:
    """A proxy's percentiles, less the medians of what the service itself takes."""
    bench = turns.stage.bench
    direct: list[Counted] = []

    def directly() -> Sequence[float]:
        direct.append(bench.drive(pace.load, None))
        return ()

    def case(started: Started) -> Case:
        def once() -> Sequence[float]:
            before = cpu_seconds(started.pid)
            counted = bench.drive(pace.load, started.port)
            cost = (cpu_seconds(started.pid) - before) * 1e6 / counted.requests
            return (counted.p50_us, counted.p99_us, cost)[: len(pace.measures)]

        return Case(peer=started.name, measures=pace.measures, once=once)

    bare = Case(peer="directly", measures=(), once=directly)
    turns.take([bare, *(case(each) for each in started)], rounds)
    if not direct:
        raise BenchmarkError("the service itself did not answer wrk")
    turns.results.less(pace.p50, median(counted.p50_us for counted in direct))
    turns.results.less(pace.p99, median(counted.p99_us for counted in direct))
