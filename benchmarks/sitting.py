"""One sitting: peers in turn, round by round, on one core; load and service on another."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import sections
from benchmarks.peers import Peer
from benchmarks.results import START, Results
from benchmarks.stage import staged
from benchmarks.turns import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many rounds of a second there are, of each kind."""

    name: str
    laps: int
    """How often the proxies for small requests and bulk are started anew; each lap has rounds."""
    small: int
    bulk: int
    http2: int
    """And of opening connections to the service."""
    curve: int
    """For each number of connections or services."""
    latency: int
    starts: int
    tunnels: int
    """How many are opened through each proxy, once."""


QUICK = Plan(
    name="quick", laps=1, small=2, bulk=1, http2=1, curve=1, latency=1, starts=1, tunnels=500
)
FULL = Plan(
    name="full", laps=2, small=7, bulk=4, http2=6, curve=3, latency=5, starts=5, tunnels=5000
)


def run(peers: Sequence[Peer], plan: Plan) -> Results:
    """Measure everything. Raises BenchmarkError when a program is missing that all need."""
    results = Results()
    with staged() as stage:
        turns = Turns(stage=stage, results=results)
        sections.starts(turns, peers, plan.starts)
        able = [peer for peer in peers if results.failure(START, peer.name) is None]
        for _ in range(plan.laps):
            sections.throughput(turns, able, plan.small, plan.bulk)
        sections.http2_calls(turns, able, plan.http2)
        sections.opening(turns, able, plan.http2)
        sections.by_connections(turns, able, plan.curve)
        sections.memory_of_ours(turns, able, plan.starts)
        sections.by_services(turns, able, plan.curve)
        sections.tunnels(turns, able, plan.tunnels)
        sections.latency(turns, able, plan.latency)
    return results
