"""The inspector in a real browser: a service, authproxy in front of it, and the page open."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web
from yarl import URL

from authproxy.demo.world import World
from authproxy.inspector.api import SLOW_READER_S, Inspector
from authproxy.inspector.assembly import Recording
from authproxy.inspector.proxy_state import ProxyState
from authproxy.inspector.replay import Replayer
from authproxy.tasks import Tasks
from tests.support.behind import free_port
from tests.support.browser import Engine, Page
from tests.support.program import Program

KEY = "the-admin-key-of-this-test"
MARKUP = (
    "<img src=x onerror=\"window.ran=1\"><script>window.ran=1</script><svg onload='window.ran=1'>"
)
"""Runs in a page that makes elements of it."""


async def service(request: web.Request) -> web.StreamResponse:
    """Says what it was asked, and things that no page should believe."""
    if request.path == "/ws":
        return await _echo(request)
    if request.path == "/hostile":
        fields = {"X-Markup": MARKUP, "X-Right-To-Left": "\u202etxt.exe"}
        return web.json_response({"a": MARKUP, "long": 12345678901234567890}, headers=fields)
    if request.path == "/hostile-page":
        return web.Response(text=f"<!doctype html>{MARKUP}", content_type="text/html")
    if request.path == "/broken":
        return web.Response(status=500, text="no")
    body = (await request.read()).decode("latin-1")
    return web.json_response({"path": request.path_qs, "method": request.method, "body": body})


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(f"echo of {message.data}")
    return socket


@dataclass
class Inspected:
    """What a test has at hand."""

    page: Page
    session: aiohttp.ClientSession
    world: World
    port: int
    """The admin listener's; the same after a restart."""
    proxy: Program
    stack: AsyncExitStack = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(self, path: str, method: str = "GET", **more: Any) -> int:
        """The status that came through authproxy."""
        url = URL(self.proxy.url + path, encoded=True)
        async with self.session.request(method, url, **more) as answer:
            await answer.read()
            return answer.status

    async def read(self, path: str) -> str:
        """What the admin listener says to a program."""
        headers = {"Authorization": f"Bearer {KEY}"}
        async with self.session.get(self.url + path, headers=headers) as answer:
            return await answer.text()

    async def restart(self) -> None:
        """End authproxy, and start another one at the same places."""
        await self.stack.aclose()
        self.proxy = await self.stack.enter_async_context(program(self.world, self.port))

    async def view(self, fragment: str, until: str) -> None:
        await self.page.evaluate(f"void (location.hash = {json.dumps(fragment)})")
        await self.page.wait_for(until)

    async def press(self, label: str, within: str = "document") -> None:
        """The button or link with this label."""
        found = f"[...{within}.querySelectorAll('button, a')]"
        await self.page.wait_for(f"{found}.some(b => b.textContent.startsWith({label!r}))")
        await self.page.evaluate(
            f"void {found}.find(b => b.textContent.startsWith({label!r})).click()"
        )

    async def key(self, *names: str) -> None:
        for name in names:
            await self.page.evaluate(
                "void (document.activeElement ?? document.body).dispatchEvent("
                f"new KeyboardEvent('keydown', {{key: {name!r}, bubbles: true, cancelable: true}}))"
            )

    async def type(self, selector: str, text: str) -> None:
        await self.page.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus();"
            f" e.value = {json.dumps(text)};"
            " e.dispatchEvent(new Event('input', {bubbles: true})); e.blur(); return 1; })()"
        )


def program(world: World, port: int) -> Program:
    return Program(
        world.url,
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0"),
        *("--admin", f"127.0.0.1:{port}", "--inspect"),
        environ=world.environment
        | {
            "AUTHPROXY_ADMIN_KEY": "env:KEY",
            "KEY": KEY,
            "AUTHPROXY_RECORD_BODIES": "true",
        },
    )


@asynccontextmanager
async def inspecting(engine: Engine, profile: Path) -> AsyncIterator[Inspected]:
    """The page is open, and has shown that nothing has come yet."""
    port = free_port()
    async with (
        World(app=service, token_life_s=600) as world,
        AsyncExitStack() as stack,
        aiohttp.ClientSession() as session,
    ):
        proxy = await stack.enter_async_context(program(world, port))
        async with engine(f"http://127.0.0.1:{port}/?key={KEY}", profile) as page:
            yield Inspected(page, session, world, port, proxy, stack)


def inspector_of(recording: Recording, slow_reader_s: float = SLOW_READER_S) -> Inspector:
    """The API of made-up exchanges, without a proxy."""

    async def examined() -> str:
        return "{}"

    around = ProxyState(
        services=lambda: [], configuration=lambda: "{}", examine=examined, doors=lambda: []
    )
    note_replays = recording.store.note_replays
    replayer = Replayer(around.doors, recording.replays, note_replays, Tasks())
    return Inspector(recording, around, replayer, slow_reader_s=slow_reader_s)
