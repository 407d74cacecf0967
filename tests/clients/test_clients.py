"""Every client of docs/clients.md works through authproxy, and fails without its token."""

import re
from pathlib import Path

import pytest

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from tests.clients.client import Client
from tests.clients.client_list import CLIENTS
from tests.clients.running import run
from tests.support.program import Program

pytestmark = [
    pytest.mark.outside,
    pytest.mark.timeout(120),
    pytest.mark.parametrize("client", CLIENTS, ids=str),
]


async def test_it_works_through_authproxy(client: Client, tmp_path: Path) -> None:
    async with client.service() as app, World(app=app) as world, _proxy(world) as proxy:
        ran = await run(client, f"http://localhost:{proxy.port}", world, tmp_path)

    assert (client.says, 0) == (ran.lines, ran.code), f"{ran.output}\n{proxy.stderr}"
    assert {METADATA_EMAIL} == {seen.principal for seen in world.cloud_run.seen}


async def test_it_fails_without_its_token(client: Client, tmp_path: Path) -> None:
    """The very same, but for the address: nobody stands between it and the service."""
    async with client.service() as app, World(app=app) as world:
        ran = await run(client, world.url, world, tmp_path)
    answered = {seen.status for seen in world.cloud_run.seen if seen.ended == "answered"}

    assert ran.code != 0, ran.output
    assert re.search(client.fails, ran.output), ran.output
    assert answered
    assert answered <= {401, 403}, ran.output


def _proxy(world: World) -> Program:
    return Program(
        world.url,
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "localhost:0"),
        environ=world.environment,
    )
