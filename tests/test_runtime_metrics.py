"""What `/metrics` of the whole program knows, and what is imported when nobody asks for it."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

from authproxy.admin.inside import RequestCounts
from authproxy.exchange import Exchange, RequestHead
from authproxy.identity.machine import Machine
from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.runtime.admin import ProxyInside
from authproxy.runtime.metrics import ProxyMetrics
from authproxy.tasks import Tasks
from tests.support.configuring import URL, settings
from tests.support.metrics import POOL, SERVER, TOKEN, parse, value

HEAVY = ("aiohttp", "prometheus_client", "authproxy.admin", "authproxy.observe.metrics")


def test_nothing_that_metrics_need_is_imported_before_there_is_somebody_to_show_them_to() -> None:
    code = (
        "import sys, authproxy.cli.main, authproxy.runtime.app;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


def ended(status: int, method: bytes) -> Exchange:
    exchange = Exchange("run", 1, None, RequestHead(method, b"/", "1.1", []))
    exchange.service, exchange.status = "billing", status
    return exchange


async def test_figures_are_those_of_the_services_that_there_are_at_the_moment() -> None:
    inside = ProxyInside(settings(urls=[URL]), Tasks(), Machine())
    metrics = ProxyMetrics(inside)
    assert isinstance(metrics.exchanges, ExchangeMetrics)
    scraper = metrics.scraper()
    before = await scraper.scrape()
    assert before is not None
    families = parse(before.body.decode())
    assert [] == families["authproxy_pool_connections"].samples
    assert "authproxy_requests_in_flight" not in families

    billing = SimpleNamespace(
        pool=SimpleNamespace(status=lambda: POOL),
        statuses=lambda: (TOKEN,),
    )
    inside.upstreams = {"billing": cast(Any, billing)}
    inside.server_of_clients = cast(Any, SimpleNamespace(status=lambda: SERVER))
    metrics.reloads.count(worked=False)
    assert inside.counts() == {}
    for status, method in ((200, b"GET"), (502, b"GET"), (404, b"POST")):
        metrics.exchanges.exchange_ended(ended(status, method))
    assert {"billing": RequestCounts(3, 1)} == inside.counts()
    after = await scraper.scrape()
    assert after is not None
    text = after.body.decode()

    assert 100 == value(text, "authproxy_pool_connections_limit", service="billing")
    assert 3 == value(text, "authproxy_token_mints_total", service="billing", account="")
    assert 9 == value(text, "authproxy_requests_in_flight")
    assert 1 == value(text, "authproxy_config_reloads_total", result="failed")
