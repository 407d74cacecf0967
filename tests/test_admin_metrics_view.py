"""`/metrics` over a real socket."""

import asyncio
import gzip
from ipaddress import ip_address

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from authproxy.admin.guard import AdminAccess
from authproxy.admin.metrics_view import metrics_views
from authproxy.observe.metrics.scrape import Scraper
from authproxy.policy.access.networks import AddressSet
from authproxy.values import parse_network
from tests.support.admin import admin_listener
from tests.support.metrics import make_collector, parse

OPENMETRICS = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"


async def test_it_needs_no_key_and_each_format_is_what_its_type_says() -> None:
    async with admin_listener(metrics_views(Scraper(make_collector()))) as admin:
        status, fields, text = await admin.ask("/metrics")
        assert (200, "text/plain; version=0.0.4; charset=utf-8") == (status, fields["content-type"])
        assert "Accept, Accept-Encoding" == fields["vary"]
        assert "no-store" == fields["cache-control"]
        assert "authproxy_requests" in parse(text)

        status, fields, text = await admin.ask("/metrics", Accept=OPENMETRICS)
        assert fields["content-type"].endswith("; charset=utf-8; escaping=allow-utf-8")
        assert list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # -- it is


async def test_it_is_open_to_admin_allow_and_to_nobody_else() -> None:
    access = AdminAccess(allow=AddressSet([parse_network("192.0.2.0/24")]))
    async with admin_listener(metrics_views(Scraper(make_collector())), access) as admin:
        admin.peer.append(ip_address("192.0.2.7"))
        assert 200 == (await admin.ask("/metrics"))[0]
        admin.peer[0] = ip_address("198.51.100.7")
        assert 403 == (await admin.ask("/metrics"))[0]


async def test_gzip_is_for_who_asks_and_head_says_how_much_there_would_be() -> None:
    async with (
        admin_listener(metrics_views(Scraper(make_collector()))) as admin,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        url = f"{admin.url}/metrics?name[]=authproxy_draining"
        async with session.get(url, headers={"Accept-Encoding": "gzip"}) as answer:
            assert "gzip" == answer.headers["Content-Encoding"]
            text = gzip.decompress(await answer.read()).decode()
            assert ["authproxy_draining"] == list(parse(text))
        async with session.head(url, headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert str(len(text)) == answer.headers["Content-Length"]
            assert b"" == await answer.read()
        async with session.post(url) as answer:
            assert (405, "GET, HEAD") == (answer.status, answer.headers["Allow"])


async def test_too_many_at_once_are_told_to_ask_less_often() -> None:
    scraper = Scraper(make_collector(), most_waiting=0)
    async with admin_listener(metrics_views(scraper)) as admin:
        status, fields, text = await admin.ask("/metrics")

    assert (503, "too_many_scrapes") == (status, fields["x-authproxy-error"])
    assert "Scrape less often." in text


async def test_two_who_ask_at_once_get_whole_answers() -> None:
    async with admin_listener(metrics_views(Scraper(make_collector()))) as admin:
        answers = await asyncio.gather(*(admin.ask("/metrics") for _ in range(4)))

    assert [200] * 4 == [status for status, _, _ in answers]
