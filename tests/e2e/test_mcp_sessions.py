"""Sessions of a real MCP client through authproxy, in every trouble, with the next call after it.

`scripts/mcp_table` does the same with every client that people have.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mcp
import pytest
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from tests.support.mcp_server import McpServer, page
from tests.support.program import Program

SIGN_IN = "https://accounts.google.com/o/oauth2/v2/auth?client_id=x"


@asynccontextmanager
async def session(world: World) -> AsyncIterator[mcp.Client]:
    flags = ("--credentials", "metadata", "--ca-file", str(world.ca_file))
    async with Program(
        world.url, *flags, "-l", "127.0.0.1:0", environ=world.environment
    ) as program:
        transport = streamable_http_client(f"{program.url}/mcp")
        async with mcp.Client(transport, mode="legacy") as client:
            yield client


async def works(client: mcp.Client) -> bool:
    return bool((await client.call_tool("echo", {"a": 1})).content)


async def refused(client: mcp.Client, tool: str = "echo") -> str:
    with pytest.raises(MCPError) as caught:
        await client.call_tool(tool, {})
    return str(caught.value)


async def test_every_trouble_is_said_and_the_session_goes_on() -> None:
    server = McpServer()
    async with (
        World(token_life_s=600, app=server.handle) as world,
        session(world) as client,
    ):
        gate, said = world.cloud_run.gate, {}
        assert await works(client)

        gate.invokers.clear()
        said["roles/run.invoker"] = await refused(client)
        gate.invokers.add(METADATA_EMAIL)
        assert await works(client)

        urls = set(gate.urls)
        gate.urls.clear()
        said["audience"] = await refused(client)
        gate.urls |= urls
        assert await works(client)

        server.instead.append(page(302, Location=SIGN_IN))
        said["redirects this call to Google's sign-in"] = await refused(client)
        assert await works(client)

        await world.cloud_run.stop()
        said["cannot be reached"] = await refused(client)
        await world.cloud_run.start()
        assert await works(client)

        async with asyncio.timeout(10):
            said["is not valid|closed the connection"] = await refused(client, "break")
            said["before the response"] = await refused(client, "end")
        assert await works(client)

    assert {} == {words: text for words, text in said.items() if not re.search(words, text)}
    assert 1 == server.methods().count("initialize")
