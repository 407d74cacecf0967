"""Counts of all workers together, as their parent was told.

What a worker has told of stays when it is no more, so what only grows never goes back. How it
stands goes with it.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from authproxy.wire.status import PoolStatus, ServerStatus
from authproxy.workers.counting.counts_message import Message, add_counts, add_exchanges
from authproxy.workers.counting.worker_counts import POOL_COUNTERS, POOL_GAUGES, SERVER_GAUGES

if TYPE_CHECKING:
    from authproxy.observe.metrics.exchanges import ExchangeMetrics
    from authproxy.observe.metrics.histogram import Counts


class CommonCounts:
    """Sums over all workers, those that are no more included."""

    def __init__(self) -> None:
        self.add_to: tuple[ExchangeMetrics, Counts] | None = None
        """Where what is told of exchanges goes, and of the lag of event loops; None: workers need
        not count."""
        self._server: Counter[str] = Counter()
        self._pools: dict[str, list[int]] = {}
        self._now: dict[int, Message] = {}
        """How each worker stands, by its number."""
        self.replaced = 0
        """Workers that have ended before their time."""

    def hear(self, worker: int, message: Message) -> None:
        """The worker of this number tells what is new."""
        if self.add_to is None:
            return
        exchanges, lag = self.add_to
        if "exchanges" in message:
            add_exchanges(exchanges, message["exchanges"])
        if "lag" in message:
            add_counts(lag, message["lag"])
        self._server.update(message.get("server", {}))
        for name, news in message.get("pools", {}).items():
            before = self._pools.get(name, [0] * len(POOL_COUNTERS))
            self._pools[name] = [old + new for old, new in zip(before, news, strict=True)]
        if "now" in message:
            self._now[worker] = message["now"]

    def gone(self, worker: int) -> None:
        """It has ended; another one may get its number."""
        self._now.pop(worker, None)

    def keep_only(self, services: Collection[str]) -> None:
        """Forget the pools of services that are no more."""
        self._pools = {name: each for name, each in self._pools.items() if name in services}

    def server(self, *, processes: int, draining: bool) -> ServerStatus:
        """Without pools."""
        now = [each["server"] for each in self._now.values()]
        sums = {name: sum(each[name] for each in now) for name in SERVER_GAUGES if name != "most"}
        most = [each["most"] for each in now if each["most"] is not None]
        return ServerStatus(
            **sums,
            most=sum(most) if most else None,
            accepted=self._server["accepted"],
            handshakes=self._server["handshakes"],
            handshakes_failed=self._server["handshakes_failed"],
            begun=self._server["begun"],
            draining=draining,
            pools=(),
            processes=processes,
            replaced=self.replaced,
        )

    def pool(self, service: str, own: PoolStatus) -> PoolStatus:
        """The sum of the pools for this service; what else is known of them is as in `own`."""
        now = [each["pools"][service] for each in self._now.values() if service in each["pools"]]
        gauges = [sum(each) for each in zip(*now, strict=True)] or [0] * len(POOL_GAUGES)
        counters = self._pools.get(service, [0] * len(POOL_COUNTERS))
        names = (*POOL_GAUGES, *POOL_COUNTERS)
        found: dict[str, Any] = dict(zip(names, (*gauges, *counters), strict=True))
        return replace(own, **found)

    def __repr__(self) -> str:
        return f"<CommonCounts [{len(self._now)} workers]>"
