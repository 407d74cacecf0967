"""Real Chromium: an application behaves as if it were direct, and pages elsewhere get nowhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.browser import find_chromium, open_page
from tests.support.program import Program

pytestmark = pytest.mark.outside

PAGE = """<!doctype html><title>in</title><form method=post action=/login>
<input name=csrf value={csrf}></form>"""


class App:
    """A web application that believes to be at its own address, and checks who asks."""

    def __init__(self) -> None:
        self.origin = ""
        self.changed = 0
        self.asked: list[str] = []
        self.application = web.Application(middlewares=[self._note], client_max_size=10**7)
        self.application.add_routes(
            [
                web.get("/", self.form),
                web.post("/login", self.login),
                web.get("/home", self.home),
                web.post("/upload", self.upload),
                web.get("/socket", self.socket),
                web.route("*", "/change", self.change),
            ]
        )

    @web.middleware
    async def _note(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        return await handler(request)  # type: ignore[operator, no-any-return]  # -- as aiohttp calls it

    def _is_own(self, request: web.Request) -> bool:
        return request.headers.get("Origin") == self.origin

    async def form(self, request: web.Request) -> web.Response:
        answer = web.Response(text=PAGE.format(csrf="c1"), content_type="text/html")
        answer.headers.add("Set-Cookie", "__Host-csrf=c1; Secure; Path=/; SameSite=None")
        answer.headers["Strict-Transport-Security"] = "max-age=31536000"
        answer.headers["Content-Security-Policy"] = f"default-src * 'unsafe-inline' {self.origin}"
        return answer

    async def login(self, request: web.Request) -> web.Response:
        form = await request.post()
        ok = self._is_own(request) and form["csrf"] == request.cookies.get("__Host-csrf")
        if not ok or not request.headers["Referer"].startswith(f"{self.origin}/"):
            return web.Response(status=403, text="no")
        answer = web.Response(status=303, headers={"Location": f"{self.origin}/home"})
        answer.headers.add(
            "Set-Cookie",
            "__Secure-session=s1; Domain=app.example.run.app; Secure; HttpOnly; Path=/",
        )
        return answer

    async def home(self, request: web.Request) -> web.Response:
        known = request.cookies.get("__Secure-session") == "s1"
        return web.Response(
            text=f"<title>{'welcome' if known else 'stranger'}</title>", content_type="text/html"
        )

    async def upload(self, request: web.Request) -> web.Response:
        size = len(await request.read()) if self._is_own(request) else -1
        return web.json_response(size)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        if not self._is_own(request):
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{message.data}!")
        return socket

    async def change(self, request: web.Request) -> web.Response:
        self.changed += 1
        return web.Response(text="changed")


@asynccontextmanager
async def served(application: web.Application) -> AsyncIterator[int]:
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
async def app() -> AsyncIterator[tuple[App, Program]]:
    app = App()
    async with (
        served(app.application) as port,
        Program(
            f"http://127.0.0.1:{port}", "--credentials", "none", "-l", "localhost:0"
        ) as program,
    ):
        app.origin = f"http://127.0.0.1:{port}"
        yield app, program


async def test_an_application_with_a_login_works_as_if_it_were_direct(
    app: tuple[App, Program], tmp_path: Path
) -> None:
    assert find_chromium() is not None
    url = f"http://localhost:{app[1].port}"
    async with open_page(f"{url}/", tmp_path) as page:
        await page.wait_for("document.title == 'in'")
        await page.evaluate("document.forms[0].submit()")
        await page.wait_for("document.title == 'welcome' || document.body.innerText == 'no'")
        title, address = await page.evaluate("[document.title, location.href]")
        size = await page.evaluate(
            "fetch('/upload', {method: 'POST', body: new Blob(['x'.repeat(3000000)])})"
            ".then(answer => answer.json())"
        )
        echo = await page.evaluate(
            "new Promise(done => { const s = new WebSocket(`ws://${location.host}/socket`);"
            "s.onopen = () => s.send('hello'); s.onmessage = e => done(e.data);"
            "s.onerror = () => done('refused'); })"
        )
    assert ("welcome", f"{url}/home") == (title, address)
    assert (3_000_000, "hello!") == (size, echo)


ATTACKS = {
    "fetch": "fetch(TARGET, {method: 'POST', credentials: 'include'})"
    ".then(a => a.text(), e => 'no')",
    "simple fetch": "fetch(TARGET, {mode: 'no-cors', credentials: 'include'}).then(a => a.type)",
    "image": "new Promise(done => { const i = new Image(); i.onload = () => done('loaded');"
    "i.onerror = () => done('no'); i.src = TARGET; })",
    "form in a frame": "new Promise(done => { const f = document.createElement('iframe');"
    "f.name = 'f'; document.body.append(f); const o = document.createElement('form');"
    "o.method = 'post'; o.action = TARGET; o.target = 'f'; document.body.append(o);"
    "f.onload = () => done('no'); o.submit(); })",
    "frame": "new Promise(done => { const f = document.createElement('iframe');"
    "f.onload = () => done('no'); f.src = TARGET; document.body.append(f); })",
    "script": "new Promise(done => { const s = document.createElement('script');"
    "s.onload = () => done('loaded'); s.onerror = () => done('no'); s.src = TARGET;"
    "document.body.append(s); })",
    "WebSocket": "new Promise(done => { const s = new WebSocket(TARGET.replace('http', 'ws'));"
    "s.onopen = () => done('open'); s.onerror = () => done('no'); })",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_page_on_another_origin_gets_nowhere(
    attack: str, app: tuple[App, Program], tmp_path: Path
) -> None:
    evil = web.Application()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<title>evil</title><body></body>", content_type="text/html")

    evil.add_routes([web.get("/", page)])
    target = f"http://localhost:{app[1].port}/change"
    async with served(evil) as port, open_page(f"http://127.0.0.1:{port}/", tmp_path) as tab:
        await tab.wait_for("document.title == 'evil'")
        async with asyncio.timeout(20):
            outcome = await tab.evaluate(ATTACKS[attack].replace("TARGET", f"'{target}'"))
    assert outcome in ("no", "opaque")
    assert (0, []) == (app[0].changed, app[0].asked)


async def test_a_link_of_another_origin_still_leads_here(
    app: tuple[App, Program], tmp_path: Path
) -> None:
    evil = web.Application()

    async def page(_: web.Request) -> web.Response:
        link = f"<a href=http://localhost:{app[1].port}/home>go</a>"
        return web.Response(text=f"<title>evil</title>{link}", content_type="text/html")

    evil.add_routes([web.get("/", page)])
    async with served(evil) as port, open_page(f"http://127.0.0.1:{port}/", tmp_path) as tab:
        await tab.wait_for("document.title == 'evil'")
        await tab.evaluate("document.links[0].click()")
        await tab.wait_for("document.title == 'stranger'")
    assert ["GET /home"] == [asked for asked in app[0].asked if "favicon" not in asked]


async def test_a_name_of_the_attackers_that_leads_to_this_machine_is_refused(
    app: tuple[App, Program], tmp_path: Path
) -> None:
    """DNS rebinding: to the browser the page and authproxy are one origin."""
    rebound = f"http://rebound.example:{app[1].port}"
    to_us = "--host-resolver-rules=MAP rebound.example 127.0.0.1"
    async with open_page(f"{rebound}/", tmp_path, to_us) as tab:
        await tab.wait_for("document.readyState == 'complete' && document.body.innerText")
        text, origin = await tab.evaluate("[document.body.innerText, location.origin]")
        status = await tab.evaluate("fetch('/change', {method: 'POST'}).then(a => a.status)")

    assert (rebound, 421) == (origin, status)
    assert "host_not_allowed" in text
    assert (0, []) == (app[0].changed, app[0].asked)
