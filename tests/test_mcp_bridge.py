"""The bridge between a client that a test plays and a server on a Unix socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from authproxy.mcp.bridge import Bridge
from authproxy.mcp.channel import Channel, Http
from authproxy.mcp.failures import Failed
from authproxy.mcp.oldsse import OldSse
from authproxy.mcp.streamable import Streamable
from tests.support.mcp_server import McpServer, event, mcp_server, page

VERSION_2026 = "2026-07-28"
META = {"_meta": {"io.modelcontextprotocol/protocolVersion": VERSION_2026}}


class Client:
    """The client of a bridge."""

    def __init__(self, server: McpServer, http: Http) -> None:
        self.server = server
        self.came: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.connects: list[Failed] = []
        """What the next ones to need the server get instead of it."""
        streamable, older = Streamable(http, pause_s=0.001), OldSse(http)

        async def connect() -> Channel:
            if self.connects:
                raise self.connects.pop(0)
            return streamable

        async def connect_older() -> Channel:
            return older

        self.bridge = Bridge(self._write, connect, connect_older)
        self.older = older

    async def _write(self, message: bytes) -> None:
        assert b"\n" not in message
        self.came.put_nowait(json.loads(message))

    async def say(self, **message: Any) -> None:
        await self.bridge.take(json.dumps({"jsonrpc": "2.0", **message}).encode())

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return await self.came.get()

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        await self.say(id=1, method=method, params=params)
        return await self.hear()

    async def call(self, name: str) -> dict[str, Any]:
        return await self.ask("tools/call", name=name, arguments={})

    async def begin(self) -> None:
        assert "result" in await self.ask("initialize", capabilities={"roots": {}})
        await self.say(method="notifications/initialized")


@asynccontextmanager
async def bridging(folder: Path, target: str = "/mcp") -> AsyncIterator[Client]:
    async with mcp_server(folder, target) as (server, http):
        client = Client(server, http)
        try:
            yield client
        finally:
            await client.bridge.close(1)
            await client.older.end()


def text_of(answer: dict[str, Any]) -> str:
    message: str = answer["error"]["message"]
    return message


async def test_calls_notifications_and_requests_pass_both_ways(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        await client.server.listening.wait()
        asked = {"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "x": None}
        client.server.said.put_nowait(event(asked))
        assert asked == await client.hear()
        await client.say(id="s1", result={"role": "assistant"})
        answers = [await client.call("echo"), await client.ask("nobody/knows")]

    assert "result" in answers[0]
    assert -32601 == answers[1]["error"]["code"]
    assert {"jsonrpc": "2.0", "id": "s1", "result": {"role": "assistant"}} in [
        message for _, _, message in client.server.came
    ]
    assert "DELETE" == client.server.methods()[-1]


async def test_many_calls_run_at_once(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        for number in range(200):
            await client.say(id=f"w{number}", method="tools/call", params={"name": "wait"})
        await client.server.hear("tools/call", 200)
        client.server.release.set()
        ids: set[str] = set()
        while len(ids - {""}) < 200:
            ids.add((await client.hear()).get("id", ""))

    assert {"", *(f"w{number}" for number in range(200))} == ids


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (b"rubbish", -32700, "This line is no message: it is not JSON"),
        (b'{"id": 3}', -32600, "This line is no message: it has neither a method nor a result"),
    ],
)
async def test_a_line_that_is_no_message_is_answered(
    tmp_path: Path, line: bytes, code: int, said: str
) -> None:
    async with bridging(tmp_path) as client:
        await client.bridge.take(line)
        answer = await client.hear()

    assert (None, {"code": code, "message": said}) == (answer["id"], answer["error"])


async def test_a_failure_is_an_error_with_advice_and_the_next_call_works(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        client.connects.append(Failed("There is no token", "Run: gcloud auth login"))
        failed = await client.ask("initialize")
        await client.begin()
        client.server.instead.append(page(403, X_Authproxy_Hint="Add the role."))
        refused = await client.call("echo")
        works = await client.call("echo")

    assert "There is no token. Run: gcloud auth login" == text_of(failed)
    assert "Add the role." in text_of(refused)
    assert "result" in works


async def test_a_forgotten_session_begins_anew_and_the_call_goes_on(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        await client.ask("logging/setLevel", level="debug")
        client.server.sessions.clear()
        await client.say(id=2, method="tools/call", params={"name": "echo"})
        came = [await client.hear(), await client.hear()]
        client.server.sessions.clear()
        await asyncio.gather(
            *(
                client.say(id=number, method="tools/call", params={"name": "echo"})
                for number in range(10)
            )
        )
        came += [await client.hear() for _ in range(11)]

    changed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    assert 2 == came.count(changed)
    assert sorted([2, *range(10)]) == sorted(m["id"] for m in came if "id" in m)
    begun = [m for method, _, m in client.server.came if method == "initialize"]
    assert [{"capabilities": {"roots": {}}}] * 3 == [m["params"] for m in begun]
    assert [1, "authproxy-1", "authproxy-3"] == [m["id"] for m in begun]
    assert 3 == client.server.methods().count("logging/setLevel")
    assert 3 == client.server.methods().count("notifications/initialized")


async def test_a_call_in_flight_at_a_restart_says_what_happened(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        broken = [await client.call("break"), await client.hear()]
        client.server.forget()
        works = await client.call("echo")

    [failed] = [message for message in broken if "error" in message]
    assert "The connection to https://server.example/mcp ended, and the answer" in text_of(failed)
    assert "The server may have done what was asked for" in text_of(failed)
    assert 1 == sum(
        "name" in m.get("params", {}) and m["params"]["name"] == "break"
        for _, _, m in client.server.came
    )  # fmt: skip -- it was not sent again
    assert {"notifications/tools/list_changed", None} >= {works.get("method")}


async def test_a_listener_finds_out_that_the_session_is_forgotten(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        await client.server.listening.wait()
        client.server.listening.clear()
        client.server.forget()
        assert "notifications/tools/list_changed" == (await client.hear())["method"]
        async with asyncio.timeout(10):
            await client.server.listening.wait()
        client.server.said.put_nowait(event({"jsonrpc": "2.0", "method": "notifications/b"}))
        assert "notifications/b" == (await client.hear())["method"]


async def test_what_changes_nothing_is_asked_for_again(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        broke = page(
            502, '{"message": "It broke.", "hint": ""}', X_Authproxy_Error="upstream_broke"
        )
        client.server.instead.append(broke)
        listed = await client.ask("tools/list")
        client.server.instead.append(broke)
        called = await client.call("echo")

    assert "tools" in listed["result"]
    assert "It broke." == text_of(called)


async def test_a_cancelled_request_of_2025_is_cancelled_by_its_notification(
    tmp_path: Path,
) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        await client.say(id=5, method="tools/call", params={"name": "wait"})
        assert "notifications/progress" == (await client.hear())["method"]
        await client.say(method="notifications/cancelled", params={"requestId": 5})
        await client.server.hear("notifications/cancelled")


async def test_a_cancelled_request_of_2026_is_left(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        client.server.has_sessions = False
        params = {"name": "wait", **META}
        await client.say(id=5, method="tools/call", params=params)
        assert "notifications/progress" == (await client.hear())["method"]
        await client.say(method="notifications/cancelled", params={"requestId": 5})
        async with asyncio.timeout(10):
            await client.server.left.wait()
        await client.say(method="notifications/cancelled", params={"requestId": "gone"})
        assert "result" in await client.ask("tools/list", **META)

    assert ["tools/call", "tools/list"] == client.server.methods()


async def test_requests_of_2026_carry_their_fields(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        client.server.has_sessions = False
        await client.ask("server/discover", **META)
        await client.ask("tools/call", name="add", **META)
        await client.say(method="notifications/roots/list_changed")

    fields = [
        (f["MCP-Protocol-Version"], f["Mcp-Method"], f.get("Mcp-Name"))
        for _, f, _ in client.server.came
    ]
    assert [
        (VERSION_2026, "server/discover", None),
        (VERSION_2026, "tools/call", "add"),
        (VERSION_2026, "notifications/roots/list_changed", None),
    ] == fields


async def test_a_server_of_the_old_transport_is_found_out(tmp_path: Path) -> None:
    async with bridging(tmp_path, "/sse") as client:
        await client.begin()
        works = await client.call("echo")
        failed = await client.call("break")
        client.server.listening.clear()
        again = await client.hear()  # the session has begun anew by itself
        recovered = await client.call("echo")

    assert "result" in works
    assert "The stream of answers" in text_of(failed)
    assert "notifications/tools/list_changed" == again["method"]
    assert "result" in recovered


async def test_no_server_at_all_is_said_by_its_first_answer(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        client.server.instead.append(page(404, "<html>"))
        failed = await client.ask("initialize")
        await client.begin()

    assert "There is no MCP server at https://server.example/mcp (404)" in text_of(failed)


async def test_several_requests_on_a_line_are_one_message(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        failed = Failed("no")
        client.connects += [failed]
        parts = [{"jsonrpc": "2.0", "id": n, "method": "ping"} for n in (1, "b")]
        await client.bridge.take(json.dumps(parts).encode())
        came = [await client.hear(), await client.hear()]

    assert [(1, "no"), ("b", "no")] == [(m["id"], text_of(m)) for m in came]


async def test_an_answer_that_nobody_waits_for_is_dropped(tmp_path: Path) -> None:
    async with bridging(tmp_path) as client:
        await client.begin()
        await client.server.listening.wait()
        client.server.said.put_nowait(event({"jsonrpc": "2.0", "id": 77, "result": {}}))
        client.server.said.put_nowait(event({"jsonrpc": "2.0", "method": "notifications/b"}))

        assert "notifications/b" == (await client.hear())["method"]
        assert "<Bridge [0 calls, <Conversation [<Session 1 [2025-11-25]>]>]>" == repr(
            client.bridge
        )
