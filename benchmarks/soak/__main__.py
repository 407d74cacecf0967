"""Load builds of authproxy for minutes, and tell what it took and whether it came back."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from benchmarks.processes import BenchmarkError
from benchmarks.soak.limits import allow_many_files
from benchmarks.soak.report import faults, table
from benchmarks.soak.side import Plan, Seen, needed_cores, soak
from benchmarks.soak.verdict import complaints


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    allow_many_files()
    builds = options.bin or [Path(sys.executable).with_name("authproxy")]
    try:
        for build in builds:
            if not build.exists():
                raise BenchmarkError(f"there is no {build}; --bin takes the path of an authproxy")
        plan = Plan(
            seconds=options.minutes * 60,
            scale=options.scale,
            reload_every_s=options.reload_every,
            workers=options.workers,
            kill_every_s=options.kill_every if options.workers > 1 else 0,
            records=options.record,
        )
        sides = asyncio.run(_soak_all(builds, plan))
    except BenchmarkError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("soak: interrupted; everything is stopped", file=sys.stderr)
        return 130
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(side) for side in sides], indent=1))
    print(table(sides))
    broken = [said for side in sides for said in complaints(side, plan)]
    print("\n".join([*faults(sides), *broken]), file=sys.stderr)
    return 1 if broken else 0


async def _soak_all(builds: Sequence[Path], plan: Plan) -> list[Seen]:
    cores = needed_cores(sorted(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folders = [Path(name, str(number)) for number in range(len(builds))]
        for folder in folders:
            folder.mkdir()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(soak(build, folder, cores, plan), name=f"soak {build}")
                    for build, folder in zip(builds, folders, strict=True)
                ]
        except* BenchmarkError as errors:
            said = "; ".join(str(error) for error in errors.exceptions)
            raise BenchmarkError(said) from None
        return [task.result() for task in tasks]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15, help="how long the load goes on")
    parser.add_argument(
        "--bin",
        type=Path,
        action="append",
        metavar="PATH",
        help="an authproxy; several times for several builds, this one by default",
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=1,
        help="of the numbers of clients; 0.1 leaves the machine to others",
    )
    parser.add_argument(
        "--reload-every",
        type=float,
        default=10,
        metavar="SECONDS",
        help="how often the configuration is replaced; 0: never, for builds that cannot",
    )
    parser.add_argument("--workers", type=int, default=1, help="of each proxy")
    parser.add_argument(
        "--kill-every",
        type=float,
        default=15,
        metavar="SECONDS",
        help="how often one of several workers is killed; 0: never",
    )
    parser.add_argument(
        "--record", action="store_true", help="the inspector keeps all that passes, bodies too"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was seen there")
    return parser


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
