"""What authproxy must keep to, and what a sitting's numbers say about that. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.peers import (
    BEFORE,
    COUNTING,
    ENVOY,
    GO,
    INSPECTING,
    LOGGING,
    NGINX,
    OURS,
    PURE,
    RECORDING,
    TRACING,
    TUNED_GO,
)
from benchmarks.results import (
    AWAKE,
    BY_KEY,
    BY_METADATA,
    DOWN,
    GROWTH,
    HTTP2,
    IDLE,
    OPENING,
    P50,
    PAIR,
    SERVICES,
    SMALL,
    START,
    UP,
    VARIED,
    Measure,
    Results,
)

NOT_MEASURED = "not measured"


class Target(Protocol):
    """What a peer must keep to."""

    @property
    def peer(self) -> str: ...

    @property
    def references(self) -> tuple[str, ...]:
        """Peers that must be there too."""

    def wanted(self, titles: Mapping[str, str]) -> str:
        """What is compared with what."""

    def verdict(self, results: Results) -> str:
        """What was found, what is wanted, and whether that is met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiple:
    """At most so many times what the reference needs, in the median of the rounds."""

    measure: Measure
    peer: str
    reference: str
    at_most: float

    @property
    def references(self) -> tuple[str, ...]:
        return (self.reference,)

    def wanted(self, titles: Mapping[str, str]) -> str:
        return f"{self.measure.title}, beside {titles.get(self.reference, self.reference)}"

    def verdict(self, results: Results) -> str:
        ratio = results.ratio(self.measure, self.peer, self.reference)
        if ratio is None:
            return NOT_MEASURED
        met = _met(ratio.median <= self.at_most)
        return f"{ratio.text(3)} times, at most {self.at_most:.3f} wanted: {met}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """Less than a number, in the median of the rounds."""

    measure: Measure
    peer: str
    limit: float

    @property
    def references(self) -> tuple[str, ...]:
        return ()

    def wanted(self, titles: Mapping[str, str]) -> str:
        return self.measure.title

    def verdict(self, results: Results) -> str:
        spread = results.spread(self.measure, self.peer)
        if spread is None:
            return NOT_MEASURED
        shown, met = spread.text(self.measure.digits), _met(spread.median < self.limit)
        return f"{shown} {self.measure.unit}, less than {self.limit:g} wanted: {met}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """The dearest of some measures costs at most so many times what the cheapest costs."""

    measures: tuple[Measure, ...]
    peer: str
    at_most: float
    others: tuple[str, ...] = ()
    """Whose own range is told beside it."""

    @property
    def references(self) -> tuple[str, ...]:
        return ()

    def wanted(self, titles: Mapping[str, str]) -> str:
        return f"small request, dearest beside cheapest, {_span(self.measures)}"

    def verdict(self, results: Results) -> str:
        found = _range(results, self.measures, self.peer)
        if found is None:
            return NOT_MEASURED
        told = [
            f"{other} {its:.3f}"
            for other in self.others
            if (its := _range(results, self.measures, other)) is not None
        ]
        beside = f" ({', '.join(told)})" if told else ""
        met = _met(found <= self.at_most)
        return f"{found:.3f} times{beside}, at most {self.at_most:.3f} wanted: {met}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsFlat:
    """The same range is no wider than the reference's."""

    measures: tuple[Measure, ...]
    peer: str
    reference: str

    @property
    def references(self) -> tuple[str, ...]:
        return (self.reference,)

    def wanted(self, titles: Mapping[str, str]) -> str:
        reference = titles.get(self.reference, self.reference)
        span = _span(self.measures)
        return f"small request, dearest beside cheapest, {span}, no wider than {reference}"

    def verdict(self, results: Results) -> str:
        ours = _range(results, self.measures, self.peer)
        theirs = _range(results, self.measures, self.reference)
        if ours is None or theirs is None:
            return NOT_MEASURED
        return f"{ours:.3f} times, at most {theirs:.3f} wanted: {_met(ours <= theirs)}"


def _range(results: Results, measures: Sequence[Measure], peer: str) -> float | None:
    spreads = [results.spread(measure, peer) for measure in measures]
    medians = [spread.median for spread in spreads if spread]
    return max(medians) / min(medians) if len(medians) == len(spreads) else None


def _span(measures: Sequence[Measure]) -> str:
    return f"from {measures[0].title} to {measures[-1].title}"


def _met(yes: bool) -> str:
    return "met" if yes else "NOT met"


TARGETS: tuple[Target, ...] = (
    Multiple(measure=SMALL, peer=OURS, reference=BEFORE, at_most=0.78),
    Multiple(measure=SMALL, peer=PURE, reference=BEFORE, at_most=1.05),
    Multiple(measure=VARIED, peer=OURS, reference=BEFORE, at_most=0.78),
    Multiple(measure=VARIED, peer=PURE, reference=BEFORE, at_most=1.05),
    Multiple(measure=HTTP2, peer=OURS, reference=BEFORE, at_most=0.9),
    Multiple(measure=OPENING, peer=OURS, reference=BEFORE, at_most=0.75),
    Multiple(measure=IDLE, peer=OURS, reference=BEFORE, at_most=0.75),
    Multiple(measure=BY_KEY, peer=OURS, reference=BEFORE, at_most=0.65),
    Multiple(measure=BY_METADATA, peer=OURS, reference=BEFORE, at_most=0.65),
    Multiple(measure=START, peer=OURS, reference=BEFORE, at_most=1.05),
    Multiple(measure=GROWTH, peer=OURS, reference=GO, at_most=1.0),
    Multiple(measure=SMALL, peer=OURS, reference=GO, at_most=0.6),
    Multiple(measure=SMALL, peer=OURS, reference=TUNED_GO, at_most=0.65),
    Multiple(measure=SMALL, peer=OURS, reference=ENVOY, at_most=0.7),
    Multiple(measure=SMALL, peer=OURS, reference=NGINX, at_most=1.4),
    Multiple(measure=SMALL, peer=LOGGING, reference=GO, at_most=0.85),
    Multiple(measure=SMALL, peer=COUNTING, reference=OURS, at_most=1.05),
    Multiple(measure=HTTP2, peer=COUNTING, reference=OURS, at_most=1.05),
    Multiple(measure=SMALL, peer=INSPECTING, reference=COUNTING, at_most=1.15),
    Multiple(measure=SMALL, peer=RECORDING, reference=COUNTING, at_most=1.5),
    Multiple(measure=SMALL, peer=TRACING, reference=OURS, at_most=1.1),
    Multiple(measure=DOWN, peer=OURS, reference=GO, at_most=0.8),
    Multiple(measure=DOWN, peer=OURS, reference=ENVOY, at_most=1.1),
    Multiple(measure=UP, peer=OURS, reference=GO, at_most=0.8),
    Multiple(measure=UP, peer=OURS, reference=ENVOY, at_most=1.1),
    Multiple(measure=HTTP2, peer=OURS, reference=GO, at_most=0.5),
    Multiple(measure=HTTP2, peer=OURS, reference=ENVOY, at_most=1.0),
    Multiple(measure=OPENING, peer=OURS, reference=GO, at_most=1.0),
    Multiple(measure=P50, peer=OURS, reference=GO, at_most=0.5),
    Flat(measures=AWAKE, peer=OURS, at_most=1.25, others=(GO, NGINX)),
    AsFlat(measures=AWAKE, peer=OURS, reference=GO),
    Flat(measures=tuple(SERVICES.values()), peer=OURS, at_most=1.25),
    Multiple(measure=PAIR, peer=OURS, reference=GO, at_most=1.0),
    Below(measure=START, peer=OURS, limit=350),
)
