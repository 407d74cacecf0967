"""Metrics of a running authproxy, and its figures for `/metrics`.

Imported only when there is an admin listener to show it; prometheus_client, when that opens.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from authproxy.admin.inside import RequestCounts
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.observe.metrics.loop_lag import LoopLag
from authproxy.observe.metrics.reloads import Reloads
from authproxy.observe.trace_context import FindTrace, trace_of_client
from authproxy.runtime.admin import ProxyInside
from authproxy.wire.status import PoolStatus, ServerStatus

if TYPE_CHECKING:
    from authproxy.observe.metrics.scrape import Scraper


class ProxyMetrics:
    """Metrics of one run."""

    def __init__(self, inside: ProxyInside, trace_of: FindTrace = trace_of_client) -> None:
        self.exchanges = ExchangeMetrics(trace_of)
        """An observer, to be told before those who make traces."""
        self.lag = LoopLag(time.monotonic)
        self.reloads = Reloads()
        self._inside = inside
        inside.count = self.requests

    async def keep_measuring(self) -> None:
        """The lag, until cancelled; not where requests wait for other processes' loops."""
        if self._inside.others is None:
            await self.lag.keep_measuring()

    def requests(self) -> dict[str, RequestCounts]:
        """Those of each service, by adding up what is counted for `/metrics`."""
        found: dict[str, RequestCounts] = {}
        for (name, _, status, _), series in self.exchanges.series.items():
            if name:
                before = found.get(name, RequestCounts(0, 0))
                errors = series.count if status == "5xx" else 0
                found[name] = RequestCounts(before.requests + series.count, before.errors + errors)
        return found

    def scraper(self) -> "Scraper":
        """What stands behind `/metrics`."""
        from authproxy.observe.metrics.collector import Collector
        from authproxy.observe.metrics.scrape import Scraper

        collector = Collector(
            exchanges=self.exchanges,
            figures=ProxyFigures(self._inside),
            lag=self.lag,
            reloads=self.reloads,
        )
        return Scraper(collector, refresh=self._inside.refresh)


class ProxyFigures:
    """Figures of the proxy: no services and no server until they are built."""

    def __init__(self, inside: ProxyInside) -> None:
        self._inside = inside

    def services(self) -> Sequence[str]:
        return tuple(self._inside.upstreams)

    def pool(self, service: str) -> PoolStatus | None:
        return self._inside.pool(service)

    def tokens(self, service: str) -> Sequence[TokenStatus]:
        upstream = self._inside.upstreams.get(service)
        return () if upstream is None else upstream.statuses()

    def server(self) -> ServerStatus | None:
        return self._inside.server()
