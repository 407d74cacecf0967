"""The observer that counts exchanges.

Rules of this file: it is on the way of every request, so a small one costs a look into a dict, some
additions and three searches among a dozen bounds, written out where they are done: a call for each
would cost half as much again. What labels a request counts under is found once for each
combination, and a client's own words never become one: a method that is not in METHODS is `other`,
and is looked up each time.
"""

from bisect import bisect_left
from collections.abc import Collection

from authproxy.errors import Code
from authproxy.exchange import Exchange
from authproxy.observe.metrics.histogram import Counts, Example
from authproxy.observe.trace_context import FindTrace, trace_of_client
from authproxy.times import Times, WaitsFor

METHODS = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
}
OTHER = "other"

LONG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bounds for what takes a service's time."""
ADDED_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0)
"""Bounds for what is our own: most of it is below the first bounds of others."""
WAIT_S = (0.0025, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds for tokens and connections that were not at hand."""
EXAMPLE_EVERY_S = 1.0
"""How often a bucket takes another trace to show …"""
LOOK_EVERY_S = 0.01
"""… and how often it looks whether a request names one, while none did: to look costs more than to
count."""


class Series:
    """The requests that count under the same labels."""

    __slots__ = ("count", "labels", "service")

    def __init__(self, service: "ServiceCounts", labels: tuple[str, str, str, str]) -> None:
        self.service = service
        self.labels = labels
        self.count = 0


class ServiceCounts:
    """Counts of one service, or of all requests without one."""

    __slots__ = (
        "aborted",
        "added",
        "connection_wait",
        "duration",
        "latency",
        "look_at",
        "received",
        "retries",
        "sent",
        "token_wait",
    )

    def __init__(self) -> None:
        self.received = self.sent = self.retries = 0
        self.duration, self.latency = Counts(LONG_S), Counts(LONG_S)
        self.added = Counts(ADDED_S)
        self.token_wait, self.connection_wait = Counts(WAIT_S), Counts(WAIT_S)
        self.aborted = {"client": 0, "service": 0, "authproxy": 0}
        self.look_at = [0.0] * (len(LONG_S) + 1)
        """For each bucket of `duration`: from when on another example is looked for."""


class ExchangeMetrics:
    """An Observer: counts what ended, by service."""

    wants_times = True

    def __init__(self, trace_of: FindTrace = trace_of_client) -> None:
        self._trace_of = trace_of
        self.services: dict[str, ServiceCounts] = {}
        """By name; empty for requests that no service was found for."""
        self.series: dict[tuple[str, str, str, str], Series] = {}
        """By labels: service, method, class of the status, error."""
        self._found: dict[tuple[str, bytes, int, Code | None], Series] = {}
        """The same by what an exchange has. Methods are known ones, so it stays small."""

    def service(self, name: str) -> ServiceCounts:
        """That of a configured service, or of the empty name."""
        found = self.services.get(name)
        if found is None:
            found = self.services[name] = ServiceCounts()
        return found

    def labelled(self, labels: tuple[str, str, str, str]) -> Series:
        """The series of these labels."""
        found = self.series.get(labels)
        if found is None:
            found = self.series[labels] = Series(self.service(labels[0]), labels)
        return found

    def take(self) -> "ExchangeMetrics":
        """What was counted since it was taken before, which is not here any more."""
        taken = ExchangeMetrics(self._trace_of)
        taken.services, self.services = self.services, {}
        taken.series, self.series = self.series, {}
        self._found = {}
        return taken

    def keep_only(self, names: Collection[str]) -> None:
        """Forget what was counted for services that are no more."""
        kept = {"", *names}
        self.services = {name: each for name, each in self.services.items() if name in kept}
        self.series = {key: each for key, each in self.series.items() if key[0] in kept}
        self._found = {key: each for key, each in self._found.items() if key[0] in kept}

    def exchange_ended(self, exchange: Exchange) -> None:  # noqa: C901 -- see the rules of this file
        key = (exchange.service, exchange.head.method, exchange.status // 100, exchange.code)
        try:
            series = self._found[key]
        except KeyError:
            series = self._find(*key)
        series.count += 1
        service = series.service
        service.received += exchange.bytes_from_client
        service.sent += exchange.bytes_to_client
        if exchange.aborted:
            service.aborted[exchange.aborted] += 1
        if not key[0]:
            return
        if key[2] != 1:
            counts, duration_s = service.duration, exchange.duration_s
            bucket = bisect_left(LONG_S, duration_s)
            counts.counts[bucket] += 1
            counts.total += duration_s
            if exchange.started_at >= service.look_at[bucket]:
                self._look_for_example(service, bucket, exchange)
        if exchange.attempts == 1:
            counts, sent_s = service.added, exchange.sent_s
            counts.counts[bisect_left(ADDED_S, sent_s)] += 1
            counts.total += sent_s
            if exchange.first_byte_s:
                counts, latency_s = service.latency, exchange.first_byte_s - sent_s
                counts.counts[bisect_left(LONG_S, latency_s)] += 1
                counts.total += latency_s
        elif exchange.attempts:
            _count_retried(service, exchange)
        if exchange.times is not None:
            _count_waits(service, exchange, exchange.times)

    def _find(self, name: str, method: bytes, hundreds: int, code: Code | None) -> Series:
        """The series for such exchanges; remembered, unless a client could fill the memory so."""
        status = f"{hundreds}xx" if hundreds else "none"
        labels = (name, METHODS.get(method, OTHER), status, code.value if code else "")
        series = self.labelled(labels)
        if method in METHODS:
            self._found[name, method, hundreds, code] = series
        return series

    def _look_for_example(self, service: ServiceCounts, bucket: int, exchange: Exchange) -> None:
        """Only a trace that is recorded can be looked at."""
        trace = self._trace_of(exchange)
        if trace is None or not trace.sampled:
            service.look_at[bucket] = exchange.started_at + LOOK_EVERY_S
        else:
            service.look_at[bucket] = exchange.started_at + EXAMPLE_EVERY_S
            ended_at = exchange.started_at + exchange.duration_s
            example = Example(trace.trace_id, exchange.duration_s, ended_at)
            service.duration.examples[bucket] = example

    def __repr__(self) -> str:
        count = sum(series.count for series in self.series.values())
        return f"<ExchangeMetrics [{count} exchanges, {len(self.series)} series]>"


def _count_retried(service: ServiceCounts, exchange: Exchange) -> None:
    """Before the last try the service was waited for: that is no latency of ours."""
    service.retries += exchange.attempts - 1
    if exchange.first_byte_s:
        service.latency.observe(exchange.first_byte_s - exchange.sent_s)


def _count_waits(service: ServiceCounts, exchange: Exchange, times: Times) -> None:
    """Of those that had to wait, and went out; all waits of a request together."""
    if not exchange.attempts:
        return
    for counts, what in _waits(service):
        waited_s = times.waited_s(what)
        if waited_s:
            counts.observe(waited_s)


def _waits(service: ServiceCounts) -> tuple[tuple[Counts, WaitsFor], ...]:
    return (service.token_wait, "token"), (service.connection_wait, "connection")
