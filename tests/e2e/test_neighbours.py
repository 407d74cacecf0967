"""Addresses of one service here, in what is asked of another."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support import raw
from tests.support.behind import free_port
from tests.support.program import Program
from tests.support.raw import RawService, raw_service

LINK = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CONFIG = """
listen = "127.0.0.1:{port}"
allow_origins = ["http://reports.localhost:{port}"]

[listeners.reports]
listen = "127.0.0.1:0"
service = "reports"

[services.billing]
url = "{billing}"
credentials = "none"

[services.reports]
url = "{reports}"
path = "/reports"
strip_path = true
credentials = "none"
"""


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Program, RawService, RawService]]:
    talk = raw.always(raw.OK)
    async with raw_service(echo) as billing, raw_service(talk) as reports:
        file = folder / "authproxy.toml"
        text = CONFIG.format(billing=billing.url, reports=reports.url, port=free_port())
        file.write_text(text)
        async with Program("-c", file) as program:
            yield program, billing, reports


async def echo(call: raw.Call) -> None:
    """As many frameworks do: whoever asks may read."""
    while head := await call.read_head():
        origin = next((x for x in head.split(b"\r\n") if x.startswith(b"Origin: ")), b"Origin: -")
        allow = b"Access-Control-Allow-" + origin
        await call.say(b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: 0\r\n\r\n" % allow)


async def test_a_page_of_one_service_may_read_another_that_lets_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (program, billing, reports), httpx.AsyncClient() as client:
        port = program.port
        page = f"http://reports.localhost:{port}"
        fields = {"Host": f"billing.localhost:{port}", "Origin": page}
        answer = await client.get(f"http://127.0.0.1:{port}/", headers=fields)

    assert f"Origin: {reports.url}\r\n".encode() in billing.heads[0]
    assert page == answer.headers["Access-Control-Allow-Origin"]


async def test_they_become_that_services_own(tmp_path: Path) -> None:
    async with running(tmp_path) as (program, billing, reports), httpx.AsyncClient() as client:
        port = program.port
        alone = program.urls[-1].rpartition(":")[2]
        own = {"Host": f"billing.localhost:{port}"}
        pages = {
            f"http://billing.localhost:{port}/a": f"{billing.url}/a",
            f"http://localhost:{port}/reports/a": f"{reports.url}/a",
            f"http://reports.localhost:{port}/a": f"{reports.url}/a",
            f"http://localhost:{alone}/a": f"{reports.url}/a",
        }
        for here in pages:
            fields = own | LINK | {"Referer": here, "Destination": here}
            await client.get(f"http://127.0.0.1:{port}/", headers=fields)

    for there, head in zip(pages.values(), billing.heads, strict=True):
        lines = head.decode().split("\r\n")
        assert {f"Referer: {there}", f"Destination: {there}"} <= set(lines)
