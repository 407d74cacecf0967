"""Memory that all processes of one run have: the parent makes it and hands on what it is."""

from collections.abc import Sequence

from authproxy.workers.counts.shared_limits import SharedLimits
from authproxy.workers.hanging.loop_turns import LoopTurns
from authproxy.workers.hanging.stacks import Stacks
from authproxy.workers.line_lock import LineLock
from authproxy.workers.shares import Shares

DESCRIPTORS = 5


class CommonMemory:
    """As one process sees it."""

    def __init__(self, workers: int, descriptors: Sequence[int] = ()) -> None:
        """`workers`: how many there are; `descriptors`: of what another process has made."""
        lines, shares, limits, turns, stacks = descriptors or (None,) * DESCRIPTORS
        self.lines = LineLock(lines)
        self.shares = Shares(shares)
        self.limits = SharedLimits(workers, limits)
        self.turns = LoopTurns(turns)
        self.stacks = Stacks(stacks)

    @property
    def descriptors(self) -> list[int]:
        return [each.descriptor for each in self._parts]

    @property
    def _parts(self) -> tuple[LineLock | Shares | SharedLimits | LoopTurns | Stacks, ...]:
        return self.lines, self.shares, self.limits, self.turns, self.stacks

    def gone(self, worker: int) -> None:
        """It has ended: what it has counted of its own counts no more."""
        self.shares.gone(worker)
        self.limits.gone(worker)

    def close(self) -> None:
        for each in self._parts:
            each.close()

    def __repr__(self) -> str:
        return f"<CommonMemory {list(self._parts)}>"
