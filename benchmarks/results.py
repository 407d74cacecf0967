"""The numbers of one sitting, and what may be concluded from them. Pure.

The machine's speed wanders while we measure, so peers take turns and only numbers of the same round
are compared: a ratio is the median of the rounds' ratios, not the ratio of two medians.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A column of the table."""

    name: str
    title: str
    unit: str
    digits: int = 0


SMALL = Measure(name="small", title="CPU per small request", unit="µs", digits=1)
DOWN = Measure(name="down", title="CPU per MiB down", unit="µs")
UP = Measure(name="up", title="CPU per MiB up", unit="µs")
P50 = Measure(name="p50", title="latency added, p50", unit="µs")
P99 = Measure(name="p99", title="latency added, p99", unit="µs")
START = Measure(name="start", title="start to first answer", unit="ms")
IDLE = Measure(name="idle", title="memory when idle", unit="MiB")
PEAK = Measure(name="peak", title="memory at most", unit="MiB")
MEASURES = (SMALL, DOWN, UP, P50, P99, START, IDLE, PEAK)
COMPARED = (SMALL, DOWN, UP)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, and the lowest and highest of their middle half (quartiles)."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, middle, high = quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high)

    def text(self, digits: int) -> str:
        low, middle, high = (f"{value:.{digits}f}" for value in (self.low, self.median, self.high))
        return middle if low == high else f"{middle} ({low}–{high})"


@dataclass(slots=True)
class Results:
    """Numbers by measure and peer, one per round. A peer that failed a round has none."""

    numbers: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, measure: Measure, peer: str, number: float) -> None:
        self.numbers.setdefault(measure.name, {}).setdefault(peer, []).append(number)

    def fail(self, measure: Measure, peer: str, why: str) -> None:
        self.failures.setdefault(measure.name, {}).setdefault(peer, why)

    def failure(self, measure: Measure, peer: str) -> str | None:
        return self.failures.get(measure.name, {}).get(peer)

    def spread(self, measure: Measure, peer: str) -> Spread | None:
        """None when it was not measured, or when one round failed."""
        numbers = self._complete(measure, peer)
        return Spread.of(numbers) if numbers else None

    def ratio(self, measure: Measure, peer: str, reference: str) -> Spread | None:
        """How many times what the reference needs, round by round."""
        ours, theirs = self._complete(measure, peer), self._complete(measure, reference)
        if not ours or not theirs:
            return None
        return Spread.of([our / their for our, their in zip(ours, theirs, strict=True)])

    def _complete(self, measure: Measure, peer: str) -> list[float]:
        if self.failure(measure, peer) is not None:
            return []
        return self.numbers.get(measure.name, {}).get(peer, [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a peer must not exceed, as a multiple of the reference."""

    measure: Measure
    peer: str
    reference: str
    at_most: float

    def verdict(self, results: Results) -> str:
        ratio = results.ratio(self.measure, self.peer, self.reference)
        if ratio is None:
            return "not measured"
        met = "met" if ratio.median <= self.at_most else "NOT met"
        return f"{ratio.text(3)} times, at most {self.at_most:.3f} wanted: {met}"
