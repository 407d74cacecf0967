"""Measure every proxy in one sitting and write docs/benchmarks.md and benchmarks/results.json."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from benchmarks.peers import OURS, PEERS, REFERENCE, TUNED, Peer, nginx_version
from benchmarks.processes import BenchmarkError, program
from benchmarks.report import Sitting, as_json, cpu_model, page
from benchmarks.report import numbers as numbers_table
from benchmarks.report import ratios as ratios_table
from benchmarks.report import targets as target_lines
from benchmarks.results import SMALL, Target
from benchmarks.sitting import FULL, QUICK, run

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
JSON = ROOT / "benchmarks" / "results.json"
TARGETS = tuple(
    Target(measure=SMALL, peer=OURS, reference=reference, at_most=0.7)
    for reference in (REFERENCE, TUNED)
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    plan = QUICK if options.quick else FULL
    try:
        peers = _chosen(options.only)
        sitting = _sitting(peers, plan.name)
        results = run(peers, plan)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmarks: interrupted; everything is stopped, nothing is written", file=sys.stderr)
        return 130
    for part in (numbers_table, ratios_table, target_lines):
        print(f"\n{part(sitting, results)}")
    if options.only is None:
        PAGE.write_text(page(sitting, results))
        JSON.write_text(json.dumps(as_json(sitting, results), indent=2, ensure_ascii=False) + "\n")
        print(f"\nwritten: {PAGE.relative_to(ROOT)}, {JSON.relative_to(ROOT)}")
    return 1 if results.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    names = ", ".join(peer.name for peer in PEERS)
    parser.add_argument("--only", metavar="NAMES", help=f"some of {names}; writes no file")
    return parser


def _chosen(only: str | None) -> list[Peer]:
    if only is None:
        return list(PEERS)
    names = only.split(",")
    unknown = set(names) - {peer.name for peer in PEERS}
    if unknown:
        known = ", ".join(peer.name for peer in PEERS)
        raise BenchmarkError(f"no proxy is called {', '.join(sorted(unknown))}; there are {known}")
    return [peer for peer in PEERS if peer.name in names]


def _sitting(peers: Sequence[Peer], plan: str) -> Sitting:
    """Also finds out, before anything is measured, whether all programs are there."""
    versions = {peer.title: peer.version() for peer in peers}
    return Sitting(
        date=datetime.now(UTC).date().isoformat(),
        plan=plan,
        cores=os.cpu_count() or 0,
        cpu=cpu_model(),
        titles={peer.name: peer.title for peer in peers},
        versions={**versions, "the service": nginx_version(), "the load": _wrk_version()},
        reference=REFERENCE,
        targets=TARGETS,
    )


def _wrk_version() -> str:
    wrk = program("wrk", hint="apt-get install wrk")
    shown = subprocess.run([wrk, "-v"], capture_output=True, text=True).stdout  # its exit code is 1
    return " ".join(shown.split()[:2])


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
