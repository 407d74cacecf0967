import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from authproxy.mcp.failures import Broken, Failed, SessionLost
from authproxy.mcp.messages import Message, write_message
from authproxy.mcp.streamable import Streamable
from tests.support.mcp_server import McpServer, broken, event, mcp_server, page

PAUSE_S = 0.001
BEGIN = write_message(id="begin", method="initialize", params={})
INITIALIZED = write_message(method="notifications/initialized")


def call(name: str, **more: Any) -> Message:
    params = {"name": name, "arguments": more}
    return write_message(id=1, method="tools/call", params=params)


class Talk:
    def __init__(self, channel: Streamable, server: McpServer) -> None:
        self.channel = channel
        self.server = server
        self.came: list[Message] = []
        self.delivered = asyncio.Event()

    async def deliver(self, message: Message) -> None:
        self.came.append(message)
        self.delivered.set()

    async def ask(self, message: Message, **fields: str) -> list[Message]:
        """What came for it."""
        self.came.clear()
        async with asyncio.timeout(10):
            await self.channel.exchange(message, fields, self.deliver)
        return list(self.came)

    async def fail(self, message: Message) -> Failed:
        with pytest.raises(Failed) as caught:
            await self.ask(message)
        return caught.value


@asynccontextmanager
async def talking(folder: Path, target: str = "/mcp") -> AsyncIterator[Talk]:
    async with mcp_server(folder, target) as (server, http):
        yield Talk(Streamable(http, pause_s=PAUSE_S), server)


@pytest.mark.parametrize("in_events", [True, False], ids=["events", "json"])
async def test_an_answer_comes_in_either_form(tmp_path: Path, in_events: bool) -> None:
    async with talking(tmp_path) as talk:
        talk.server.in_events = in_events
        await talk.ask(BEGIN)
        [answer] = await talk.ask(call("echo", a="ü"))
        [unknown] = await talk.ask(write_message(id=2, method="nobody/knows"))
        assert [] == await talk.ask(INITIALIZED)

    assert '{"a": "\\u00fc"}' == answer.parts[0]["result"]["content"][0]["text"]
    assert -32601 == unknown.parts[0]["error"]["code"]


async def test_fields_and_session_go_with_each_message(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN, MCP_Protocol_Version="x")
        await talk.ask(call("echo"))
        assert "<Streamable https://server.example/mcp [in a session]>" == repr(talk.channel)
        await talk.channel.end()

    begin, asked, end = (fields for _, fields, _ in talk.server.came)
    assert ("x", None) == (begin["MCP_Protocol_Version"], begin.get("Mcp-Session-Id"))
    assert "session-1" == asked["Mcp-Session-Id"] == end["Mcp-Session-Id"]
    assert "application/json, text/event-stream" == asked["Accept"]


