"""Real browsers: pages elsewhere get nowhere, whatever they make the browser ask for."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browser import ENGINES, Page, open_page
from tests.support.program import Program
from tests.support.webapp import App, hostile, served

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]

ATTACKS = {
    "fetch": "fetch(T, {method: 'POST', credentials: 'include'})",
    "simple-fetch": "fetch(T, {mode: 'no-cors', credentials: 'include'})",
    "hidden-fetch": "fetch(T, {mode: 'no-cors', method: 'POST', body: 'x', referrerPolicy: NONE})",
    "xhr": "(() => { const x = new XMLHttpRequest(); x.open('GET', T, false); x.send(); })()",
    "beacon": "navigator.sendBeacon(T, 'x')",
    "ping": "(() => { const a = add('a', {href: '#x', ping: T}); a.click(); })()",
    "events": "new EventSource(T)",
    "websocket": "new WebSocket(T.replace('http', 'ws'))",
    "image": "add('img', {src: T})",
    "hidden-image": "add('img', {referrerPolicy: NONE, src: T})",
    "redirected-image": "add('img', {src: '/redirect?' + encodeURIComponent(T)})",
    "redirected-events": "new EventSource('/redirect?' + encodeURIComponent(T))",
    "script": "add('script', {src: T})",
    "module": "add('script', {type: 'module', src: T})",
    "style": "add('link', {rel: 'stylesheet', href: T})",
    "import": "add('style', {textContent: `@import url(${T})`})",
    "font": "new FontFace('x', `url(${T})`).load()",
    "video": "add('video', {preload: 'auto', src: T})",
    "poster": "add('video', {poster: T})",
    "svg": "document.body.insertAdjacentHTML('beforeend', `<svg><image href='${T}'/></svg>`)",
    "object": "add('object', {data: T})",
    "embed": "add('embed', {src: T})",
    "frame": "add('iframe', {src: T})",
    "hidden-frame": "add('iframe', {referrerPolicy: NONE, src: T})",
    "frameset": "add('iframe', {src: '/frames?' + encodeURIComponent(T)})",
    "form": "form('post')",
    "form-get": "form('get')",
    "sandboxed-form": "(() => { const f = document.createElement('iframe');"
    "f.setAttribute('sandbox', 'allow-scripts allow-forms'); f.srcdoc = `<form method=post "
    "action='${T}'></form><script>document.forms[0].submit()<\\/script>`;"
    "document.body.append(f); })()",
    "data-page": "add('iframe', {src: `data:text/html,<img src='${T}'>`})",
    "blob-page": "add('iframe', {src: URL.createObjectURL(new Blob([`<img src='${T}'>`],"
    " {type: 'text/html'}))})",
    "empty-page": "add('iframe', {}).contentDocument.write(`<img src='${T}'>`)",
    "worker": "new Worker(URL.createObjectURL(new Blob([`importScripts('${T}')`])))",
    "report": "add('iframe', {src: '/reports?' + encodeURIComponent(T)})",
    "icon": "add('link', {rel: 'icon', href: T})",
    "preload": "add('link', {rel: 'preload', as: 'image', href: T})",
    "prefetch": "add('link', {rel: 'prefetch', href: T})",
    "hidden-prefetch": "add('link', {rel: 'prefetch', referrerPolicy: NONE, href: T})",
    "redirected-prefetch": "add('link', {rel: 'prefetch',"
    " href: '/redirect?' + encodeURIComponent(T)})",
    "manifest": "add('link', {rel: 'manifest', href: T})",
    "xslt": "add('iframe', {src: '/styled?' + encodeURIComponent(T)})",
    "ahead": "rules({prefetch: [{urls: [T], eagerness: 'immediate'}]})",
    "hidden-ahead": "rules({prefetch: [{urls: [T], referrer_policy: NONE,"
    " eagerness: 'immediate'}]})",
    "rendered-ahead": "rules({prerender: [{urls: [T], eagerness: 'immediate'}]})",
    "redirected-ahead": "rules({prefetch: [{urls: [location.origin + '/redirect?' +"
    " encodeURIComponent(T)], eagerness: 'immediate'}]})",
    "payment": "new PaymentRequest([{supportedMethods: T}], {total: {label: 'x',"
    " amount: {currency: 'USD', value: '1'}}}).canMakePayment()",
    "identity": "navigator.credentials.get({identity: {providers: [{configURL: T,"
    " clientId: '1', nonce: '1'}]}})",
}
LATE = {name for name in ATTACKS if name.endswith("prefetch")}
"""Firefox does these when the page has nothing else to load."""
NOT_IN = {
    "Chromium": {"xslt"},
    "Firefox": {
        *("ping", "manifest", "ahead", "hidden-ahead", "rendered-ahead", "redirected-ahead"),
        *("payment", "identity"),
    },
    "WebKit": {
        *("icon", "prefetch", "hidden-prefetch", "redirected-prefetch", "manifest", "xslt"),
        *("ahead", "hidden-ahead", "rendered-ahead", "redirected-ahead", "payment", "identity"),
    },
}
"""Of what a browser does not make a request, or not of a page like this."""
SCRIPT = """(() => {
    const NONE = 'no-referrer';
    const add = (name, properties) => {
        const made = Object.assign(document.createElement(name), properties);
        (name == 'link' ? document.head : document.body).append(made);
        return made;
    };
    for (const [T, attack] of ATTACKS) {
        const form = method => {
            add('iframe', {name: method});
            add('form', {method: method, action: T, target: method}).submit();
        };
        const rules = speculation => add('script',
            {type: 'speculationrules', textContent: JSON.stringify(speculation)});
        try {
            const done = eval(attack);
            if (done && done.catch) done.catch(() => 0);
        } catch (error) { /* no browser has all of this */ }
    }
    return 1;
})()"""


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


async def attack(tab: Page, target: str, names: set[str]) -> None:
    await tab.wait_for("document.title == 'evil'")
    attacks = [(f"{target}/change/{name}", ATTACKS[name]) for name in sorted(names)]
    await tab.evaluate(SCRIPT.replace("ATTACKS", json.dumps(attacks)))


async def not_refused(program: Program, names: set[str]) -> set[str]:
    """Those that authproxy never refused."""
    for name in sorted(names):
        try:
            await program.hear(rf"/change/{name} .*cross_site")
        except TimeoutError:
            said = set(re.findall(r"/change/(\S+) .*cross_site", program.stderr))
            return names - said
    return set()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_page_on_another_origin_gets_nowhere(
    engine: str, app: tuple[App, Program], tmp_path: Path
) -> None:
    program = app[1]
    async with (
        served(hostile()) as port,
        ENGINES[engine](f"http://127.0.0.1:{port}/", tmp_path / "profile") as tab,
    ):
        for names in (set(ATTACKS) - LATE, LATE):
            await attack(tab, f"http://localhost:{program.port}", names)
            assert set() == await not_refused(program, names - NOT_IN[engine])
            await tab.go(f"http://127.0.0.1:{port}/again")
            await tab.wait_for("location.pathname == '/again'")
    assert (0, []) == (app[0].changed, app[0].asked)
    assert not re.search(r"/change/.* 200 ", program.stderr)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_link_of_another_origin_still_leads_here(
    engine: str, app: tuple[App, Program], tmp_path: Path
) -> None:
    """Also when the browser was told before to fetch its target ahead."""
    home = f"http://localhost:{app[1].port}/home"
    async with (
        served(hostile()) as port,
        ENGINES[engine](f"http://127.0.0.1:{port}/", tmp_path / "profile") as tab,
    ):
        await tab.wait_for("document.title == 'evil'")
        await tab.evaluate(
            "(() => { const s = document.createElement('script'); s.type = 'speculationrules';"
            f" s.textContent = JSON.stringify({{prefetch: [{{urls: ['{home}']}}]}});"
            " document.body.append(s); const a = document.createElement('a');"
            f" a.href = '{home}'; a.textContent = 'go'; document.body.append(a); return 1; }})()"
        )
        if engine == "Chromium":
            await app[1].hear("/home .*cross_site")
        await tab.evaluate("document.links[0].click()")
        await tab.wait_for("document.title == 'stranger'")
    assert (["GET /home"], []) == (app[0].asked, app[0].ahead)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_refusal_makes_no_browser_ask_for_its_icon(
    engine: str, app: tuple[App, Program], tmp_path: Path
) -> None:
    """It would ask the service, as the page that it believes to be on."""
    async with (
        served(hostile()) as port,
        ENGINES[engine](f"http://127.0.0.1:{port}/", tmp_path / "profile") as tab,
    ):
        await tab.wait_for("document.title == 'evil'")
        await tab.evaluate(
            "(() => { const f = document.createElement('form'); f.method = 'post';"
            f" f.action = 'http://localhost:{app[1].port}/change'; document.body.append(f);"
            " f.submit(); return 1; })()"
        )
        await tab.wait_for("document.title == '403 Forbidden' && document.readyState == 'complete'")
        # Icons are asked for when the page is there; these come after that.
        for _ in range(3):
            await tab.evaluate("fetch('/cookies').then(a => a.text())")
        await tab.go(f"http://localhost:{app[1].port}/home")
        await tab.wait_for("document.title == 'stranger'")
    assert {"GET /cookies", "GET /home"} == set(app[0].asked)


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


async def test_where_browsers_do_not_say_who_asks_the_referer_does(tmp_path: Path) -> None:
    """At a name that is not localhost, over plain http. A page that hides it is not told apart."""
    app = App()
    to_us = "--host-resolver-rules=MAP proxy.example 127.0.0.1"
    names = {"image", "script", "simple-fetch", "frame", "form", "form-get", "fetch", "websocket"}
    async with (
        served(app.application) as port,
        served(hostile()) as elsewhere,
        Program(
            *(f"http://127.0.0.1:{port}", "--credentials", "none", "-l", "127.0.0.1:0"),
            environ={"AUTHPROXY_HOSTS": "proxy.example"},
        ) as program,
        open_page(f"http://127.0.0.1:{elsewhere}/", tmp_path, to_us) as tab,
    ):
        target = f"http://proxy.example:{program.port}"
        await attack(tab, target, names)
        assert set() == await not_refused(program, names)
        assert (0, []) == (app.changed, app.asked)
        await tab.go(f"{target}/links")
        await tab.wait_for("document.title == 'links'")
        await tab.evaluate("document.links[0].click()")
        await tab.wait_for("document.title == 'stranger'")
    assert ["GET /links", "GET /home"] == app.asked


@pytest.mark.parametrize("engine", ENGINES)
async def test_no_service_sets_another_ones_session(engine: str, tmp_path: Path) -> None:
    """By a cookie without a name: what it is returned as, depends on the browser."""
    one, other = App(), App()
    async with served(one.application) as port, served(other.application) as other_port:
        file = tmp_path / "authproxy.toml"
        file.write_text(
            'listen = "127.0.0.1:0"\n'
            f'[services.one]\nurl = "http://127.0.0.1:{port}"\npath = "/one"\nstrip_path = true\n'
            'credentials = "none"\n'
            f'[services.other]\nurl = "http://127.0.0.1:{other_port}"\npath = "/other"\n'
            'strip_path = true\ncredentials = "none"\n'
        )
        async with Program("-c", file) as program:
            here = program.url.removesuffix("/one")
            async with ENGINES[engine](f"{here}/one/nameless", tmp_path / "profile") as tab:
                await tab.wait_for("document.title == 'nameless'")
                await tab.go(f"{here}/other/cookies")
                await tab.wait_for("document.title == 'cookies'")
                assert "none" == await tab.evaluate("document.body.innerText")
