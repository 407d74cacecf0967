"""Counts and durations of each service's exchanges in the last quarter of an hour."""

from collections import deque
from collections.abc import Iterable
from math import ceil, log2

from authproxy.exchange import Exchange

STEP_S = 10
"""Seconds that are counted together."""
STEPS = 90
PER_DOUBLING = 8
"""Durations within a twelfth of each other are counted as one."""


class Interval:
    """STEP_S seconds of one service."""

    __slots__ = ("at", "durations", "statuses", "until")

    def __init__(self, at: int) -> None:
        self.at = at
        self.until = (at + 1) * STEP_S
        """Where the next one begins, in seconds."""
        self.statuses = [0] * 6
        """By the first digit; 0 for exchanges without an answer."""
        self.durations: dict[int, int] = {}


class ServiceRates:
    """Rates of all services; their number is what bounds it."""

    def __init__(self) -> None:
        self._steps: dict[str, deque[Interval]] = {}
        self._current: dict[str, Interval] = {}
        """The last of each."""
        self._failures: dict[str, deque[int]] = {}

    def note(self, exchange: Exchange) -> None:
        """It has ended; those without a service do not count."""
        service, status, duration_s = exchange.service, exchange.status, exchange.duration_s
        if not service:
            return
        now = exchange.started + duration_s
        step = self._current.get(service)
        if step is None or now >= step.until:
            step = self._begin(service, now)
        step.statuses[status // 100 if status < 600 else 5] += 1
        mark = int(log2(duration_s * 1e6 + 1.0) * PER_DOUBLING)
        durations = step.durations
        durations[mark] = durations.get(mark, 0) + 1
        if status >= 400 or not status:
            self._failures[service].append(exchange.number)

    def _begin(self, service: str, now: float) -> Interval:
        steps = self._steps.get(service)
        if steps is None:
            steps = self._steps[service] = deque(maxlen=STEPS)
            self._failures[service] = deque(maxlen=10)
        step = self._current[service] = Interval(int(now) // STEP_S)
        steps.append(step)
        return step

    def failures(self, service: str) -> list[int]:
        """The numbers of the last exchanges that went wrong, the last one first."""
        return list(self._failures.get(service, ()))[::-1]

    def shown(self, service: str, now: float) -> dict[str, object]:
        """Of the last quarter of an hour, for JSON; durations in milliseconds."""
        newest = int(now) // STEP_S
        found = {step.at: step for step in self._steps.get(service, ())}
        line = [found.get(at) for at in range(newest - STEPS + 1, newest + 1)]
        present = [step for step in line if step is not None]
        total = sum(sum(step.statuses) for step in present)
        mix = [sum(step.statuses[digit] for step in present) for digit in range(6)]
        return {
            "step_s": STEP_S,
            "exchanges": total,
            "per_second": round(total / (STEP_S * STEPS), 3),
            "statuses": {"none" if not d else f"{d}xx": n for d, n in enumerate(mix) if n},
            **_percentiles(present),
            "rate": [0 if step is None else sum(step.statuses) for step in line],
            "failed": [0 if step is None else sum(step.statuses[4:]) for step in line],
            "p50": [None if step is None else _percentile([step], 0.5) for step in line],
            "p95": [None if step is None else _percentile([step], 0.95) for step in line],
            "p99": [None if step is None else _percentile([step], 0.99) for step in line],
        }


def _percentiles(steps: Iterable[Interval]) -> dict[str, object]:
    steps = list(steps)
    return {f"p{n}_ms": _percentile(steps, n / 100) for n in (50, 95, 99)}


def _percentile(steps: Iterable[Interval], share: float) -> float | None:
    """Milliseconds that this share of the exchanges took at most; None without any."""
    counts: dict[int, int] = {}
    for step in steps:
        for mark, count in step.durations.items():
            counts[mark] = counts.get(mark, 0) + count
    wanted = ceil(sum(counts.values()) * share)
    for mark in sorted(counts):
        wanted -= counts[mark]
        if wanted <= 0:
            return round((2 ** ((mark + 0.5) / PER_DOUBLING) - 1) / 1000, 3)
    return None