async def test_what_comes_before_an_answer_is_delivered_at_once(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        talk.came.clear()
        talk.delivered.clear()
        asking = asyncio.get_running_loop().create_task(talk.ask(call("wait")))
        async with asyncio.timeout(10):
            await talk.delivered.wait()
        assert ["notifications/progress"] == [message.method for message in talk.came]
        assert not asking.done()
        talk.server.release.set()
        assert 2 == len(await asking)


async def test_a_large_answer_is_whole(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        [answer] = await talk.ask(call("echo", text="x" * 10_000_000))

    assert 10_000_000 < len(answer.raw)


async def test_leaving_an_answer_is_heard_of(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        asking = asyncio.get_running_loop().create_task(talk.ask(call("wait")))
        await talk.server.hear("tools/call")
        asking.cancel()
        async with asyncio.timeout(10):
            await talk.server.left.wait()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_a_stream_that_breaks_off_is_taken_up_again_by_its_ids(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        [answer] = await talk.ask(call("resume", a=1))

    assert "result" in answer.parts[0]
    assert "7" == talk.server.came[-1][1]["Last-Event-ID"]


@pytest.mark.parametrize("name", ["break", "end"])
async def test_a_stream_that_breaks_off_without_ids_loses_its_answer(
    tmp_path: Path, name: str
) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        failed = await talk.fail(call(name))
        [answer] = await talk.ask(call("echo"))

    assert isinstance(failed, Broken)
    assert str(failed).startswith("The connection to https://server.example/mcp ended, and")
    assert "result" in answer.parts[0]


async def test_a_restarted_server_that_cannot_go_on_loses_the_answer(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        talk.server.instead.append(_ids_only)
        talk.server.forget()
        failed = await talk.fail(call("echo"))

    assert isinstance(failed, Broken)
    assert "was restarted, and the answer to this request is lost" in str(failed)


async def _ids_only(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await stream.prepare(request)
    await stream.write(b"id: 3\ndata:\n\n")
    return stream


async def _cut(request: web.Request) -> web.StreamResponse:
    return broken(request)


async def test_a_connection_that_ends_without_a_word_loses_the_answer(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.server.instead.append(_cut)

        assert isinstance(await talk.fail(call("echo")), Broken)


async def test_a_forgotten_session_is_lost(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        talk.server.forget()

        assert isinstance(await talk.fail(call("echo")), SessionLost)
        assert 1 == len(await talk.ask(BEGIN))


REFUSED = '{"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "Refused. Do it."}}'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(200, "<h1>Hello</h1>", Content_Type="text/html"), "does not answer as an MCP server"),
        (page(202), "does not answer as an MCP server, but with"),
        (page(200, '{"jsonrpc": "2.0", "id": null, "error": {"code": 7, "message": "m"}}'), "m"),
        (page(200, REFUSED, X_Authproxy_Error="refused_by_google"), "Refused. Do it."),
        (page(503, "busy"), "answered with 503: busy"),
        (page(307, Location="https://elsewhere.example/"), "redirects with 307 to https://else"),
        (page(302, Location="/other"), "redirects with 302 to /other"),
    ],
)
async def test_what_is_no_answer_is_a_failure(tmp_path: Path, answer: Any, said: str) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        talk.server.instead.append(answer)
        failed = await talk.fail(call("echo"))

        assert said in failed.error["message"]
        assert 1 == len(await talk.ask(call("echo")))


async def test_a_redirect_within_the_service_is_followed(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.server.instead.append(page(307, Location="/mcp/?a=b"))
        [answer] = await talk.ask(BEGIN)

    assert "result" in answer.parts[0]
    assert ["initialize", "initialize"] == talk.server.methods()


async def test_redirects_have_an_end(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.server.instead += [page(307, Location=f"/{n}") for n in range(9)]

        assert "leads from one address to the next" in str(await talk.fail(BEGIN))


@pytest.mark.parametrize("status", [401, 200])
async def test_a_large_message_is_sent_again_after_its_token_was_turned_down(
    tmp_path: Path, status: int
) -> None:
    """authproxy does that itself for what it still has."""
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        hint = {"X-Authproxy-Hint": "The token has expired."}
        told = {"X-Authproxy-Error": "refused_by_google"} if status == 200 else {}
        talk.server.instead.append(page(status, REFUSED, **hint, **told))
        [answer] = await talk.ask(call("echo", text="x" * 100_000))
        talk.server.instead.append(page(401, **hint))
        failed = await talk.fail(call("echo"))

    assert "result" in answer.parts[0]
    assert "The token has expired." in str(failed)


async def test_what_the_server_says_by_itself_is_heard_after_breaks_too(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await talk.ask(BEGIN)
        talk.came.clear()
        listening = asyncio.get_running_loop().create_task(talk.channel.listen(talk.deliver))
        for number in range(3):
            text = event({"jsonrpc": "2.0", "method": f"notifications/{number}"})
            talk.server.said.put_nowait(b"id: 4\n" + text)
            talk.server.said.put_nowait(b"")  # it ends, in good order
        await talk.server.hear("GET", 4)
        talk.server.forget()
        with pytest.raises(SessionLost):
            async with asyncio.timeout(10):
                await listening

    assert [f"notifications/{number}" for number in range(3)] == [m.method for m in talk.came]
    ids = [f.get("Last-Event-ID") for method, f, _ in talk.server.came if method == "GET"]
    assert [None, "4", "4", "4"] == ids[:4]


async def test_without_a_session_nobody_listens(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        talk.server.has_sessions = False
        await talk.ask(BEGIN)
        async with asyncio.timeout(10):
            await talk.channel.listen(talk.deliver)
        await talk.channel.end()

    assert ["initialize"] == talk.server.methods()
