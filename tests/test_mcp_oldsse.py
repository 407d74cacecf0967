import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from authproxy.mcp.failures import Broken, Failed, SessionLost
from authproxy.mcp.messages import Message, write_message
from authproxy.mcp.oldsse import OldSse
from tests.support.mcp_server import McpServer, event, mcp_server, page

BEGIN = write_message(id="begin", method="initialize", params={})
ECHO = write_message(id=1, method="tools/call", params={"name": "echo", "arguments": {"a": 1}})
BREAK = write_message(id=2, method="tools/call", params={"name": "break"})
INITIALIZED = write_message(method="notifications/initialized")


class Talk:
    def __init__(self, channel: OldSse, server: McpServer) -> None:
        self.channel = channel
        self.server = server
        self.came: asyncio.Queue[Message] = asyncio.Queue()

    async def ask(self, message: Message) -> None:
        async with asyncio.timeout(10):
            await self.channel.exchange(message, {"A": "b"}, self.came.put)

    async def fail(self, message: Message) -> Failed:
        with pytest.raises(Failed) as caught:
            await self.ask(message)
        return caught.value


@asynccontextmanager
async def talking(folder: Path, target: str = "/sse") -> AsyncIterator[Talk]:
    async with mcp_server(folder, target) as (server, http):
        channel = OldSse(http)
        try:
            yield Talk(channel, server)
        finally:
            await channel.end()


async def test_answers_come_by_the_one_stream(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        await talk.ask(INITIALIZED)
        await asyncio.gather(talk.ask(ECHO), talk.ask(write_message(id="x", method="ping")))
        ids = [(await talk.came.get()).answered for _ in range(3)]

    assert [('"begin"',), ("1",), ('"x"',)] == ids
    assert {"/post", "b"} == {"/post", *(fields["A"] for _, fields, _ in talk.server.came)}


async def test_what_the_server_says_by_itself_is_heard(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        await talk.came.get()
        talk.server.said.put_nowait(event({"jsonrpc": "2.0", "method": "notifications/a"}))
        assert "notifications/a" == (await talk.came.get()).method

        listening = asyncio.get_running_loop().create_task(talk.channel.listen(talk.came.put))
        talk.server.forget()
        with pytest.raises(SessionLost):
            async with asyncio.timeout(10):
                await listening


async def test_the_end_of_the_stream_is_that_of_all_calls_and_of_the_session(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        broken = await talk.fail(BREAK)
        lost = await talk.fail(ECHO)
        await talk.ask(BEGIN)
        await talk.ask(ECHO)

    assert isinstance(broken, Broken)
    assert "The stream of answers from https://server.example/sse ended" in str(broken)
    assert isinstance(lost, SessionLost)


async def test_a_post_for_a_forgotten_session_loses_it(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        talk.server.sessions.clear()

        assert isinstance(await talk.fail(ECHO), SessionLost)


async def test_a_refusal_of_one_post_fails_one_call(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        talk.server.instead.append(page(403, X_Authproxy_Hint="Add the role."))
        failed = await talk.fail(ECHO)
        await talk.ask(ECHO)

    assert "with 403. Add the role." in str(failed)


async def test_a_server_of_another_kind_is_none(tmp_path: Path) -> None:
    async with talking(tmp_path, "/mcp") as talk:
        failed = await talk.fail(BEGIN)

    assert str(failed).startswith("There is no MCP server at https://server.example/mcp (404)")


@pytest.mark.parametrize(
    ("endpoint", "is_good"),
    [
        ("/post?session_id=old", True),
        ("post", True),
        ("https://server.example/post", True),
        ("https://elsewhere.example/post", False),
        ("//elsewhere.example/post", False),
    ],
)
async def test_messages_go_to_the_same_service_only(
    tmp_path: Path, endpoint: str, is_good: bool
) -> None:
    async def old(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        talk.server.sessions = {"old"}
        await stream.write(f"event: endpoint\ndata: {endpoint}\n\n".encode())
        if not is_good:
            return stream
        while data := await talk.server.said.get():
            await stream.write(data)
        return stream

    async with talking(tmp_path) as talk:
        talk.server.open_old = old
        if is_good:
            await talk.ask(BEGIN)
        else:
            assert "There is no MCP server" in str(await talk.fail(BEGIN))
    assert ["initialize"] * is_good == talk.server.methods()
