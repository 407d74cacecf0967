"""Reads every figure as families of prometheus_client, when somebody asks for them.

Theory of operation. A thousand services have some fifty thousand lines. So a family comes in
pieces, and nothing is read before its piece is made: whoever takes them lets the event loop turn in
between. All lines of one histogram, of one pool and of one token are of the same moment.
"""

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

from authproxy import __version__
from authproxy.errors import Code
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.observe.metrics import definitions as d
from authproxy.observe.metrics.exchanges import ExchangeMetrics, ServiceCounts
from authproxy.observe.metrics.histogram import Counts
from authproxy.observe.metrics.loop_lag import LoopLag
from authproxy.observe.metrics.reloads import Reloads
from authproxy.wire.status import PoolStatus, ServerStatus

PIECE = 100
"""Samples of one piece, or a few more: so many take about a millisecond to make and to write."""
KINDS = {
    Code.TOKEN_UNAVAILABLE: "token",
    Code.SECRET_UNAVAILABLE: "secret",
    Code.SERVICE_UNRESOLVED: "address",
}
"""What a request may wait for, by what it is answered without it."""

Labels = tuple[str, ...]
Rows = Iterable[tuple[Labels, float | Counts]]


class Figures(Protocol):
    """Figures of the running proxy besides what observers count. All of it is quick."""

    def services(self) -> Sequence[str]:
        """Names of the configured services."""

    def pool(self, service: str) -> PoolStatus | None:
        """Connections to this service; None when it was taken out while it was asked about."""

    def tokens(self, service: str) -> Sequence[TokenStatus]:
        """Of all that this service's requests need: the token, secrets, the address."""

    def server(self) -> ServerStatus | None:
        """Connections of clients, and what is in flight; None before there is a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Collector of all metrics, but for those of the process itself."""

    exchanges: ExchangeMetrics
    figures: Figures
    lag: LoopLag
    reloads: Reloads
    wall: Callable[[], float] = time.time

    def pieces(self, names: frozenset[str] = frozenset()) -> Iterator[Metric]:
        """The families, each as one or several with the same name; with `names` only those, or only
        their samples of these names."""
        for definition, rows in _Scrape(self).rows():
            family = _family(definition).name
            if not names or names & definition.sample_names or family in names:
                for piece in _in_pieces(definition, rows):
                    if names and family not in names and definition.name not in names:
                        piece.samples = [each for each in piece.samples if each.name in names]
                    yield piece


@dataclass(slots=True)
class _Scrape:
    """One reading; what several families need is asked for once."""

    collector: Collector
    _pools: dict[str, PoolStatus | None] = field(default_factory=dict)
    _tokens: dict[str, Sequence[TokenStatus]] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[d.Definition, Rows]]:
        yield from self._of_exchanges()
        now = self.collector.figures.server()
        if now is not None:
            yield from self._of_server(now)
        yield from self._of_pools()
        yield from self._of_tokens()
        reloads = self.collector.reloads
        yield d.LOOP_LAG, [((), self.collector.lag.counts)]
        yield d.RELOADS, [(("ok",), reloads.ok), (("failed",), reloads.failed)]
        yield d.RELOADED, [((), reloads.succeeded_at)]
        yield d.BUILD, [((__version__, platform.python_version()), 1)]

    def _of_exchanges(self) -> Iterator[tuple[d.Definition, Rows]]:
        series = self.collector.exchanges.series
        yield d.REQUESTS, ((each.labels, each.count) for each in list(series.values()))
        yield d.DURATION, self._counted(lambda each: each.duration)
        yield d.ADDED, self._counted(lambda each: each.added)
        yield d.SERVICE_LATENCY, self._counted(lambda each: each.latency)
        yield d.TOKEN_WAIT, self._counted(lambda each: each.token_wait)
        yield d.CONNECTION_WAIT, self._counted(lambda each: each.connection_wait)
        yield d.RECEIVED, self._counted(lambda each: each.received, unknown=True)
        yield d.SENT, self._counted(lambda each: each.sent, unknown=True)
        yield d.RETRIES, self._counted(lambda each: each.retries)
        yield (
            d.ABORTED,
            (
                ((name, by), count)
                for name in ("", *self._services)
                for by, count in self._of(name).aborted.items()
            ),
        )

    def _of_server(self, now: ServerStatus) -> Iterator[tuple[d.Definition, Rows]]:
        yield d.STARTED, [((), now.begun)]
        yield d.IN_FLIGHT, [((), now.exchanges)]
        yield d.STREAMS, [((), now.streams)]
        kinds = {
            "http1": now.http1,
            "http2": now.http2,
            "tunnel": now.tunnels,
            "arriving": now.arriving,
        }
        yield d.CONNECTIONS, [((kind,), count) for kind, count in kinds.items()]
        yield d.CONNECTIONS_LIMIT, [] if now.most is None else [((), now.most)]
        yield d.ACCEPTED, [((), now.accepted)]
        yield d.HANDSHAKES, [(("ok",), now.handshakes), (("failed",), now.handshakes_failed)]
        yield d.DRAINING, [((), now.draining)]
        yield d.WORKERS, [((), now.processes)]
        yield d.WORKERS_REPLACED, [((), now.replaced)]

    def _of_pools(self) -> Iterator[tuple[d.Definition, Rows]]:
        yield (
            d.POOL_CONNECTIONS,
            (
                ((name, state), getattr(pool, state))
                for name in self._services
                if (pool := self._pool(name)) is not None
                for state in ("connecting", "busy", "idle")
            ),
        )
        yield d.POOL_LIMIT, self._pooled(lambda pool: pool.limit)
        yield d.POOL_OPENED, self._pooled(lambda pool: pool.opened)
        yield d.POOL_FAILED, self._pooled(lambda pool: pool.failed)
        yield d.POOL_WAITING, self._pooled(lambda pool: pool.waiting)
        yield d.POOL_WAITS, self._pooled(lambda pool: pool.waits)

    def _of_tokens(self) -> Iterator[tuple[d.Definition, Rows]]:
        now = self.collector.wall()
        yield d.TOKEN_USABLE, self._by_token(lambda token: token.sendable)
        yield d.TOKEN_AGE, self._by_token(lambda token: _age(token, now))
        yield d.TOKEN_EXPIRY, self._by_token(_expiry)
        yield d.TOKEN_MINTS, self._by_token(lambda token: token.obtained)
        yield d.TOKEN_FAILURES, self._by_token(lambda token: token.failures)
        yield (
            d.FAILING,
            (
                ((name, kind), failing)
                for name in self._services
                for kind, failing in _failing(self._tokens_of(name)).items()
            ),
        )

    @property
    def _services(self) -> Sequence[str]:
        return self.collector.figures.services()

    def _of(self, name: str) -> ServiceCounts:
        return self.collector.exchanges.service(name)

    def _counted(
        self, read: Callable[[ServiceCounts], float | Counts], *, unknown: bool = False
    ) -> Rows:
        """`unknown`: also for requests that no service was found for."""
        names = ("", *self._services) if unknown else self._services
        return (((name,), read(self._of(name))) for name in names)

    def _pool(self, name: str) -> PoolStatus | None:
        if name not in self._pools:
            self._pools[name] = self.collector.figures.pool(name)
        return self._pools[name]

    def _pooled(self, read: Callable[[PoolStatus], float]) -> Rows:
        return (
            ((name,), read(pool))
            for name in self._services
            if (pool := self._pool(name)) is not None
        )

    def _tokens_of(self, name: str) -> Sequence[TokenStatus]:
        if name not in self._tokens:
            self._tokens[name] = self.collector.figures.tokens(name)
        return self._tokens[name]

    def _by_token(self, read: Callable[[TokenStatus], float | None]) -> Rows:
        """For the services whose address, and so whose audience, is known: a sample for each
        account."""
        for name in self._services:
            for each in self._tokens_of(name):
                value = read(each) if each.code is Code.TOKEN_UNAVAILABLE else None
                if value is not None:
                    yield (name, each.account), value


