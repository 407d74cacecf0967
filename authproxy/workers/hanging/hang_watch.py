"""Watch for workers whose event loop turns no more: they have clients, and answer none.

Theory of operation. Workers count turns of their loops, one each second. The parent looks as often,
in a loop of its own, and counts its looks, not seconds. A machine that sleeps, a container that is
frozen, all processes stopped, no CPU for anybody: then the parent does not look either, and nobody
is taken for hanging. One that a debugger or a tracer has is left to that.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from signal import Signals
from typing import Protocol

from authproxy.system.traced import tracer_of
from authproxy.workers.hanging.loop_turns import EVERY_S, LoopTurns
from authproxy.workers.hanging.stacks import Stacks, innermost_calls

logger = logging.getLogger(__name__)

LOOKS = 30
"""That find no turn."""


class WatchedWorker(Protocol):
    """A worker, as `WorkerProcess` is one."""

    @property
    def number(self) -> int:
        """From 1 on; one that takes another's place has its number."""

    @property
    def pid(self) -> int:
        """Of its process."""

    @property
    def is_ready(self) -> bool:
        """It takes connections."""

    def signal(self, number: Signals) -> None:
        """Send this one."""

    def fail(self, how: str) -> None:
        """End it at once. `how` is what is said of its end."""


@dataclass(slots=True)
class _Seen:
    worker: WatchedWorker
    turns: int
    looks: int = 0
    """That have found it like this since."""


class HangWatch:
    """The watch of one run."""

    def __init__(
        self,
        turns: LoopTurns,
        stacks: Stacks,
        *,
        every_s: float = EVERY_S,
        looks: int = LOOKS,
        tracer: Callable[[int], int] = tracer_of,
    ) -> None:
        self._every_s, self._most = every_s, looks
        self._tracer = tracer
        self._turns, self._stacks = turns, stacks
        self._seen: dict[int, _Seen] = {}

    async def keep_looking(self, workers: Callable[[], Sequence[WatchedWorker]]) -> None:
        """Until cancelled. `workers`: those that there are then."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.look(workers())

    async def look(self, workers: Sequence[WatchedWorker]) -> None:
        """Once. Those that hang for too long are killed."""
        for seen in [self._see(worker) for worker in workers]:
            if seen.looks >= self._most:
                await self._end(seen)

    def _see(self, worker: WatchedWorker) -> _Seen:
        turns, seen = self._turns.of(worker.number), self._seen.get(worker.number)
        if (
            seen is None
            or not worker.is_ready  # its start has a bound of its own
            or (seen.worker, seen.turns) != (worker, turns)
        ):
            seen = self._seen[worker.number] = _Seen(worker, turns)
        else:
            seen.looks += 1
        return seen

    async def _end(self, seen: _Seen) -> None:
        worker, seen.looks = seen.worker, 0
        hangs = f"its event loop has not turned for {self._most * self._every_s:g} s"
        tracer = self._tracer(worker.pid)
        if tracer:
            logger.warning(
                "worker %d: %s; it goes on, since process %d traces it",
                *(worker.number, hangs, tracer),
            )
            return
        stack = await self._stacks.ask(worker.signal)
        if self._turns.of(worker.number) != seen.turns:
            return
        calls = innermost_calls(stack)
        logger.error(
            "worker %d hangs, %s. Unless something outside holds it up (SIGSTOP, a file system that"
            " hangs), this is a fault of authproxy: please report it with this line",
            *(worker.number, f"at {calls}" if calls else "and does not run at all"),
            extra={"worker": worker.number, "pid": worker.pid, "stack": stack},
        )
        worker.fail(hangs)

    def __repr__(self) -> str:
        return f"<HangWatch [{sum(each.looks > 0 for each in self._seen.values())} hang]>"
