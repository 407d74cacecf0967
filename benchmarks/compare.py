"""Compare builds of authproxy with each other: python -m benchmarks.compare small BUILD BUILD…

A BUILD is a folder with a checkout, a commit of this one, or another proxy by its name in
`benchmarks.peers`, as go or nginx. Flags may follow a folder or a commit in the same argument, as
in ". --admin 127.0.0.1:0", for what costs something when it is on. All run on one core, the load
and the service on another; they take turns round by round, and are started anew for each lap,
because where a process happens to lie in memory is worth some percent. What is compared is CPU time
for each answer, of the same round: a busy machine disturbs that little. The first build is 1.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from benchmarks import http2
from benchmarks.crowd import steady_us
from benchmarks.interpreter import Interpreter
from benchmarks.measure import (
    DOWNLOADS,
    SMALL_GETS,
    TEN_CLIENTS,
    UPLOADS,
    VARIED_GETS,
    Load,
    RoundError,
    by_connections,
)
from benchmarks.peers import Peer, others
from benchmarks.peers.job import Job
from benchmarks.peers.python import authproxy
from benchmarks.processes import BenchmarkError, cpu_seconds
from benchmarks.service import Role
from benchmarks.stage import Stage, Started, staged
from benchmarks.turns import rotated

ROOT = Path(__file__).parents[1]

CROWD = 1000
PACE_EACH = 500
"""Calls a second by each connection. As fast as it goes, a build that waits for the load finds
fewer calls each time it wakes up, and that flatters the slower ones."""

Cost = Callable[[Stage, Started], float]
"""CPU microseconds of the proxy for each answer, while it is loaded for a while."""
Laps = Sequence[list[list[float]]]
"""Of each lap a row for each round, with a column for each build."""


def _by_answers(drive: Callable[[Stage, int], int]) -> Cost:
    """`drive` loads the proxy on that port, and says how many answers there were."""

    def cost(stage: Stage, started: Started) -> float:
        before = cpu_seconds(started.pid)
        answers = drive(stage, started.port)
        return (cpu_seconds(started.pid) - before) * 1e6 / answers

    return cost


def _by_wrk(load: Load) -> Cost:
    return _by_answers(lambda stage, port: stage.bench.drive(load, port).requests)


def _crowd(stage: Stage, started: Started) -> float:
    return steady_us(stage, started.pid, started.port, by_connections(CROWD))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is asked of the builds."""

    title: str
    cost: Cost
    role: Role = Role.HTTP1


KINDS = {
    "small": Kind(title="small request, 32 connections", cost=_by_wrk(SMALL_GETS)),
    "varied": Kind(
        title="small request, 32 connections, no head as the one before", cost=_by_wrk(VARIED_GETS)
    ),
    "crowd": Kind(title="small request, 1,000 connections, opening them excluded", cost=_crowd),
    "opening": Kind(
        title="opening a connection to the service, 10 clients",
        cost=_by_wrk(TEN_CLIENTS),
        role=Role.OPENING,
    ),
    "http2": Kind(
        title="HTTP/2 call, 4 connections of 8 streams",
        cost=_by_answers(lambda stage, port: http2.drive(stage.bench.core, port)),
        role=Role.HTTP2,
    ),
    "paced": Kind(
        title="HTTP/2 call at 2,000/s, by 4 connections",
        cost=_by_answers(lambda stage, port: http2.drive(stage.bench.core, port, PACE_EACH)),
        role=Role.HTTP2,
    ),
    "down": Kind(title="MiB down, 8 connections", cost=_by_wrk(DOWNLOADS)),
    "up": Kind(title="MiB up, 8 connections", cost=_by_wrk(UPLOADS)),
}
GROWTH = "growth"
"""`small` and `crowd` of the same processes, and the one beside the other."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    kinds: list[tuple[Kind, ...]]
    if options.kind == GROWTH:
        kinds = [(KINDS["small"], KINDS["crowd"])]
    else:
        kinds = [(kind,) for name, kind in KINDS.items() if options.kind in (name, "all")]
    try:
        with ExitStack() as stack:
            builds = [stack.enter_context(build(name)) for name in options.builds]
            stage = stack.enter_context(staged())
            for each in kinds:
                laps = [_lap(stage, each, builds, options.rounds) for _ in range(options.laps)]
                costs = [[lap[index] for lap in laps] for index in range(len(each))]
                for kind, of_kind in zip(each, costs, strict=True):
                    print("\n".join(report(kind, options.builds, of_kind)), flush=True)
                if len(each) > 1:
                    print("\n".join(growth(options.builds, *costs)), flush=True)
    except (BenchmarkError, RoundError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("kind", choices=[*KINDS, GROWTH, "all"])
    parser.add_argument("builds", nargs="+", metavar="BUILD", help="a folder, a commit or a proxy")
    parser.add_argument("--laps", type=int, default=3, help="how often all are started anew")
    parser.add_argument("--rounds", type=int, default=6, help="of a second each, in each lap")
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A build, as a folder."""

    name: str
    tree: Path
    flags: Sequence[str] = ()

    @property
    def python(self) -> Path:
        """With the packages beside it if it has any, else with those of this Python."""
        own = self.tree / ".venv" / "bin" / "python"
        return own if own.exists() else Path(sys.executable)

    def command(self, *arguments: str) -> list[str]:
        # Without -P the folder that this runs in would come before it.
        run = [str(self.python), "-P", "-m", "authproxy", *arguments]
        return ["env", f"PYTHONPATH={self.tree}", *run, *self.flags]


