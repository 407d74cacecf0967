"""Prometheus' part, played over real sockets while real clients use the proxy.

Every line is read by prometheus_client's parsers, for each format.
"""

import asyncio
import gzip
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
import httpx
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import Metric
from websockets.asyncio.client import connect

from authproxy.demo.world import World
from tests.support.metrics import lint, parse, samples
from tests.support.program import Program

OPENMETRICS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
"""As Prometheus 3 sends it."""
TRACE = "0af7651916cd43dd8448eb211c80319c"
Values = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Scraping:
    proxy: Program
    session: aiohttp.ClientSession
    url: str

    async def scrape(self, accept: str = OPENMETRICS) -> str:
        headers = {
            "Accept": accept,
            "Accept-Encoding": "gzip",
            "User-Agent": "Prometheus/3.7.0",
            "X-Prometheus-Scrape-Timeout-Seconds": "10",
        }
        async with self.session.get(f"{self.url}/metrics", headers=headers) as answer:
            assert 200 == answer.status
            return gzip.decompress(await answer.read()).decode()

    async def until(self, name: str, least: float, **labels: str) -> Values:
        """Scrape until the samples of this name and these labels come to so much together."""
        async with asyncio.timeout(20):
            while True:
                found = samples(await self.scrape())
                if total(found, name, **labels) >= least:
                    return found


