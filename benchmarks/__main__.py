"""Measure every proxy in one sitting and write docs/benchmarks.md and benchmarks/results.json."""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from benchmarks.interpreter import chosen, compiled
from benchmarks.peers import GO, Peer, packaged, table
from benchmarks.processes import BenchmarkError, program
from benchmarks.report import Sitting, as_json, cpu_model, page
from benchmarks.report import failures as failure_lines
from benchmarks.report import tables as all_tables
from benchmarks.report import targets as target_lines
from benchmarks.sitting import FULL, QUICK, run
from benchmarks.targets import TARGETS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
JSON = ROOT / "benchmarks" / "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    _allow_many_files()
    plan = QUICK if options.quick else FULL
    try:
        pure = chosen(options.python)
        peers = _wanted(table(compiled(pure), pure), options.only)
        sitting = _sitting(peers, plan.name)
        results = run([peer for peer in peers if peer.name not in sitting.missing], plan)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmarks: interrupted; everything is stopped, nothing is written", file=sys.stderr)
        return 130
    for part in (all_tables, target_lines, failure_lines):
        print(f"\n{part(sitting, results)}")
    if options.only is None:
        PAGE.write_text(page(sitting, results))
        JSON.write_text(json.dumps(as_json(sitting, results), indent=2, ensure_ascii=False) + "\n")
        print(f"\nwritten: {PAGE.relative_to(ROOT)}, {JSON.relative_to(ROOT)}")
    return 1 if results.failures or sitting.missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer WebSockets")
    parser.add_argument(
        "--only", metavar="NAMES", help="some of the proxies, with commas; writes no file"
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        type=Path,
        help="another Python for authproxy and the aiohttp proxy, in a venv made for it",
    )
    return parser


def _wanted(peers: Sequence[Peer], only: str | None) -> list[Peer]:
    if only is None:
        return list(peers)
    names, known = only.split(","), [peer.name for peer in peers]
    if unknown := sorted(set(names) - set(known)):
        raise BenchmarkError(
            f"no proxy is called {', '.join(unknown)}; there are {', '.join(known)}"
        )
    return [peer for peer in peers if peer.name in names]


def _sitting(peers: Sequence[Peer], plan: str) -> Sitting:
    """Also finds out, before anything is measured, which programs are there."""
    versions, missing = {}, {}
    for peer in peers:
        try:
            versions[peer.title] = peer.version()
        except BenchmarkError as error:
            missing[peer.name] = " ".join(str(error).split())[:400]
            print(f"benchmarks: {peer.name} is missing: {error}", file=sys.stderr)
    shared = {"the service": packaged.nginx_version(), "the load": _load_versions()}
    return Sitting(
        date=datetime.now(UTC).date().isoformat(),
        plan=plan,
        cores=os.cpu_count() or 0,
        cpu=cpu_model(),
        titles={peer.name: peer.title for peer in peers},
        versions={**versions, **shared},
        missing=missing,
        reference=GO,
        targets=TARGETS,
    )


def _load_versions() -> str:
    wrk = program("wrk", hint="apt-get install wrk")
    h2load = program("h2load", hint="apt-get install nghttp2-client")
    shown = subprocess.run([wrk, "-v"], capture_output=True, text=True).stdout  # its exit code is 1
    h2shown = subprocess.run([h2load, "--version"], capture_output=True, text=True).stdout
    return f"{' '.join(shown.split()[:2])}, {h2shown.strip()}"


def _allow_many_files() -> None:
    """Thousands of tunnels need more than the soft limit that shells give."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
