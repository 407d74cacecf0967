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


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns that are shown together."""

    title: str
    measures: tuple[Measure, ...]


def _by_number(name: str, title: str, numbers: Sequence[int]) -> dict[int, Measure]:
    return {
        number: Measure(
            name=f"{name}-{number}", title=title.format(f"{number:,}"), unit="µs", digits=1
        )
        for number in numbers
    }


SMALL = Measure(name="small", title="small request", unit="µs", digits=1)
VARIED = Measure(name="varied", title="small request, never the same", unit="µs", digits=1)
STEADY = Measure(name="steady", title="small request at 2,000/s", unit="µs", digits=1)
DOWN = Measure(name="down", title="MiB down", unit="µs")
UP = Measure(name="up", title="MiB up", unit="µs")
HTTP2 = Measure(name="http2", title="HTTP/2 call", unit="µs", digits=1)
OPENING = Measure(name="opening", title="opening a service connection", unit="µs", digits=1)
P50 = Measure(name="p50", title="p50, 1 connection", unit="µs")
P99 = Measure(name="p99", title="p99, 1 connection", unit="µs")
STEADY_P50 = Measure(name="steady-p50", title="p50, 64 connections", unit="µs")
STEADY_P99 = Measure(name="steady-p99", title="p99, 64 connections", unit="µs")
START = Measure(name="start", title="start to first answer", unit="ms")
IDLE = Measure(name="idle", title="memory when idle", unit="MiB")
PEAK = Measure(name="peak", title="memory at most", unit="MiB")
PAIR = Measure(name="pair", title="memory per idle WebSocket", unit="KiB", digits=1)
CONNECTIONS = _by_number("connections", "{} connected", (1, 10, 32, 100, 1000))
GROWTH = Measure(name="growth", title="1,000 beside 32", unit="times", digits=2)
AWAKE = tuple(measure for count, measure in CONNECTIONS.items() if count > 1)
"""Without the one connection at which each request costs a wake-up of its own."""
SERVICES = _by_number("services", "{} configured", (1, 10, 100, 1000))
ALL_IN_USE = Measure(name="services-used", title="1,000 used in turn", unit="µs", digits=1)
AFTER_LOAD = Measure(name="after-load", title="after a load", unit="MiB", digits=1)
BY_KEY = Measure(name="by-key", title="after a mint by a key file", unit="MiB", digits=1)
BY_KEY_PEAK = Measure(name="by-key-peak", title="at most until then", unit="MiB", digits=1)
BY_METADATA = Measure(
    name="by-metadata", title="after a mint by the metadata server", unit="MiB", digits=1
)
TABLES = (
    Table(title="CPU time", measures=(SMALL, VARIED, STEADY, DOWN, UP, HTTP2, OPENING)),
    Table(title="Latency added", measures=(P50, P99, STEADY_P50, STEADY_P99)),
    Table(title="Start and memory", measures=(START, IDLE, PEAK, PAIR)),
    Table(
        title="Memory of authproxy when idle",
        measures=(AFTER_LOAD, BY_KEY, BY_KEY_PEAK, BY_METADATA),
    ),
    Table(
        title="CPU time per small request, by how many clients are connected",
        measures=(*CONNECTIONS.values(), GROWTH),
    ),
    Table(
        title="CPU time per small request, by how many services are configured",
        measures=(*SERVICES.values(), ALL_IN_USE),
    ),
)
MEASURES = tuple(measure for shown in TABLES for measure in shown.measures)
COMPARED = (SMALL, VARIED, STEADY, DOWN, UP, HTTP2, OPENING, P50, PAIR)


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

    def less(self, measure: Measure, number: float) -> None:
        """Take a number off all that there are for a measure."""
        for values in self.numbers.get(measure.name, {}).values():
            values[:] = [value - number for value in values]

    def beside(self, measure: Measure, peer: str, one: Measure, other: Measure) -> None:
        """Note under `measure` how many times `other` the peer's `one` was, round by round."""
        numbers, others = self._complete(one, peer), self._complete(other, peer)
        if not (numbers and others):
            self.fail(measure, peer, f"{one.title} or {other.title} failed")
            return
        for number, beside in zip(numbers, others, strict=True):
            self.add(measure, peer, number / beside)

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
