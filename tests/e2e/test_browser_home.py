"""Real browsers: an application behaves as if it were direct."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from tests.support.browser import ENGINES, open_page
from tests.support.program import Program
from tests.support.webapp import App, hostile, page, served

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]
every_engine = pytest.mark.parametrize("engine", ENGINES)
LOADS = (
    "new Promise(done => { const i = new Image(); i.onload = () => done('loaded');"
    " i.onerror = () => done('no'); i.src = '/dot.svg'; })"
)
ECHOES = (
    "new Promise(done => { const s = new WebSocket(`ws://${location.host}/socket`);"
    "s.onopen = () => s.send('hello'); s.onmessage = e => done(e.data);"
    "s.onerror = () => done('refused'); })"
)


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


@every_engine
async def test_an_application_with_a_login_works_as_if_it_were_direct(
    engine: str, app: tuple[App, Program], tmp_path: Path
) -> None:
    url = f"http://localhost:{app[1].port}"
    async with ENGINES[engine](f"{url}/", tmp_path / "profile") as tab:
        await tab.wait_for("document.title == 'in'")
        await tab.evaluate("document.forms[0].submit()")
        await tab.wait_for("document.title == 'welcome' || document.body.innerText == 'no'")
        title, address = await tab.evaluate("[document.title, location.href]")
        size = await tab.evaluate(
            "fetch('/upload', {method: 'POST', body: new Blob(['x'.repeat(3000000)])})"
            ".then(answer => answer.json())"
        )
        echo = await tab.evaluate(ECHOES)
        # A page without referrer has no origin to show in its forms.
        await tab.go(f"{url}/unsaid")
        await tab.wait_for("document.title == 'unsaid'")
        await tab.evaluate("document.forms[0].submit()")
        await tab.wait_for("document.title == 'posted' || document.title == '403 Forbidden'")
        said = await tab.evaluate("document.body.innerText")
    assert ("welcome", f"{url}/home") == (title, address)
    assert (3_000_000, "hello!") == (size, echo)
    assert "('null', '')" == said


@every_engine
async def test_a_policy_for_tls_lets_a_page_reach_its_own_service(
    engine: str, tmp_path: Path
) -> None:
    app, authority = App(), trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    async with served(app.application, server_context(authority)) as port:
        app.origin = f"https://localhost:{port}"
        async with Program(
            *(app.origin, "--credentials", "none", "-l", "localhost:0"),
            *("--ca-file", tmp_path / "ca.pem"),
        ) as program:
            url = f"http://localhost:{program.port}"
            async with ENGINES[engine](f"{url}/strict", tmp_path / "profile") as tab:
                await tab.wait_for("document.title == 'strict'")
                image = await tab.evaluate(LOADS)
                asked = await tab.evaluate("fetch('/cookies').then(a => a.status, e => 'no')")
                echo = await tab.evaluate(ECHOES)
    assert ("loaded", 200, "hello!") == (image, asked, echo)


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@every_engine
async def test_a_session_lives_beside_other_ports_and_ends_alone(
    engine: str, app: tuple[App, Program], tmp_path: Path
) -> None:
    """Of two ports of localhost one is in TLS and has a session of the same name."""

    async def other(request: web.Request) -> web.Response:
        answer = page("other", request.headers.get("Cookie", "none"))
        if request.path == "/set":
            answer.headers.add("Set-Cookie", "session=theirs; Secure; HttpOnly; Path=/")
            answer.headers.add("Set-Cookie", "plain=theirs; Path=/")
        return answer

    beside = web.Application()
    beside.router.add_get("/{any:.*}", other)
    url = f"http://localhost:{app[1].port}"
    async with (
        served(beside, server_context(trustme.CA())) as port,
        ENGINES[engine](f"https://localhost:{port}/set", tmp_path / "profile") as tab,
    ):
        await tab.wait_for("document.title == 'other'")
        await tab.go(f"{url}/")
        await tab.wait_for("document.title == 'in'")
        await tab.evaluate("document.forms[0].submit()")
        await tab.wait_for("document.title == 'welcome' || document.title == 'stranger'")
        assert "welcome" == await tab.evaluate("document.title")
        await tab.go(f"{url}/logout")
        await tab.wait_for("document.title == 'out'")
        await tab.go(f"{url}/home")
        await tab.wait_for("document.title == 'welcome' || document.title == 'stranger'")
        assert "stranger" == await tab.evaluate("document.title")
        await tab.go(f"https://localhost:{port}/")
        await tab.wait_for("document.title == 'other'")
        left = (await tab.evaluate("document.body.innerText")).split("; ")
    assert ["plain=theirs", "session=theirs"] == sorted(left)


@every_engine
async def test_a_page_of_an_allowed_origin_reads_shows_and_changes(
    engine: str, tmp_path: Path
) -> None:
    app = App()
    async with (
        served(app.application) as port,
        served(hostile()) as elsewhere,
        Program(
            *(f"http://127.0.0.1:{port}", "--credentials", "none", "-l", "localhost:0"),
            environ={"AUTHPROXY_ALLOW_ORIGINS": f"http://127.0.0.1:{elsewhere}"},
        ) as program,
        ENGINES[engine](f"http://127.0.0.1:{elsewhere}/", tmp_path / "profile") as tab,
    ):
        url = f"http://localhost:{program.port}"
        await tab.wait_for("document.title == 'evil'")
        read = await tab.evaluate(
            f"fetch('{url}/cookies').then(a => [a.status, a.headers.get('x-app')])"
        )
        changed = await tab.evaluate(
            f"fetch('{url}/change', {{method: 'PUT', headers: {{'X-Mine': '1'}}}})"
            ".then(a => a.text())"
        )
        image = await tab.evaluate(LOADS.replace("/dot.svg", f"{url}/dot.svg"))
    assert ([200, "here"], "changed", "loaded") == (read, changed, image)


async def test_own_pages_are_fetched_ahead_and_found_at_once(
    app: tuple[App, Program], tmp_path: Path
) -> None:
    url = f"http://localhost:{app[1].port}"
    rules = '{"prefetch": [{"source": "document", "eagerness": "immediate"}]}'
    async with open_page(f"{url}/links", tmp_path) as tab:
        await tab.wait_for("document.title == 'links'")
        await tab.evaluate(
            "(() => { const s = document.createElement('script'); s.type = 'speculationrules';"
            f" s.textContent = '{rules}'; document.body.append(s); return 1; }})()"
        )
        await app[1].hear("/home.* 200 ")
        await tab.evaluate("document.links[0].click()")
        await tab.wait_for("document.title == 'stranger'")
    assert (["GET /links", "GET /home"], ["/home"]) == (app[0].asked, app[0].ahead)


async def test_firefox_fetches_own_pages_ahead(app: tuple[App, Program], tmp_path: Path) -> None:
    url = f"http://localhost:{app[1].port}"
    async with ENGINES["Firefox"](f"{url}/links", tmp_path / "profile") as tab:
        await tab.wait_for("document.title == 'links'")
        await tab.evaluate(
            "(() => { const l = document.createElement('link'); l.rel = 'prefetch';"
            " l.href = '/home'; document.head.append(l); return 1; })()"
        )
        await app[1].hear("/home.* 200 ")
    assert ["/home"] == app[0].ahead