def total(values: Values, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(
        value for (each, had), value in values.items() if each == name and wanted <= set(had)
    )


@pytest.fixture
async def scraping(world: World) -> AsyncIterator[Scraping]:
    async with (
        Program(
            f"sample={world.url}",
            *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0"),
            *("--admin", "127.0.0.1:0"),
            environ=world.environment,
        ) as proxy,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        url = (await proxy.hear(r"^authproxy: admin: (\S+)$"))[1]
        yield Scraping(proxy, session, url)


async def http1(proxy: Program) -> None:
    async with httpx.AsyncClient(base_url=proxy.url, trust_env=False) as client:
        assert 200 == (await client.get("/whoami")).status_code
        assert 200 == (await client.post("/upload", content=b"x" * 1000)).status_code
        assert 404 == (await client.get("/status/404")).status_code
        traced = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        assert 200 == (await client.get("/download?size=5000", headers=traced)).status_code


async def grpc_calls(proxy: Program) -> None:
    async with aio.insecure_channel(f"127.0.0.1:{proxy.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for _ in range(3):
            await stub.Check(health_pb2.HealthCheckRequest())


async def websocket(proxy: Program) -> None:
    async with connect(f"ws://127.0.0.1:{proxy.port}/ws") as socket:
        await socket.send("hello")
        await socket.recv()


def check_counters(before: Values, after: Values, families: Mapping[str, Metric]) -> None:
    """What only grows never shrinks, and what was there once stays."""
    grows = {family.name for family in families.values() if family.type in ("counter", "histogram")}
    for (name, labels), value in before.items():
        family = name.removesuffix("_total")
        for end in ("_bucket", "_count", "_sum"):
            family = family.removesuffix(end)
        if family in grows:
            assert after[name, labels] >= value, name


async def test_a_scrape_loop_under_all_kinds_of_traffic(scraping: Scraping) -> None:
    proxy = scraping.proxy
    traffic = asyncio.gather(*(each(proxy) for each in (http1, grpc_calls, websocket) * 3))
    before: Values = {}
    scrapes = 0
    while not traffic.done() or scrapes < 3:
        text = await scraping.scrape()
        families = parse(text)
        assert [] == lint(families)
        values = samples(text)
        check_counters(before, values, families)
        before = values
        scrapes += 1
    await traffic
    found = await scraping.until("authproxy_requests_total", 24, service="sample")

    def requests(**labels: str) -> float:
        return total(found, "authproxy_requests_total", service="sample", error="", **labels)

    assert 6 == requests(method="GET", status="2xx")
    assert 3 == requests(method="GET", status="4xx")
    assert 12 == requests(method="POST", status="2xx")  # uploads, and calls of gRPC
    assert 3 == requests(method="GET", status="1xx")
    assert 21 == total(found, "authproxy_request_duration_seconds_count", service="sample")
    assert 24 == total(found, "authproxy_added_latency_seconds_count", service="sample")
    assert total(found, "authproxy_received_bytes_total", service="sample") >= 3000
    assert total(found, "authproxy_sent_bytes_total", service="sample") >= 15_000
    assert 1 <= total(found, "authproxy_token_mints_total", service="sample")
    assert 1 <= total(found, "authproxy_pool_connections_opened_total", service="sample")
    assert 6 <= total(found, "authproxy_client_connections_accepted_total")
    assert 1 == total(found, "authproxy_build_info")


async def test_an_exemplar_leads_to_the_trace_of_a_request(scraping: Scraping) -> None:
    """Not every request is looked at, so it takes some."""
    labels: list[Mapping[str, str]] = []
    async with asyncio.timeout(20):
        while not labels:
            await http1(scraping.proxy)
            family = parse(await scraping.scrape())["authproxy_request_duration_seconds"]
            labels = [each.exemplar.labels for each in family.samples if each.exemplar is not None]

    assert {"trace_id": TRACE} == labels[0]
    assert TRACE not in await scraping.scrape(accept="text/plain")


async def test_text_and_openmetrics_say_the_same(scraping: Scraping) -> None:
    await http1(scraping.proxy)
    await scraping.until("authproxy_requests_total", 4, service="sample")
    text, other = (
        {key: value for key, value in samples(found).items() if key[0].startswith("authproxy_re")}
        for found in (await scraping.scrape("text/plain"), await scraping.scrape())
    )

    assert text == other


async def ask_raw(proxy: Program, requests: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    for request in requests:
        writer.write(request)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            break
        if b"connection: close" in head.lower():
            break
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:") and not request.startswith(b"HEAD"):
                await reader.readexactly(int(line.partition(b":")[2]))
    writer.close()


async def test_whatever_a_hostile_client_makes_up_the_series_stay_few(scraping: Scraping) -> None:
    await http1(scraping.proxy)
    await ask_raw(scraping.proxy, [b"GET / HTTP/1.1\r\nHost: nowhere.example\r\n\r\n"] * 2)
    await ask_raw(scraping.proxy, [b"M HTTP/1.1\r\nHost: nowhere.example\r\n\r\n"])
    before = await scraping.until("authproxy_requests_total", 2, error="host_not_allowed")
    hosts = [
        b"M%d /p%d?q=%d HTTP/1.1\r\nHost: h%d.example\r\n\r\n" % ((number,) * 4)
        for number in range(10_000)
    ]
    paths = [
        b"X%d /status/204/%d HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: k%d\r\n\r\n"
        % ((number,) * 3)
        for number in range(200)
    ]
    await asyncio.gather(*(ask_raw(scraping.proxy, hosts[n::20]) for n in range(20)))
    await ask_raw(scraping.proxy, paths)
    after = await scraping.until("authproxy_requests_total", 10_200, method="other")

    new = {key for key in after if key not in before}
    assert {"authproxy_requests_total"} == {name for name, _ in new}
    assert len(new) <= 4
    assert {"other"} == {dict(labels)["method"] for _, labels in new}


async def test_no_secret_of_a_run_is_in_what_is_scraped(world: World, scraping: Scraping) -> None:
    names = ("query", "form", "header", "cookie", "key", "path", "host", "method", "trailer")
    secret = {name: f"{name}{secrets.token_hex(8)}" for name in names}
    async with httpx.AsyncClient(base_url=scraping.proxy.url, trust_env=False) as client:
        await client.post(
            f"/echo/{secret['path']}?token={secret['query']}",
            data={"password": secret["form"]},
            headers={
                "Authorization": f"Bearer {secret['header']}",
                "Cookie": f"session={secret['cookie']}",
                "X-Api-Key": secret["key"],
                "traceparent": f"00-{secret['header']}-b7ad6b7169203331-01",
            },
        )
        await client.request(secret["method"].upper(), "/echo")
        await client.get("/echo", headers={"Host": f"{secret['host']}.example"})
    chunked = (
        b"POST /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Trailer: X-Secret\r\n\r\n1\r\na\r\n0\r\nX-Secret: %b\r\n\r\n"
    )
    await ask_raw(scraping.proxy, [chunked % secret["trailer"].encode()])
    await scraping.until("authproxy_requests_total", 4)
    texts = [await scraping.scrape(), await scraping.scrape("text/plain")]

    for hidden in (*secret.values(), "eyJ", "@", ".example", world.url):
        for text in texts:
            assert hidden.lower() not in text.lower(), hidden
