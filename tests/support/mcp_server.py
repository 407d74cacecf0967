"""An MCP server that a test turns as it likes: forgets its sessions, breaks off, refuses."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from authproxy.demo.loopback import reset
from authproxy.mcp.channel import Address, Http, open_client

VERSION = "2025-11-25"
CAPABILITIES = {"tools": {"listChanged": True}, "prompts": {}}
TOOLS = [{"name": "echo", "inputSchema": {"type": "object"}}]

Instead = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page(status: int, text: str = "", **fields: str) -> Instead:
    """An answer in place of the server's."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        names = {name.replace("_", "-"): value for name, value in fields.items()}
        return web.Response(status=status, text=text, headers=names)

    return answer


def broken(request: web.Request) -> web.StreamResponse:
    """Reset the connection."""
    assert request.transport is not None
    reset(request.transport)
    return web.Response()


class McpServer:
    """`handle` is an aiohttp handler for any path, by Streamable HTTP; `/sse` and `/post` are the
    old transport's."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        self.came: list[tuple[str, Mapping[str, str], dict[str, Any]]] = []
        """Method or "response", header fields, message."""
        self.instead: list[Instead] = []
        """What the next POSTs get."""
        self.has_sessions = True
        self.in_events = True
        self.release = asyncio.Event()
        """Lets the tool `wait` answer."""
        self.said: asyncio.Queue[bytes] = asyncio.Queue()
        """What the listening stream, or the old transport's, has next; empty bytes end it."""
        self.listening = asyncio.Event()
        self.left = asyncio.Event()
        """A client left the tool `wait` before its answer."""
        self.heard = asyncio.Condition()
        self.open_old: Instead = self._old
        """Answers the GET of the old transport."""

    def forget(self) -> None:
        """As a new instance."""
        self.sessions.clear()
        self.said.put_nowait(b"")

    def methods(self) -> list[str]:
        return [method for method, _, _ in self.came]

    async def hear(self, method: str, count: int = 1) -> None:
        """Wait for it."""
        async with asyncio.timeout(10), self.heard:
            await self.heard.wait_for(lambda: self.methods().count(method) >= count)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            if request.path == "/sse":
                return await self.open_old(request)
            return await self._listen(request)
        if request.method == "DELETE":
            await self._note("DELETE", request, {})
            return web.Response()
        message = await request.json()
        await self._note(message.get("method", "response"), request, message)
        if self.instead:
            return await self.instead.pop(0)(request)
        if request.path == "/sse":
            return web.Response(status=405)
        if request.path == "/post":
            return await self._posted(message)
        return await self._answer(request, message)

    async def _note(self, method: str, request: web.Request, message: dict[str, Any]) -> None:
        async with self.heard:
            self.came.append((method, dict(request.headers), message))
            self.heard.notify_all()

    async def _answer(self, request: web.Request, message: dict[str, Any]) -> web.StreamResponse:
        fields = {}
        if message.get("method") == "initialize" and self.has_sessions:
            session = f"session-{len(self.came)}"
            self.sessions.add(session)
            fields["Mcp-Session-Id"] = session
        elif self.has_sessions and request.headers.get("Mcp-Session-Id") not in self.sessions:
            error = {"code": -32600, "message": "Session not found"}
            return web.json_response({"jsonrpc": "2.0", "id": None, "error": error}, status=404)
        if "id" not in message or "method" not in message:
            return web.Response(status=202)
        if not self.in_events:
            return web.json_response(result(message, VERSION), headers=fields)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", **fields})
        await stream.prepare(request)
        await self._stream(request, stream, message)
        return stream

    async def _stream(
        self, request: web.Request, stream: web.StreamResponse, message: dict[str, Any]
    ) -> None:
        name = message.get("params", {}).get("name")
        if name == "wait":
            await stream.write(event({"jsonrpc": "2.0", "method": "notifications/progress"}))
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.left.set()
                raise
        if name == "resume":
            await stream.write(b"id: 7\nretry: 1\ndata: \n\n")
            return
        if name in ("break", "end"):
            await stream.write(event({"jsonrpc": "2.0", "method": "notifications/progress"}))
            if name == "break":
                broken(request)
            return
        await stream.write(event(result(message, VERSION)))

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        await self._note("GET", request, {})
        last_id = request.headers.get("Last-Event-ID")
        if last_id != "7" and request.headers.get("Mcp-Session-Id") not in self.sessions:
            return web.Response(status=404)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        if last_id == "7":
            asked = [m for _, _, m in self.came if m.get("params", {}).get("name") == "resume"]
            await stream.write(event(result(asked[-1], VERSION)))
            return stream
        await self._say(stream)
        return stream

    async def _say(self, stream: web.StreamResponse) -> None:
        self.listening.set()
        while data := await self.said.get():
            await stream.write(data)

    async def _old(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        self.said = asyncio.Queue()
        self.sessions = {"old"}
        await stream.write(b"event: endpoint\ndata: /post?session_id=old\n\n")
        await self._say(stream)
        return stream

    async def _posted(self, message: dict[str, Any]) -> web.StreamResponse:
        if not self.sessions:
            return web.Response(status=404, text="Could not find session")
        if "id" in message and "method" in message:
            if message.get("params", {}).get("name") == "break":
                self.forget()
            else:
                self.said.put_nowait(event(result(message, "2024-11-05")))
        return web.Response(status=202, text="Accepted")


def result(message: dict[str, Any], version: str) -> dict[str, Any]:
    """The answer to a request."""
    method, params = message["method"], message.get("params", {})
    value: dict[str, Any] = {}
    if method == "initialize":
        value = {
            "protocolVersion": version,
            "capabilities": CAPABILITIES,
            "serverInfo": {"name": "pretend", "version": "1"},
        }
    elif method == "tools/list":
        value = {"tools": TOOLS}
    elif method == "tools/call":
        value = {"content": [{"type": "text", "text": json.dumps(params.get("arguments"))}]}
    elif method == "nobody/knows":
        error = {"code": -32601, "message": "Method not found"}
        return {"jsonrpc": "2.0", "id": message["id"], "error": error}
    return {"jsonrpc": "2.0", "id": message["id"], "result": value}


def event(message: Mapping[str, Any]) -> bytes:
    return b"event: message\ndata: %b\n\n" % json.dumps(message).encode()


@asynccontextmanager
async def mcp_server(folder: Path, target: str = "/mcp") -> AsyncIterator[tuple[McpServer, Http]]:
    """A server on a Unix socket in `folder`, and the way to it, with no authproxy in between."""
    server = McpServer()
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
    )
    await runner.setup()
    path = str(folder / "s")
    await web.UnixSite(runner, path, backlog=1024).start()
    client = open_client(path)
    try:
        yield server, Http(client, Address(shown=f"https://server.example{target}", target=target))
    finally:
        await client.close()
        await runner.cleanup()
