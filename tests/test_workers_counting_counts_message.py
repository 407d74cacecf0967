"""What was counted of exchanges, told and added."""

import json

from authproxy.errors import Code
from authproxy.observe.metrics.exchanges import ExchangeMetrics, ServiceCounts
from authproxy.observe.metrics.histogram import Counts, Example
from authproxy.workers.counting.counts_message import (
    HISTOGRAMS,
    NUMBERS,
    add_counts,
    add_exchanges,
    shown_counts,
    shown_exchanges,
)
from tests.support.metrics import ended, make_collector
from tests.test_observe_metrics_exchanges import traceparent

EVERY_KIND = (
    ended(duration_s=0.3, fields=traceparent()),
    ended(status=502, code=Code.CONNECT_FAILED, attempts=2),
    ended("orders", method=b"BREW", status=101),
    ended("", status=404, code=Code.NO_ROUTE, attempts=0),
)


def values(exchanges: ExchangeMetrics) -> dict[object, float]:
    """All that a scrape says of them."""
    collector = make_collector("billing", "orders", exchanges=exchanges)
    found: dict[object, float] = {}
    for piece in collector.pieces():
        for each in piece.samples:
            found[each.name, tuple(each.labels.items()), str(each.exemplar)] = each.value
    return found


def test_what_was_told_of_is_what_was_counted() -> None:
    whole, added, worker = ExchangeMetrics(), ExchangeMetrics(), ExchangeMetrics()
    for exchange in EVERY_KIND * 3:
        whole.exchange_ended(exchange)
        worker.exchange_ended(exchange)
        add_exchanges(added, json.loads(json.dumps(shown_exchanges(worker.take()))))

    assert values(whole) == values(added)


def test_everything_that_is_counted_of_a_service_is_told() -> None:
    told = {*NUMBERS, *HISTOGRAMS, "aborted"}

    assert set(ServiceCounts.__slots__) - {"look_at"} == told


def test_a_message_has_only_what_was_counted() -> None:
    metrics = ExchangeMetrics()
    metrics.exchange_ended(ended("", status=404, code=Code.NO_ROUTE, attempts=0))
    shown = shown_exchanges(metrics.take())

    assert [["", "GET", "4xx", "no_route", 1]] == shown["series"]
    assert {"received", "sent", "retries", "aborted"} == set(shown["services"][""])
    assert {"series": [], "services": {}} == shown_exchanges(metrics.take())


def test_buckets_sums_and_examples_of_histograms_are_added() -> None:
    one, other = Counts((1.0, 2.0)), Counts((1.0, 2.0))
    for value in (0.5, 1.5, 9.0):
        one.observe(value)
        other.observe(value)
    other.examples[1] = Example("trace", 1.5, 3.0)
    add_counts(one, json.loads(json.dumps(shown_counts(other))))

    assert [2, 2, 2] == one.counts
    assert 22.0 == one.total
    assert {1: Example("trace", 1.5, 3.0)} == one.examples
