"""The load on one proxy, as a process: python -m benchmarks.soak.load PORT SECONDS [SCALE [lossy]]

It prints what it counted as one line of JSON. `lossy`: connections may be lost, as workers die.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from random import Random

from benchmarks.soak.clients import KINDS, Kind, Load
from benchmarks.soak.deaths import is_loss
from benchmarks.soak.limits import allow_many_files

PATIENCE_S = 120
"""How long a session may take."""
TOLD = 20


class Counts:
    """Answers by kind, and what was wrong."""

    def __init__(self, *, is_lossy: bool = False) -> None:
        self._is_lossy = is_lossy
        self.lost = 0
        """Connections, where they may be."""
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def session(self, name: str, kind: Kind, load: Load) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                answers = await kind.session(load)
        except Exception as error:  # noqa: BLE001  # -- whatever it is, it is what we look for
            if self._is_lossy and is_loss(error):
                self.lost += 1
            else:
                self.wrong.append(f"{name}: {error!r:.300}")
        else:
            self.answers[name] += answers

    def as_json(self) -> str:
        wrong = {"wrong": len(self.wrong), "told": self.wrong[:TOLD]}
        return json.dumps({"answers": self.answers, "lost": self.lost, **wrong})


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


async def run(port: int, seconds: float, scale: float, *, is_lossy: bool) -> Counts:
    counts = Counts(is_lossy=is_lossy)
    load = Load(port=port, chance=Random(port))
    async with asyncio.TaskGroup() as group:
        for name, kind in KINDS.items():
            for number in range(max(1, round(kind.count * scale))):
                group.create_task(client(name, kind, load, counts), name=f"{name} {number}")
        await asyncio.sleep(seconds)
        load.stop.set()
    return counts


def main() -> None:
    port, seconds, *more = sys.argv[1:]
    allow_many_files()
    scale = float(more[0]) if more else 1
    load = run(int(port), float(seconds), scale, is_lossy="lossy" in more)
    counts = asyncio.run(load)
    print(counts.as_json(), flush=True)


if __name__ == "__main__":
    main()