@contextmanager
def checked_out(name: str) -> Iterator[Checkout]:
    """`name`: of a folder or a commit, and flags. Raises BenchmarkError when it is neither."""
    name, *flags = name.split()
    if Path(name).is_dir():
        yield Checkout(name=name, tree=Path(name).resolve(), flags=flags)
        return
    with tempfile.TemporaryDirectory(prefix="build-") as folder:
        archive = subprocess.run(
            ["git", "-C", str(ROOT), "archive", name, "authproxy"], capture_output=True
        )
        if archive.returncode != 0:
            said = archive.stderr.decode(errors="replace").strip()
            raise BenchmarkError(f"{name} is neither a folder nor a commit: {said}")
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Checkout(name=name, tree=Path(folder), flags=flags)


@contextmanager
def build(name: str) -> Iterator[Peer]:
    """As `checked_out`, as one of those that take turns; or another proxy of that name."""
    here = Interpreter(Path(sys.executable))
    for peer in others(here):
        if peer.name == name and not Path(name).is_dir():
            yield peer
            return
    with checked_out(name) as found:
        short = Path(found.name).name
        yield Peer(name=short, title=name, command=partial(_run, found), version=lambda: name)


def _run(found: Checkout, job: Job) -> Sequence[str]:
    _, *arguments = authproxy(Interpreter(found.python), job)
    return found.command(*arguments)


def _lap(
    stage: Stage, kinds: Sequence[Kind], builds: Sequence[Peer], rounds: int
) -> list[list[list[float]]]:
    """For each kind, in turns, the same processes' costs: all kinds want the same role. One kind
    after the other: who has held a thousand connections is not again as it was with few."""
    with ExitStack() as stack:
        started = [stack.enter_context(stage.start(peer, kinds[0].role)) for peer in builds]
        taken = []
        for kind in kinds:
            for each in started:
                kind.cost(stage, each)
            taken.append([_round(stage, kind, started, number) for number in range(rounds)])
    return taken


def _round(stage: Stage, kind: Kind, started: Sequence[Started], number: int) -> list[float]:
    costs = {}
    for index in rotated(range(len(started)), number):
        costs[index] = kind.cost(stage, started[index])
    return [costs[index] for index in range(len(started))]


def report(kind: Kind, names: Sequence[str], laps: Laps) -> list[str]:
    """A line for each build: the median of its ratios to the first one, and how they spread."""
    lines = [f"{kind.title}: {len(laps)} laps of {len(laps[0])} rounds"]
    for index, name in enumerate(names):
        cost = median(row[index] for lap in laps for row in lap)
        by_lap = [[row[index] / row[0] for row in lap] for lap in laps]
        ratios = [ratio for lap in by_lap for ratio in lap]
        low, high = _quarters(ratios)
        medians = ", ".join(f"{median(lap):.3f}" for lap in by_lap)
        lines.append(
            f"  {median(ratios):.3f}  (quarters {low:.3f}-{high:.3f}; laps {medians})"
            f"  {cost:7.1f} us  {name}"
        )
    return lines


def _quarters(ratios: list[float]) -> tuple[float, float]:
    """Between them is the middle half."""
    low, _, high = quantiles(ratios) if len(ratios) > 1 else ratios * 3
    return low, high


def growth(names: Sequence[str], small: Laps, crowd: Laps) -> list[str]:
    """A line for each build: what a request costs with 1,000 beside what it costs with 32."""
    lines = ["1,000 connections beside 32, each build's own"]
    for index, name in enumerate(names):
        few, many = ([row[index] for lap in laps for row in lap] for laps in (small, crowd))
        ratios = [one / other for one, other in zip(many, few, strict=True)]
        low, high = _quarters(ratios)
        lines.append(
            f"  {median(ratios):.3f}  (quarters {low:.3f}-{high:.3f})"
            f"  {median(many):7.1f} : {median(few):.1f} us  {name}"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
