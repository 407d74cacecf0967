"""Addresses of one service here, in what is asked of another."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support import raw
from tests.support.program import Program
from tests.support.raw import RawService, raw_service

LINK = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CONFIG = """
listen = "127.0.0.1:0"

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
    async with raw_service(talk) as billing, raw_service(talk) as reports:
        file = folder / "authproxy.toml"
        file.write_text(CONFIG.format(billing=billing.url, reports=reports.url))
        async with Program("-c", file) as program:
            yield program, billing, reports


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
