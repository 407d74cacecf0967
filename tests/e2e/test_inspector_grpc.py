"""gRPC calls in the page: a whole authproxy, and a service that describes its messages."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from grpc import aio

from authproxy.demo.world import World
from tests.support.behind import free_port
from tests.support.browser import ENGINES
from tests.support.grpc_service import Account, grpc_service
from tests.support.inspecting import KEY
from tests.support.program import Program

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]

SECRET = "hunter2-hunter2"
DETAIL = "document.querySelector('.detail').innerText"


def program(world: World, service: int, port: int) -> Program:
    key = {"AUTHPROXY_ADMIN_KEY": "env:KEY", "KEY": KEY, "AUTHPROXY_RECORD_BODIES": "true"}
    return Program(
        f"http://127.0.0.1:{service}",
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0"),
        *("--audience", "https://accounts.example", "--admin", f"127.0.0.1:{port}", "--inspect"),
        environ=world.environment | key,
    )


@pytest.mark.parametrize("engine", list(ENGINES))
async def test_who_opens_a_call_has_names_from_the_next_message_on(
    engine: str, tmp_path: Path
) -> None:
    port = free_port()
    account = Account(name="Ada", password=SECRET, kind=2)
    async with (
        World() as world,
        grpc_service("v1alpha") as service,
        program(world, service.port, port) as proxy,
        aio.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
        ENGINES[engine](f"http://127.0.0.1:{port}/?key={KEY}", tmp_path / "profile") as page,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
    ):
        await page.wait_for("document.querySelector('#connection')?.textContent == 'live'")
        assert account == await service.call(channel)(account)
        async with session.get(f"http://127.0.0.1:{port}/api/exchanges") as answer:
            listed: Any = await answer.json()
        assert [] == service.told, "nobody has looked yet"
        await page.evaluate(f"void (location.hash = '#/exchanges/{listed['run']}-1')")
        await page.wait_for(f"{DETAIL}.includes('Those that come from now on have names')")
        assert "Ada" not in await page.evaluate(DETAIL)
        assert account == await service.call(channel)(account)
        await page.evaluate(f"void (location.hash = '#/exchanges/{listed['run']}-2')")
        await page.wait_for(f"{DETAIL}.includes('BUSINESS')")
        shown = await page.evaluate(DETAIL)
        async with session.get(f"http://127.0.0.1:{port}/api/exchanges/har") as answer:
            kept = json.dumps(await answer.json())

    assert 1 == len(service.told)
    assert service.told[0]["authorization"].startswith("Bearer eyJ")
    assert '"name": "Ada"' in shown
    assert '"password": "[redacted:' in shown
    assert SECRET not in shown + kept
