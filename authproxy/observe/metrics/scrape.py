"""Answers a scrape: chooses the format, takes all pieces, and lets the loop turn meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Metric, ProcessCollector

from authproxy.observe.metrics.collector import Collector
from authproxy.observe.metrics.exposition import Writer
from authproxy.observe.metrics.negotiation import choose_format, wants_gzip
from authproxy.threads import in_thread

TURN_S = 0.001
"""So long a scrape may keep the event loop, but for the one piece that is being made."""
MOST_WAITING = 8
"""Scrapes at once, one of them at work; more are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """The answer to one scrape."""

    content_type: str
    gzip: bool
    """It is compressed so."""
    body: bytes


class Scraper:
    """Answers to scrapes of `/metrics`."""

    def __init__(
        self,
        collector: Collector,
        *,
        refresh: Callable[[], Awaitable[object]] | None = None,
        steady: Callable[[], float] = time.monotonic,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """`refresh`: what has others say how they stand, before each scrape."""
        self._collector = collector
        self._refresh = refresh
        self._process = ProcessCollector(registry=None)
        self._steady = steady
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._most_waiting = most_waiting

    async def scrape(
        self, *, accept: str = "", accept_encoding: str = "", names: Sequence[str] = ()
    ) -> Scraped | None:
        """None when too many ask at once. `names`: of families or of samples; none: all of them."""
        if self._waiting >= self._most_waiting:
            return None
        format_, gzip = choose_format(accept), wants_gzip(accept_encoding)
        self._waiting += 1
        try:
            async with self._turn:
                if self._refresh is not None:
                    await self._refresh()
                body = await self._write(Writer(format_, gzip=gzip), frozenset(names))
        finally:
            self._waiting -= 1
        return Scraped(content_type=format_.content_type, gzip=gzip, body=body)

    async def _write(self, writer: Writer, names: frozenset[str]) -> bytes:
        turned_at = self._steady()
        for piece in self._collector.pieces(names):
            writer.add(piece)
            if self._steady() - turned_at > TURN_S:
                await asyncio.sleep(0)
                turned_at = self._steady()
        # Those are read from files, and the open descriptors counted one by one.
        for metric in await in_thread(self._read_process, name="process metrics"):
            metric.samples = [each for each in metric.samples if not names or each.name in names]
            if metric.samples:
                writer.add(metric)
        return writer.finish()

    def _read_process(self) -> Sequence[Metric]:
        return list(self._process.collect())

    def __repr__(self) -> str:
        return f"<Scraper [{self._waiting} at work or waiting]>"
