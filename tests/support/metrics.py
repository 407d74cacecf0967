"""Metrics without a proxy around them, and what is looked at in the text that comes of them."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from authproxy.errors import Code
from authproxy.exchange import Exchange, Field, RequestHead, make_field
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.observe.metrics.collector import Collector
from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.observe.metrics.loop_lag import LoopLag
from authproxy.observe.metrics.reloads import Reloads
from authproxy.wire.status import PoolStatus, ServerStatus

NOW = 1_800_000_000.0

POOL = PoolStatus(
    origin="https://billing.example",
    connecting=1,
    open=5,
    idle=2,
    waiting=4,
    limit=100,
    opened=7,
    failed=6,
    waits=8,
)
TOKEN = TokenStatus(
    source="metadata",
    audience="https://billing.example",
    principal="me@x.example",
    state=TokenState.FRESH,
    expires_at=NOW + 3000,
    stale_at=NOW + 2700,
    obtained_at=NOW - 600,
    obtained=3,
    failures=2,
    trouble=None,
    minting=False,
    next_try_at=None,
)
SERVER = ServerStatus(
    http1=1,
    http2=2,
    tunnels=3,
    arriving=4,
    accepted=5,
    handshakes=6,
    handshakes_failed=7,
    most=400,
    exchanges=9,
    streams=8,
    begun=20,
    draining=False,
    pools=(),
)


class FixedFigures:
    """A running proxy whose figures a test sets."""

    def __init__(self, *services: str) -> None:
        self.names = services or ("billing",)
        self.statuses: dict[str, Sequence[TokenStatus]] = dict.fromkeys(self.names, (TOKEN,))
        self.now: ServerStatus | None = SERVER
        self.asked: list[str] = []

    def services(self) -> Sequence[str]:
        return self.names

    def pool(self, service: str) -> PoolStatus:
        self.asked.append(service)
        return POOL

    def tokens(self, service: str) -> Sequence[TokenStatus]:
        return self.statuses[service]

    def server(self) -> ServerStatus | None:
        return self.now


def make_collector(
    *services: str, exchanges: ExchangeMetrics | None = None, figures: FixedFigures | None = None
) -> Collector:
    return Collector(
        exchanges=exchanges or ExchangeMetrics(),
        figures=figures or FixedFigures(*services),
        lag=LoopLag(time.monotonic),
        reloads=Reloads(lambda: NOW),
        wall=lambda: NOW,
    )


def ended(
    service: str = "billing",
    *,
    method: bytes = b"GET",
    status: int = 200,
    code: Code | None = None,
    fields: Iterable[tuple[bytes, bytes]] = (),
    duration_s: float = 0.02,
    sent_s: float = 0.0001,
    first_byte_s: float = 0.01,
    attempts: int = 1,
    started_at: float = NOW,
) -> Exchange:
    """An exchange as the recorder leaves it."""
    lines: list[Field] = [make_field(name, value) for name, value in fields]
    exchange = Exchange("run", 1, None, RequestHead(method, b"/?secret=s", "1.1", lines))
    exchange.service, exchange.status, exchange.code = service, status, code
    exchange.duration_s, exchange.first_byte_s = duration_s, first_byte_s
    exchange.attempts, exchange.started_at = attempts, started_at
    exchange.sent_s = sent_s
    return exchange


def parse(text: str) -> dict[str, Metric]:
    """By the parser of its format; families by their name."""
    is_open = text.endswith("# EOF\n")
    families = parse_openmetrics(text) if is_open else parse_text(text)  # type: ignore[no-untyped-call]  # -- it is
    return {family.name: family for family in families}


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Values by name and labels, of lines that stand there once."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in parse(text).values():
        for each in family.samples:
            key = each.name, tuple(sorted(each.labels.items()))
            assert key not in found, f"twice: {key}"
            found[key] = each.value
    return found


def value(text: str, name: str, **labels: str) -> float:
    return samples(text)[name, tuple(sorted(labels.items()))]


BASE_UNITS = ("seconds", "bytes")
UNITS = re.compile(
    "(milli|micro|nano)?seconds?|ms|us|minutes?|hours?|days?|(kilo|mega|kibi|mebi)?bytes?|percent"
)
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
RESERVED_LABELS = ("quantile", "job", "instance", "exported_service")
SAMPLE_ENDS = ("total", "count", "sum", "bucket", "created")


def _words(family: Metric) -> list[str]:
    return family.name.split("_")


def _labels(family: Metric) -> set[str]:
    return {label for sample in family.samples for label in sample.labels}


RULES: dict[str, Callable[[Metric], bool]] = {
    "snake_case, without a colon": lambda each: bool(NAME.fullmatch(each.name)),
    "the program's name first": lambda each: _words(each)[0] in ("authproxy", "process"),
    "HELP and TYPE": lambda each: each.type != "unknown" and bool(each.documentation),
    "a histogram has a unit": lambda each: (
        each.type != "histogram" or _words(each)[-1] in BASE_UNITS
    ),
    "base units only, at the end": lambda each: (
        [word for word in _words(each) if UNITS.fullmatch(word)] in ([], [_words(each)[-1]])
        and not (UNITS.fullmatch(_words(each)[-1]) and _words(each)[-1] not in BASE_UNITS)
    ),
    "a family does not end as a sample does": lambda each: _words(each)[-1] not in SAMPLE_ENDS,
    "no type in the name": lambda each: each.type not in _words(each),
    "what only grows is a _total, and nothing else is": lambda each: all(
        sample.name.endswith("_total") == (each.type == "counter") for sample in each.samples
    ),
    "no series _created": lambda each: (
        not any(sample.name.endswith("_created") for sample in each.samples)
    ),
    "labels in snake_case, and none that Prometheus sets": lambda each: all(
        NAME.fullmatch(label) and label not in RESERVED_LABELS for label in _labels(each)
    ),
    "le belongs to histograms": lambda each: "le" not in _labels(each) or each.type == "histogram",
}
"""For names, by Prometheus and OpenMetrics: each rule says whether a family holds to it."""


def lint(families: Mapping[str, Metric]) -> list[str]:
    """What breaks the rules, a line for each."""
    return [
        f"{name}: {rule}"
        for name, family in families.items()
        for rule, holds in RULES.items()
        if not holds(family)
    ]
