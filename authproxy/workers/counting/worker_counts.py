"""Counts of a worker, for its parent: what is new, and how it stands.

Rules of this file: what only grows is told as what has come since it was told before, so that it
stays when the worker is no more. That is done once a second, and costs little where little has
happened. How it stands, which takes a look at every connection, is told when somebody asks.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.observe.metrics.loop_lag import LoopLag
from authproxy.observe.trace_context import FindTrace
from authproxy.wire.status import PoolStatus
from authproxy.workers.counting.counts_message import Message, shown_counts, shown_exchanges

if TYPE_CHECKING:
    from authproxy.wire.listening.server import ProxyServer
    from authproxy.wire.upstream.pool import Pool
    from authproxy.wire.upstream.upstream import Upstream

EVERY_S = 1.0
SERVER_COUNTERS = ("accepted", "handshakes", "handshakes_failed")
SERVER_GAUGES = ("http1", "http2", "tunnels", "arriving", "most", "exchanges", "streams")
POOL_COUNTERS = ("opened", "failed", "waits", "http2_opened", "http2_failed")
POOL_GAUGES = ("connecting", "open", "idle", "waiting", "limit")


class WorkerCounts:
    """The counts of one worker."""

    def __init__(
        self,
        trace_of: FindTrace,
        say: Callable[[Message], object],
        is_behind: Callable[[], bool],
    ) -> None:
        """`say` tells the parent; `is_behind`: it has not taken all yet."""
        self.exchanges = ExchangeMetrics(trace_of)
        """An observer, to be told before those who make traces."""
        self.lag = LoopLag(time.monotonic)
        self._say = say
        self._is_behind = is_behind
        self._server: ProxyServer | None = None
        self._upstreams: Callable[[], Mapping[str, Upstream]] = dict
        self._told_of_server: tuple[int, ...] = ()
        self._told_of_pools: dict[str, tuple[Pool, tuple[int, ...]]] = {}

    def count(
        self, server: "ProxyServer", upstreams: "Callable[[], Mapping[str, Upstream]]"
    ) -> None:
        """What is told of besides exchanges."""
        self._server, self._upstreams = server, upstreams

    async def keep_telling(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.tell()

    def tell(self, *, is_asked: bool = False) -> None:
        """What is new; how it stands, if somebody asks. To a parent that is behind nothing is said
        unasked: it is counted on meanwhile."""
        if self._is_behind() and not is_asked:
            return
        taken = self.exchanges.take()
        message: dict[str, Any] = {"do": "counts"}
        if taken.series:
            message["exchanges"] = shown_exchanges(taken)
        lag = self.lag.counts.take()
        if lag.count:
            message["lag"] = shown_counts(lag)
        if self._server is not None:
            self._tell_of_server(self._server, message)
            names = self._upstreams() if is_asked else taken.services
            self._tell_of_pools(message, names, is_asked=is_asked)
        if len(message) > 1:
            self._say(message)

    def _tell_of_server(self, server: "ProxyServer", message: dict[str, Any]) -> None:
        now = (
            *(getattr(server.room, name) for name in SERVER_COUNTERS),
            server.recorder.begun,
        )
        new = _since(self._told_of_server, now)
        self._told_of_server = now
        if any(new):
            message["server"] = dict(zip((*SERVER_COUNTERS, "begun"), new, strict=True))

    def _tell_of_pools(
        self, message: dict[str, Any], names: Collection[str], *, is_asked: bool
    ) -> None:
        upstreams = self._upstreams()
        pools: dict[str, PoolStatus] = {}
        news: dict[str, list[int]] = {}
        for name in names:
            if name not in upstreams:
                continue
            pool = upstreams[name].pool
            pools[name] = status = pool.status()
            now = tuple(getattr(status, each) for each in POOL_COUNTERS)
            known, before = self._told_of_pools.get(name, (pool, ()))
            new = _since(before if known is pool else (), now)
            self._told_of_pools[name] = pool, now
            if any(new):
                news[name] = new
        if news:
            message["pools"] = news
        if is_asked and self._server is not None:
            server = self._server.status()
            message["now"] = {
                "server": {name: getattr(server, name) for name in SERVER_GAUGES},
                "pools": {
                    name: [getattr(status, each) for each in POOL_GAUGES]
                    for name, status in pools.items()
                },
            }
            self._told_of_pools = {name: self._told_of_pools[name] for name in pools}

    def __repr__(self) -> str:
        return f"<WorkerCounts {self.exchanges!r}>"


def _since(before: tuple[int, ...], now: tuple[int, ...]) -> list[int]:
    """What has come; `before` is empty for nothing."""
    if not before:
        return list(now)
    return [after - old for old, after in zip(before, now, strict=True)]
