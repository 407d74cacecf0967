"""The load on one proxy, as a process: python -m benchmarks.soak.load PORT SECONDS [SCALE]

It prints what it counted as one line of JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from random import Random

from benchmarks.soak.clients import KINDS, Kind, Load
from benchmarks.soak.limits import allow_many_files

PATIENCE_S = 120
"""How long a session may take."""
TOLD = 20


class Counts:
    """Answers by kind, and what was wrong."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def session(self, name: str, kind: Kind, load: Load) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                answers = await kind.session(load)
        except Exception as error:  # noqa: BLE001  # -- whatever it is, it is what we look for
            self.wrong.append(f"{name}: {error!r:.300}")
        else:
            self.answers[name] += answers

    def as_json(self) -> str:
        told = {"answers": self.answers, "wrong": len(self.wrong), "told": self.wrong[:TOLD]}
        return json.dumps(told)


async def client(name: str, kind: Kind, load: Load, counts: Counts) -> None:
    """Sessions, one after the other, until the load ends."""
    if not kind.at_once:
        await load.pause(kind.rest_s + 2)  # they do not all come in the first second
    while not load.stop.is_set():
        if kind.at_once:
            await until(kind.rest_s - time.monotonic() % kind.rest_s, load)
            if load.stop.is_set():
                break
        await counts.session(name, kind, load)
        if not kind.at_once:
            await load.pause(kind.rest_s)


async def until(seconds: float, load: Load) -> None:
    try:
        async with asyncio.timeout(seconds):
            await load.stop.wait()
    except TimeoutError:
        return


async def run(port: int, seconds: float, scale: float) -> Counts:
    counts = Counts()
    load = Load(port=port, chance=Random(port))
    async with asyncio.TaskGroup() as group:
        for name, kind in KINDS.items():
            for number in range(max(1, round(kind.count * scale))):
                group.create_task(client(name, kind, load, counts), name=f"{name} {number}")
        await asyncio.sleep(seconds)
        load.stop.set()
    return counts


def main() -> None:
    port, seconds, *scale = sys.argv[1:]
    allow_many_files()
    counts = asyncio.run(run(int(port), float(seconds), float(scale[0]) if scale else 1))
    print(counts.as_json(), flush=True)


if __name__ == "__main__":
    main()
