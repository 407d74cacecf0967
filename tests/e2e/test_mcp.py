"""`authproxy mcp` between a real client and a server behind the pretend Cloud Run.

`scripts/mcp_table` does the same with every client and server there is.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mcp
import pytest
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from tests.support.mcp_server import McpServer
from tests.support.program import clean_environment


@asynccontextmanager
async def bridged(world: World) -> AsyncIterator[mcp.Client]:
    flags = ("--credentials", "metadata", "--ca-file", str(world.ca_file), "--quiet")
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "authproxy", "mcp", world.url, *flags],
        env=clean_environment(world.environment),
    )
    async with mcp.Client(stdio_client(parameters), mode="legacy") as client:
        yield client


async def test_a_session_lives_through_refusals_and_restarts() -> None:
    server = McpServer()
    async with World(token_life_s=600, app=server.handle) as world, bridged(world) as client:
        gate = world.cloud_run.gate

        async def works() -> bool:
            return bool((await client.call_tool("echo", {"a": 1})).content)

        async def refused() -> str:
            with pytest.raises(MCPError) as caught:
                await client.call_tool("echo", {})
            return str(caught.value)

        assert await works()
        gate.invokers.clear()
        forbidden = await refused()
        gate.invokers.add(METADATA_EMAIL)
        assert await works()

        urls = set(gate.urls)
        gate.urls.clear()
        unbelieved = await refused()
        gate.urls |= urls
        assert await works()

        world.cloud_run.drop_connections()
        server.forget()
        assert await works()

        await world.cloud_run.stop()
        down = await refused()
        await world.cloud_run.start()
        assert await works()

    assert "roles/run.invoker" in forbidden
    assert "audience" in unbelieved
    assert "cannot be reached" in down
    assert 2 <= server.methods().count("initialize")
    principals = {seen.principal for seen in world.cloud_run.seen if seen.status == 200}
    assert {METADATA_EMAIL} == principals


async def test_a_service_that_asks_nobody_in_is_said_at_the_start() -> None:
    server = McpServer()
    async with World(token_life_s=600, app=server.handle) as world:
        world.cloud_run.gate.invokers.clear()
        with pytest.raises(BaseException) as caught:  # noqa: PT011 -- a group, which the SDK makes
            async with bridged(world):
                pass

    assert "roles/run.invoker" in repr(caught.value)