def _age(token: TokenStatus, now: float) -> float | None:
    return None if token.obtained_at is None else max(now - token.obtained_at, 0.0)


def _expiry(token: TokenStatus) -> float | None:
    return None if token.expires_at == float("inf") else token.expires_at


def _failing(statuses: Sequence[TokenStatus]) -> dict[str, bool]:
    """By kind: whether any of them could not be got at the last try."""
    found: dict[str, bool] = {}
    for each in statuses:
        kind = KINDS.get(each.code, "token")
        found[kind] = found.get(kind, False) or each.trouble is not None
    return found


Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily | InfoMetricFamily


def _family(definition: d.Definition) -> Family:
    """Empty, with its name, help and type."""
    name, labels, unit = definition.name, definition.labels, definition.unit
    match definition.kind:
        case "counter":
            return CounterMetricFamily(
                name.removesuffix("_total"), definition.help, labels=labels, unit=unit
            )
        case "gauge":
            return GaugeMetricFamily(name, definition.help, labels=labels, unit=unit)
        case "histogram":
            return HistogramMetricFamily(name, definition.help, labels=labels, unit=unit)
        case "info":
            return InfoMetricFamily(name.removesuffix("_info"), definition.help, labels=labels)


def _in_pieces(definition: d.Definition, rows: Rows) -> Iterator[Metric]:
    """At least one, so that every metric is named even while it has no value."""
    piece, count = _family(definition), 0
    for labels, value in rows:
        _add(piece, labels, value)
        if len(piece.samples) >= PIECE:
            yield piece
            piece, count = _family(definition), count + 1
    if piece.samples or not count:
        yield piece


def _add(piece: Family, labels: Labels, value: float | Counts) -> None:
    if isinstance(piece, HistogramMetricFamily):
        assert isinstance(value, Counts)  # noqa: S101 -- for the type checker
        piece.add_metric(labels, _buckets(value), value.total)
    elif isinstance(piece, InfoMetricFamily):
        piece.add_metric(labels, {})
    else:
        assert not isinstance(value, Counts)  # noqa: S101 -- for the type checker
        piece.add_metric(labels, value)


def _buckets(counts: Counts) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    """With the counts of all below, as Prometheus has them."""
    found: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    below = 0
    for bucket, bound in enumerate((*counts.bounds, float("inf"))):
        below += counts.counts[bucket]
        example = counts.examples.get(bucket)
        if example is None:
            found.append((_shown(bound), below))
        else:
            at = round(example.at, 3)
            exemplar = Exemplar({"trace_id": example.trace_id}, example.value, at)
            found.append((_shown(bound), below, exemplar))
    return found


def _shown(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(bound)
