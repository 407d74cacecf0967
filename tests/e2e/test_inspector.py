"""The inspector's page in real browsers, by what a person does with it."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from authproxy.inspector import page_views as page_files
from authproxy.inspector.page_views import page_views
from authproxy.inspector.views.filters import read_filter
from authproxy.inspector.views.rows import row
from tests.support.admin import KEY as ADMIN_KEY
from tests.support.admin import admin_listener
from tests.support.browser import ENGINES
from tests.support.inspecting import KEY, MARKUP, Inspected, inspecting, inspector_of
from tests.support.recorded import MEBIBYTE, Story
from tests.support.webapp import hostile, served

pytestmark = [pytest.mark.outside, pytest.mark.timeout(240)]

AXE = "axe-core@4.14.1"
TARGETS = "[...document.querySelectorAll('.row:not([hidden]) .c-target')].map(e => e.textContent)"
DETAIL = "document.querySelector('.detail')"
OPENED = f"{DETAIL}.querySelector('.detail-title h2').textContent"
WATCH = """
void (window.seen = new Promise(resolve => new MutationObserver((_, observer) => {
  const targets = [...document.querySelectorAll('.row .c-target')];
  if (!targets.some(each => each.textContent == '/first')) return;
  observer.disconnect();
  resolve(performance.timeOrigin + performance.now());
}).observe(document.body, {subtree: true, childList: true, characterData: true})))
"""


async def empty_page_teaches(here: Inspected) -> None:
    await here.page.wait_for(f"document.body.innerText.includes('curl {here.proxy.url}/')")
    assert "/" == await here.page.evaluate("location.pathname + location.search"), "the key is gone"


async def request_appears_at_once(here: Inspected) -> None:
    await here.page.evaluate(WATCH)
    asked = await here.page.evaluate("performance.timeOrigin + performance.now()")
    assert 200 == await here.ask("/first")
    seen = await here.page.evaluate("window.seen")

    assert ["/first"] == await here.page.evaluate(TARGETS)
    assert seen - asked < 5000, "what is promised is measured below, when nothing is new any more"


async def filters_are_in_the_address(here: Inspected) -> None:
    for path in ("/invoices/1", "/invoices/2", "/broken"):
        await here.ask(path)
    await here.page.wait_for(f"{TARGETS}.length == 4")
    await here.type(".f-text input", "invoices")
    await here.page.wait_for(f"{TARGETS}.length == 2")
    assert "#/exchanges?text=invoices" == await here.page.evaluate("location.hash")
    await here.type(".f-text input", "")
    await here.type(".f-status input", "5xx")
    await here.page.wait_for(f"JSON.stringify({TARGETS}) == '[\"/broken\"]'")
    await here.page.evaluate("void (window.old = 1, location.reload())")
    await here.page.wait_for(f"!window.old && JSON.stringify({TARGETS}) == '[\"/broken\"]'")
    await here.type(".f-status input", "6xx")
    await here.page.wait_for("document.querySelector('.wrong').textContent.includes('6xx')")
    await here.view("#/exchanges", f"{TARGETS}.length == 4")


async def keys_open_and_close(here: Inspected) -> None:
    await here.key("g", "j", "Enter")
    await here.page.wait_for(f"{DETAIL}.innerText.includes('Where the time went')")
    grid = "document.querySelector('[role=grid]')"
    assert "row-3" == await here.page.evaluate(f"{grid}.getAttribute('aria-activedescendant')")
    assert "GET /invoices/2" == await here.page.evaluate(OPENED)
    await here.key("Escape")
    await here.page.wait_for(f"{DETAIL}.hidden")
    await here.key("/")
    assert await here.page.evaluate("document.activeElement.type == 'search'")
    await here.key("Escape", "?")
    await here.page.wait_for("document.querySelector('dialog.help[open]')")
    await here.page.evaluate("void document.querySelector('dialog').close()")


async def changes_are_marked_with_their_reason(here: Inspected) -> None:
    await here.view("#/exchanges/x-1", f"{DETAIL}.innerText.includes('an earlier run')")
    run = json.loads(await here.read("/api/exchanges"))["run"]
    await here.view(f"#/exchanges/{run}-1", f"{DETAIL}.innerText.includes('Where the time went')")
    rows = f"[...{DETAIL}.querySelectorAll('.added, .replaced, .removed')].map(e => e.textContent)"
    lines = await here.page.evaluate(rows)
    assert any(re.search(r"^\+added: AuthorizationBearer \[token\]added: token", x) for x in lines)
    assert any(x.startswith("~replaced: Host") and "service's address" in x for x in lines)
    for name in ("First byte", "Body"):
        assert name in await here.page.evaluate(f"{DETAIL}.querySelector('.water').textContent")
    assert "left of" in await here.page.evaluate(f"{DETAIL}.innerText")


async def json_is_set_out(here: Inspected) -> None:
    await here.view("#/exchanges", f"{TARGETS}.length > 4")
    await here.ask("/set-out", "POST", json={"a": ["[", {}], "b": "]"})
    await here.page.wait_for(f"{TARGETS}[0] == '/set-out'")
    await here.key("g", "Enter")
    shown = '{\n  "a": [\n    "[",\n    {}\n  ],\n  "b": "]"\n}'
    text = f"{DETAIL}.querySelector('.body-text').textContent"
    await here.page.wait_for(f"{OPENED} == 'POST /set-out' && {text} == {json.dumps(shown)}")
    await here.view("#/exchanges/", f"{DETAIL}.hidden")


async def skipping_to_the_content_stays_where_one_is(here: Inspected) -> None:
    await here.view("#/configuration", "document.querySelector('.settings')")
    await here.page.evaluate("void document.querySelector('.skip').click()")
    assert "#/configuration" == await here.page.evaluate("location.hash")
    assert "main" == await here.page.evaluate("document.activeElement.id")


async def replay_has_a_fresh_token(here: Inspected) -> None:
    before = await here.page.evaluate("location.hash")
    await here.press("Replay", DETAIL)
    await here.page.wait_for(f"location.hash != '{before}' && {OPENED}.includes('/first')")
    await here.page.wait_for(f"{DETAIL}.innerText.includes('Replay of')")


async def edited_request_is_what_arrives(here: Inspected) -> None:
    await here.press("Edit and send", DETAIL)
    await here.page.wait_for("document.querySelector('dialog[open] form')")
    fields = "document.querySelectorAll('dialog input, dialog textarea')"
    for number, text in enumerate(
        ["PUT", "/edited?a=b", "X-Mine: yes\nContent-Type: text/plain", "new body"]
    ):
        await here.page.evaluate(f"void ({fields}[{number}].value = {text!r})")
    await here.press("Send", "document.querySelector('dialog')")
    await here.page.wait_for(f"{OPENED}.includes('PUT /edited?a=b')")
    await here.page.wait_for(f"{DETAIL}.innerText.includes('new body')")
    assert "X-Mine" in await here.page.evaluate(f"{DETAIL}.innerText")


async def commands_and_comparison(here: Inspected) -> None:
    await here.press("Copy as", DETAIL)
    await here.page.wait_for("document.querySelector('dialog[open] pre')")
    text = await here.page.evaluate("document.querySelector('dialog').innerText")
    assert "$(authproxy token" in text
    assert "import requests" in text
    await here.page.evaluate("void document.querySelector('dialog').close()")
    await here.press("Compare", DETAIL)
    await here.page.wait_for("document.querySelector('.sides .differs')")
    assert "/edited?a=b" in await here.page.evaluate("document.querySelector('main').innerText")


async def har_has_what_is_shown(here: Inspected) -> None:
    await here.view("#/exchanges?text=edited", f"{TARGETS}.length == 1")
    links = "[...document.querySelectorAll('a[download]')].map(a => a.getAttribute('href'))"
    [path] = await here.page.evaluate(links)
    found = await here.page.evaluate(f"fetch('{path}').then(a => a.json())")
    [entry] = found["log"]["entries"]
    assert ("PUT", "new body") == (entry["request"]["method"], entry["request"]["postData"]["text"])


async def websocket_is_seen_as_it_goes_on(here: Inspected) -> None:
    async with here.session.ws_connect(f"{here.proxy.url}/ws") as socket:
        await here.view("#/exchanges?kind=websocket", f"JSON.stringify({TARGETS}) == '[\"/ws\"]'")
        await here.key("g", "Enter")
        await here.page.wait_for(f"{DETAIL}.innerText.includes('GET /ws')")
        for word in ("one", "two"):
            await socket.send_str(word)
            await here.page.wait_for(f"{DETAIL}.innerText.includes('echo of {word}')")
        ways = f"[...{DETAIL}.querySelectorAll('.message')].map(e => e.className)"
        assert ["message sent", "message received"] * 2 == await here.page.evaluate(ways)


async def pause_keeps_nothing(here: Inspected) -> None:
    await here.view("#/exchanges", f"{TARGETS}.length > 4")
    await here.key("p")
    await here.page.wait_for("document.querySelector('#connection').textContent == 'paused'")
    await here.ask("/unseen")
    await here.key("p")
    await here.page.wait_for("document.querySelector('#connection').textContent == 'live'")
    await here.ask("/seen-again")
    await here.page.wait_for(f"{TARGETS}[0] == '/seen-again'")
    assert "/unseen" not in await here.page.evaluate(TARGETS)


async def hostile_texts_are_texts(here: Inspected) -> None:
    for path in ("/hostile", "/hostile-page", "/a?q=<script>window.ran=1</script>"):
        await here.ask(path, headers={"X-Client": MARKUP})
        await here.page.wait_for(f"{TARGETS}[0] == {path!r}")
        await here.key("g", "Enter")
        await here.page.wait_for(f"{OPENED} == {'GET ' + path!r}")
        await here.page.wait_for(f"{DETAIL}.innerText.includes('onerror')")
        made = f"{DETAIL}.querySelectorAll('img, script, svg, [onerror], [onload]').length"
        assert 0 == await here.page.evaluate(made)
        await here.key("Escape")
    text = await here.page.evaluate("document.body.innerText")
    assert "\u202e" not in text
    assert await here.page.evaluate("window.ran === undefined")


async def services_and_configuration(here: Inspected) -> None:
    await here.view("#/services", "document.querySelectorAll('.service .chart svg').length == 2")
    text = await here.page.evaluate("document.querySelector('.service').innerText")
    for word in ("demo@authproxy-demo.iam.gserviceaccount.com", "left of", "p95", "/broken"):
        assert word in text
    await here.press("Run the doctor")
    await here.page.wait_for("document.querySelectorAll('.checks tbody tr').length > 5")
    await here.view("#/configuration", "document.querySelector('.settings')")
    settings = await here.page.evaluate("document.querySelector('main').innerText")
    assert "env:KEY" in settings
    assert KEY not in settings


async def no_secret_is_anywhere(here: Inspected) -> None:
    """A token, a key, cookies, parameters, fields of forms and of JSON, words of a socket."""
    secrets = [f"s3cret-{number}-of-this-run" for number in range(7)]
    headers = {"Cookie": f"session={secrets[0]}", "X-Api-Key": secrets[1]}
    await here.ask(f"/keys?access_token={secrets[2]}", headers=headers)
    await here.ask("/keys", "POST", data={"password": secrets[3]})
    await here.ask("/keys", "POST", json={"client_secret": secrets[4]}, compress=True)
    await here.ask("/keys", headers={"Authorization": f"Bearer {secrets[5]}"})
    async with here.session.ws_connect(f"{here.proxy.url}/ws") as socket:
        await socket.send_str(json.dumps({"token": secrets[6]}))
        await socket.receive()
    seen = ""
    listed = json.loads(await here.read("/api/exchanges?limit=6"))
    for each in listed["exchanges"]:
        await here.view(f"#/exchanges/{listed['run']}-{each['id']}", f"{OPENED}.includes('/')")
        await here.page.wait_for(f"{DETAIL}.innerText.includes('Identity')")
        seen += await here.page.evaluate("document.documentElement.outerHTML")
    seen += await here.read("/api/exchanges/har")
    seen += json.dumps(listed)
    async with here.session.get(
        f"{here.url}/api/exchanges/stream?since={listed['run']}-0",
        headers={"Authorization": f"Bearer {KEY}"},
    ) as stream:
        seen += (await stream.content.readuntil(b"event: changes")).decode()
        seen += (await stream.content.readuntil(b"\n\n")).decode()

    assert "[redacted:" in seen
    assert [] == [secret for secret in (*secrets, KEY) if secret in seen]
    assert not re.search(r"eyJ[\w-]+\.eyJ", seen)


async def requests_appear_within_200_ms(here: Inspected) -> None:
    """The best of some tries, since a machine of tests has other work too."""
    await here.view("#/exchanges", f"{TARGETS}.length > 4")
    took: list[float] = []
    for number in range(12):
        await here.page.evaluate(WATCH.replace("/first", f"/quick/{number}"))
        asked = await here.page.evaluate("performance.timeOrigin + performance.now()")
        await here.ask(f"/quick/{number}")
        took.append(await here.page.evaluate("window.seen") - asked)
    assert min(took) < 200, took


async def clearing_takes_two_presses(here: Inspected) -> None:
    await here.view("#/exchanges", f"{TARGETS}.length > 4")
    await here.press("Clear")
    await here.press("Really")
    await here.page.wait_for("document.body.innerText.includes('Nothing has come yet')")


async def restart_is_survived(here: Inspected) -> None:
    await here.ask("/before")
    await here.page.wait_for(f"{TARGETS}[0] == '/before'")
    await here.restart()
    await here.page.wait_for("document.querySelector('.key-form')")
    assert "/before" in await here.page.evaluate(TARGETS), "what was seen stays"
    await here.page.evaluate(f"void (document.querySelector('#key-field').value = {KEY!r})")
    await here.press("Open", "document.querySelector('.key-form')")
    await here.page.wait_for("document.querySelector('#connection')?.textContent == 'live'")
    await here.ask("/after")
    await here.page.wait_for(f"JSON.stringify({TARGETS}) == '[\"/after\"]'")


STEPS: list[Any] = [
    empty_page_teaches,
    request_appears_at_once,
    filters_are_in_the_address,
    keys_open_and_close,
    changes_are_marked_with_their_reason,
    replay_has_a_fresh_token,
    edited_request_is_what_arrives,
    commands_and_comparison,
    har_has_what_is_shown,
    websocket_is_seen_as_it_goes_on,
    pause_keeps_nothing,
    hostile_texts_are_texts,
    services_and_configuration,
    skipping_to_the_content_stays_where_one_is,
    json_is_set_out,
    no_secret_is_anywhere,
    requests_appear_within_200_ms,
    clearing_takes_two_presses,
    restart_is_survived,
]
"""In this order: one browser does them all."""


@pytest.mark.parametrize("engine", ["Chromium", "Firefox", "WebKit"])
async def test_a_person_can_do_all_this(engine: str, tmp_path: Path) -> None:
    async with inspecting(ENGINES[engine], tmp_path / "profile") as here:
        for step in STEPS:
            try:
                await step(here)
            except TimeoutError:
                shown = await here.page.evaluate("[location.hash, document.body.innerText]")
                raise AssertionError(f"{step.__name__} waits in vain: {shown}") from None


READS = """Promise.all([
  fetch(T + '/api/exchanges', {credentials: 'include'}).then(a => a.text()),
  fetch(T + '/api/exchanges', {credentials: 'include', mode: 'no-cors'}).then(a => a.text()),
  new Promise((yes, no) => { const s = new EventSource(T + '/api/exchanges/stream',
    {withCredentials: true}); s.onmessage = s.onopen = () => yes('events'); s.onerror = no; }),
  new Promise((yes, no) => { const i = new Image(); i.onload = () => yes('image'); i.onerror = no;
    i.src = T + '/api/exchanges/1/answer-body'; }),
  new Promise((yes, no) => { const s = document.createElement('script'); s.onerror = no;
    s.onload = () => yes('script'); s.src = T + '/page/VERSION/format.js';
    document.body.append(s); }),
  new Promise((yes, no) => { const f = document.createElement('iframe'); f.src = T + '/';
    f.onload = () => { try { yes(f.contentDocument.body.innerText); } catch (e) { no(e); } };
    document.body.append(f); }),
].map(p => p.then(text => text || 'nothing', () => 'nothing')))"""
ACTS = """Promise.all(['pause', 'clear', '1/replay'].flatMap(name => [
  fetch(`${T}/api/exchanges/${name}`, {method: 'POST', credentials: 'include', mode: 'no-cors'}),
  fetch(`${T}/api/exchanges/${name}`, {method: 'POST', credentials: 'include', body: '{}',
    headers: {'Content-Type': 'application/json'}}),
  new Promise(done => { const f = document.createElement('form'); f.method = 'post';
    f.action = `${T}/api/exchanges/${name}`; f.target = name; const i =
    document.createElement('iframe'); i.name = name; document.body.append(i, f);
    i.onload = done; setTimeout(done, 500); f.submit(); }),
]).map(p => p.then(() => 1, () => 1)))"""


@pytest.mark.parametrize("engine", ["Chromium", "Firefox", "WebKit"])
async def test_a_page_of_another_origin_neither_reads_nor_acts(engine: str, tmp_path: Path) -> None:
    """With the cookie in the browser, from another port of the same host, by another name, and by a
    name that has become that of this machine."""
    async with (
        served(hostile()) as elsewhere,
        inspecting(ENGINES[engine], tmp_path / "profile") as here,
    ):
        await here.ask("/mine")
        await here.page.wait_for(f"{TARGETS}.length == 1")
        version = await here.page.evaluate("document.scripts[0].src.split('/')[4]")
        names = ["127.0.0.1", "localhost"]
        names += ["evil.localhost", "rebound.example"] if engine != "WebKit" else []
        for name in names:
            await here.page.go(f"http://{name}:{elsewhere}/")
            arrived = f"location.host == '{name}:{elsewhere}' && document.title == 'evil'"
            await here.page.wait_for(arrived)
            target = f"const T = '{here.url}'; return "
            for attack in (READS.replace("VERSION", version), ACTS):
                said = await here.page.evaluate(f"(() => {{ {target}{attack}; }})()")
                assert attack is ACTS or {"nothing"} == set(said)
        for name in names[1:]:  # it was another address a moment ago
            await here.page.go(f"http://{name}:{here.port}/")
            await here.page.wait_for(f"location.host == '{name}:{here.port}' && document.body")
            for attack in (READS, ACTS):
                script = attack.replace("VERSION", version)
                said = await here.page.evaluate(f"(() => {{ const T = ''; return {script}; }})()")
                assert attack is ACTS or "/mine" not in json.dumps(said)
        listed = json.loads(await here.read("/api/exchanges"))

    assert (False, ["/mine"]) == (listed["paused"], [x["target"] for x in listed["exchanges"]])


VIEWS = {
    "#/exchanges": f"{TARGETS}.length > 3",
    "#/exchanges?text=none": "document.body.innerText.includes('None of them fits')",
    "#/exchanges/RUN-1": f"{OPENED}.includes('/a?b') && {DETAIL}.innerText.includes('Identity')",
    "#/exchanges/RUN-2": f"{DETAIL}.innerText.includes('Answered by authproxy')",
    "#/exchanges/RUN-3": f"{DETAIL}.innerText.includes('echo of')",
    "#/compare/1/2": "document.querySelector('.sides')",
    "#/services": "document.querySelector('.chart svg')",
    "#/configuration": "document.querySelector('.settings')",
}
SERIOUS = """axe.run(document, {resultTypes: ['violations']}).then(r => r.violations
  .filter(v => v.impact == 'serious' || v.impact == 'critical')
  .map(v => [v.id, ...v.nodes.slice(0, 3).map(n => n.html.slice(0, 120))]))"""

COLOURS = SERIOUS.replace("{result", "{runOnly: ['color-contrast'], result")
"""What else may be wrong does not depend on the theme."""


async def test_axe_finds_nothing_serious_in_any_view(tmp_path: Path) -> None:
    """In both themes, wide and on a telephone; dialogs too. Nothing is wider than the page."""
    axe = await asyncio.to_thread(install_axe, tmp_path / "axe")
    async with inspecting(ENGINES["Chromium"], tmp_path / "profile") as here:
        await here.ask("/a?b=c", "POST", json={"a": [1, "b", None]})
        await here.ask("/refused", headers={"Host": "evil.example"})
        async with here.session.ws_connect(f"{here.proxy.url}/ws") as socket:
            await socket.send_str("one")
            await socket.receive()
        await here.ask("/broken")
        await here.page.wait_for(f"{TARGETS}.length == 4")
        await here.page.evaluate(f"{axe}; 1")
        run = json.loads(await here.read("/api/exchanges"))["run"]
        for width in (1280, 380):
            await here.page.resize(width, 800)
            await here.page.evaluate("void document.querySelector('#theme').click()")
            for fragment, until in VIEWS.items():
                await here.view(fragment.replace("RUN", run), until)
                assert [] == await here.page.evaluate(SERIOUS), (width, fragment)
                wide = "document.scrollingElement.scrollWidth"
                assert width == await here.page.evaluate(wide), fragment
                await here.page.evaluate("void document.querySelector('#theme').click()")
                assert [] == await here.page.evaluate(COLOURS), (width, fragment)
            await here.view(f"#/exchanges/{run}-1", f"{OPENED} == 'POST /a?b=c'")
            await here.page.wait_for(f"{DETAIL}.innerText.includes('Identity')")
            for label in ("Edit and send", "Copy as"):
                await here.press(label, DETAIL)
                await here.page.wait_for("document.querySelector('dialog[open]')")
                assert [] == await here.page.evaluate(SERIOUS), label
                await here.page.evaluate("void document.querySelector('dialog').close()")


SCROLL = """new Promise(done => {
  const grid = document.querySelector('[role=grid]'), took = [];
  let last = 0;
  function step(now) {
    if (last) took.push(now - last);
    last = now;
    grid.scrollTop += 700;
    if (took.length < 90) requestAnimationFrame(step);
    else done(took.sort((a, b) => a - b)[9]);
  }
  requestAnimationFrame(step);
})"""
"""Scrolls a screen in each frame; the time between frames that a tenth of them keep to, in ms. The
rest may have waited for others on this machine, but what the page does, it does in all of them."""


@pytest.mark.parametrize("engine", ["Chromium", "Firefox"])
async def test_twenty_thousand_exchanges_are_listed_by_few_elements(
    engine: str, tmp_path: Path
) -> None:
    story = Story(memory=64 * MEBIBYTE)
    for number in range(20_000):
        story.tell(target=b"/invoices/%d" % number, status=500 if number % 9 == 0 else 200)
    async with (
        admin_listener([*page_views(), *inspector_of(story.recording).views()]) as admin,
        ENGINES[engine](f"{admin.url}/?key={ADMIN_KEY}", tmp_path / "profile") as page,
    ):
        count = "document.querySelector('.count')?.textContent"
        await page.wait_for(f"{count} == '20,000 exchanges'")
        grid = "document.querySelector('[role=grid]')"
        await page.evaluate(f"void ({grid}.scrollTop = 300000)")
        await page.wait_for(f"{TARGETS}.includes('/invoices/9999')")
        story.tell(target=b"/new")
        await page.wait_for("document.querySelector('.list-fresh').textContent == '1 new ↑'")
        assert "/invoices/9999" in await page.evaluate(TARGETS), "what one looks at stays"
        await page.evaluate("void (location.hash = '#/exchanges?status=5xx')")
        await page.wait_for(f"{count} == '2,223 of 20,001 exchanges'")
        rows = await page.evaluate("document.querySelectorAll('.row').length")
        await page.evaluate("void (location.hash = '#/exchanges')")
        await page.wait_for(f"{count} == '20,001 exchanges'")
        frame_ms = await page.evaluate(SCROLL)

    assert rows < 100
    assert frame_ms < 50, "a frame is 17 ms; this machine has other work too"


FILTERS: list[dict[str, str]] = [
    *({"text": text} for text in ("invoices", "INVOICES 2", "get 404", "no-such", "billing x")),
    *({"status": status} for status in ("200", "5xx", ">=404", "<300,404", "400-599", "0", "1xx")),
    *({"method": method} for method in ("get", "POST,put", "DELETE")),
    *({"kind": kind} for kind in ("websocket", "sse,grpc", "mcp", "refused")),
    *({"service": service} for service in ("billing", "reports,other", "none")),
    {"status": "2xx", "text": "invoices", "method": "GET", "service": "billing"},
]
IN_NODE = """
const {compile} = await import(process.argv[1]);
let given = '';
for await (const piece of process.stdin) given += piece;
const [rows, filters] = JSON.parse(given);
const fitting = filters.map(each => rows.filter(compile(each).fits).map(row => row.id));
console.log(JSON.stringify(fitting));
"""


def test_the_page_filters_as_the_server_does() -> None:
    """So that a HAR file has what is shown."""
    story = Story()
    for status in (200, 204, 301, 404, 500):
        story.tell(target=b"/invoices/%d" % status, status=status)
    upgrade = ("Connection", "upgrade"), ("Upgrade", "websocket")
    story.answer(story.begin(*upgrade, target=b"/ws"), status=101)
    call = story.begin(("Content-Type", "application/grpc"), method=b"POST", service="reports")
    story.answer(call, ("Content-Type", "text/event-stream"))
    story.begin(("Mcp-Session-Id", "1"), method=b"PUT", target=b"/none-yet", service="other")
    rows = [row(record) for record in story.recording.store.newest_first()]
    script = Path(page_files.__file__).parent / "page/filters.js"
    said = subprocess.run(
        ["node", "--input-type=module", "-e", IN_NODE, script.as_uri()],
        input=json.dumps([rows, FILTERS]),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    expected = [[each["id"] for each in rows if read_filter(f).fits(each)] for f in FILTERS]

    assert expected == json.loads(said)
    assert 12 < len({str(found) for found in expected}), "they tell exchanges apart"


def install_axe(folder: Path) -> str:
    """The text of axe-core, from npm."""
    folder.mkdir()
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    subprocess.run(["npm", "install", "--prefix", folder, *quiet, AXE], check=True)
    return (folder / "node_modules/axe-core/axe.min.js").read_text()
