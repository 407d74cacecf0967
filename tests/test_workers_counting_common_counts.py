"""Sums over workers: what only grows stays when one of them has gone."""

from dataclasses import replace
from typing import Any

import pytest

from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.observe.metrics.histogram import Counts
from authproxy.workers.counting.common_counts import CommonCounts
from tests.support.metrics import POOL

STANDS = {
    "server": {
        "http1": 1,
        "http2": 2,
        "tunnels": 3,
        "arriving": 4,
        "most": 400,
        "exchanges": 9,
        "streams": 8,
    },
    "pools": {"billing": [1, 5, 2, 4, 100]},
}
NEWS: dict[str, Any] = {
    "server": {"accepted": 5, "handshakes": 2, "handshakes_failed": 1, "begun": 7},
    "pools": {"billing": [7, 6, 8, 2, 1]},
    "exchanges": {"series": [["billing", "GET", "2xx", "", 3]], "services": {}},
    "lag": {"buckets": [[0, 2]], "total": 0.5},
    "now": STANDS,
}


@pytest.fixture
def counts() -> CommonCounts:
    found = CommonCounts()
    found.add_to = ExchangeMetrics(), Counts((1.0,))
    return found


def test_what_all_have_told_is_added_up(counts: CommonCounts) -> None:
    counts.hear(1, NEWS)
    counts.hear(2, NEWS)
    status = counts.server(processes=2, draining=False)
    pool = counts.pool("billing", POOL)
    assert counts.add_to is not None
    exchanges, lag = counts.add_to

    assert (2, 4, 6, 8, 800) == (
        *(status.http1, status.http2, status.tunnels),
        *(status.arriving, status.most),
    )
    assert (10, 4, 2, 14) == (
        *(status.accepted, status.handshakes),
        *(status.handshakes_failed, status.begun),
    )
    assert (2, 10, 4, 8, 200) == (
        *(pool.connecting, pool.open, pool.idle),
        *(pool.waiting, pool.limit),
    )
    assert (14, 12, 16) == (pool.opened, pool.failed, pool.waits)
    assert (4, 2) == (pool.http2_opened, pool.http2_failed)
    assert 6 == exchanges.series["billing", "GET", "2xx", ""].count
    assert (4, 1.0) == (lag.count, lag.total)
    assert "<CommonCounts [2 workers]>" == repr(counts)


def test_of_one_that_has_gone_stays_what_it_had_counted(counts: CommonCounts) -> None:
    counts.hear(1, NEWS)
    counts.gone(1)
    counts.replaced += 1
    status = counts.server(processes=1, draining=True)
    pool = counts.pool("billing", POOL)

    assert (0, 0, None) == (status.http1, status.exchanges, status.most)
    assert (5, 7, 1, True) == (status.accepted, status.begun, status.replaced, status.draining)
    assert (0, 0, 7) == (pool.open, pool.limit, pool.opened)


def test_a_service_that_nobody_has_told_of_has_nothing(counts: CommonCounts) -> None:
    counts.hear(1, NEWS)
    nothing: dict[str, Any] = dict.fromkeys(("connecting", "open", "idle", "waiting", "limit"), 0)
    none: dict[str, Any] = dict.fromkeys(
        ("opened", "failed", "waits", "http2_opened", "http2_failed"), 0
    )

    assert replace(POOL, **nothing, **none) == counts.pool("orders", POOL)


def test_pools_of_services_that_are_no_more_are_forgotten(counts: CommonCounts) -> None:
    counts.hear(1, {"do": "counts", "pools": {"billing": [7, 6, 8, 2, 1]}})
    counts.keep_only(["orders"])

    assert 0 == counts.pool("billing", POOL).opened


def test_where_nobody_counts_nothing_is_added() -> None:
    counts = CommonCounts()
    counts.hear(1, NEWS)

    assert 0 == counts.server(processes=1, draining=False).begun
