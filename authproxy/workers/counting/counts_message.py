"""Counts of exchanges as a message: of each histogram only the buckets that have any."""

from collections.abc import Mapping
from typing import Any

from authproxy.observe.metrics.exchanges import ExchangeMetrics, ServiceCounts
from authproxy.observe.metrics.histogram import Counts

Message = Mapping[str, Any]

NUMBERS = ("received", "sent", "retries")
HISTOGRAMS = ("duration", "latency", "added", "token_wait", "connection_wait")


def shown_counts(counts: Counts) -> Message:
    found = {
        "buckets": [[bucket, count] for bucket, count in enumerate(counts.counts) if count],
        "total": counts.total,
    }
    examples = [[bucket, *each] for bucket, each in counts.examples.items()]
    return found | ({"examples": examples} if examples else {})


def add_counts(counts: Counts, message: Message) -> None:
    counts.add(message["buckets"], message["total"], message.get("examples", ()))


def shown_exchanges(taken: ExchangeMetrics) -> Message:
    return {
        "series": [[*each.labels, each.count] for each in taken.series.values()],
        "services": {name: _shown(each) for name, each in taken.services.items()},
    }


def add_exchanges(exchanges: ExchangeMetrics, message: Message) -> None:
    for *labels, count in message["series"]:
        service, method, status, error = labels
        exchanges.labelled((service, method, status, error)).count += count
    for name, each in message["services"].items():
        _add(exchanges.service(name), each)


def _shown(service: ServiceCounts) -> Message:
    found: dict[str, Any] = {name: getattr(service, name) for name in NUMBERS}
    found["aborted"] = {by: count for by, count in service.aborted.items() if count}
    for name in HISTOGRAMS:
        counts: Counts = getattr(service, name)
        if any(counts.counts):
            found[name] = shown_counts(counts)
    return found


def _add(service: ServiceCounts, message: Message) -> None:
    for name in NUMBERS:
        setattr(service, name, getattr(service, name) + message[name])
    for by, count in message["aborted"].items():
        service.aborted[by] += count
    for name in HISTOGRAMS:
        if name in message:
            add_counts(getattr(service, name), message[name])
