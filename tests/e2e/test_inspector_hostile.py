"""Exchanges that wish the page ill: nothing in them runs, and nothing is fetched for them."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from authproxy.inspector.page_views import page_views
from authproxy.inspector.protobuf.descriptions import Descriptions
from tests.support.admin import KEY, admin_listener
from tests.support.browser import ENGINES
from tests.support.grpc_service import ANY_FILE, FILES, NAME, Account
from tests.support.inspecting import inspector_of
from tests.support.recorded import Story
from tests.support.webapp import served
from tests.test_inspector_bodies_grpc_messages import message
from tests.test_inspector_bodies_websocket_frames import frame

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]

WATCH = """void (window.violations = [], window.ran = [],
  document.addEventListener('securitypolicyviolation', e => violations.push(e.blockedURI)),
  window.alert = text => ran.push(text))"""
DETAIL = "document.querySelector('.detail')"
MADE = """[...document.querySelectorAll(`iframe, object, embed, [onload], [onerror],
  .detail script, .detail svg, main link, main meta, main base, a[href^=javascript]`)].length"""
OUTWARD = """[...document.querySelectorAll('[href], [src], [action], [data], [srcset]')]
  .flatMap(e => [e.href, e.src, e.action, e.data, e.srcset])
  .filter(each => typeof each == 'string' && each && !each.startsWith(location.origin)).length"""


def payload(port: int) -> str:
    there = f"http://127.0.0.1:{port}"
    return (
        f"\"'><img src={there}/img onerror=alert(1)><script src={there}/script></script>"
        f"<svg onload=alert(2)><image href={there}/image /></svg>"
        f"<iframe src={there}/frame></iframe>"
        f"<link rel=stylesheet href={there}/css><style>@import url({there}/import)</style>"
        f"<a href='javascript:alert(3)'>x</a><base href={there}/>"
    )


def drawing(port: int) -> bytes:
    there = f"http://127.0.0.1:{port}"
    return (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"'
        f' onload="fetch(\'{there}/onload\')"><script href="{there}/script"/>'
        f"<script>fetch('{there}/run'); parent.ran = [1]</script>"
        f"<style>@import url({there}/import); rect {{ fill: url({there}/fill) }}</style>"
        f'<image href="{there}/image" width="9" height="9"/><use href="{there}/use#a"/>'
        f'<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="{there}/f"/>'
        '</foreignObject><rect width="20" height="20"/></svg>'
    ).encode()


def hostile_exchanges(port: int) -> Story:
    """Seven: HTML, JSON, a drawing, events, a WebSocket, and gRPC with names and without."""
    story = Story(with_content=["billing"])
    evil = payload(port)
    known = Descriptions()
    for file in (*FILES, ANY_FILE):
        known.add(file)
    story.recording.texts.learn("billing", NAME, known)
    path = f"/p?{evil}".replace(" ", "%20").encode()
    account = Account(name=evil, labels={evil: evil}).SerializeToString()
    contents = [
        ("text/html", evil.encode(), path),
        ("application/json", json.dumps({evil: [evil, {"__proto__": evil}]}).encode(), path),
        ("image/svg+xml", drawing(port), b"/drawing"),
        ("text/event-stream", f"event: {evil}\nid: {evil}\ndata: {evil}\n\n".encode(), path),
        ("application/grpc", message(account), f"/{NAME}/Get".encode()),
        ("application/grpc", message(account), b"/unknown.Service/Get"),
    ]
    for media_type, body, target in contents:
        fields = ("Content-Type", media_type), ("X-Evil", evil)
        exchange = story.begin(*fields, method=b"POST", target=target)
        story.recorder.request_piece(exchange, body)
        story.answer(exchange, *fields)
        story.recorder.answer_piece(exchange, body)
        story.end(exchange, len(body), len(body))
    tunnel = story.begin(("Upgrade", "websocket"), target=path)
    story.answer(tunnel, status=101)
    story.recorder.request_piece(tunnel, frame(evil.encode(), mask=b"abcd"))
    story.recorder.answer_piece(tunnel, frame(b"\x03\xe8" + evil.encode()[:120], 8))
    story.end(tunnel)
    return story


@pytest.mark.parametrize("engine", list(ENGINES))
async def test_nothing_runs_and_nothing_is_fetched(engine: str, tmp_path: Path) -> None:
    fetched: list[str] = []

    async def note(request: web.Request) -> web.Response:
        fetched.append(request.path)
        return web.Response()

    elsewhere = web.Application()
    elsewhere.router.add_route("*", "/{any:.*}", note)
    async with served(elsewhere) as port:
        story = hostile_exchanges(port)
        views = [*page_views(), *inspector_of(story.recording).views()]
        async with (
            admin_listener(views) as admin,
            ENGINES[engine](f"{admin.url}/?key={KEY}", tmp_path / "profile") as page,
        ):
            await page.wait_for("document.querySelectorAll('.row:not([hidden])').length == 7")
            await page.evaluate(WATCH)
            run = (await page.evaluate("fetch('/api/exchanges').then(a => a.json())"))["run"]
            shown = []
            for number in range(1, 8):
                await page.evaluate(f"void (location.hash = '#/exchanges/{run}-{number}')")
                await page.wait_for(
                    f"{DETAIL}.innerText.includes('As in the log') &&"
                    f" location.hash.endsWith('-{number}')"
                    f" && {DETAIL}.querySelector('a[download]').href.includes('/{number}/har')"
                )
                shown.append(await page.evaluate(f"{DETAIL}.textContent"))
                found: Any = await page.evaluate(f"[{MADE}, {OUTWARD}]")
                assert [0, 0] == found, number
                images = f"[...{DETAIL}.querySelectorAll('img')]"
                count = 2 if number == 3 else 0
                await page.wait_for(
                    f"{images}.filter(e => e.complete && e.naturalWidth == 20).length == {count}"
                    f" && {images}.length == {count}"
                )
            await page.evaluate("void (location.hash = '#/compare/1/2')")
            await page.wait_for("document.querySelector('.sides')")
            assert [0, 0] == await page.evaluate(f"[{MADE}, {OUTWARD}]")
            assert [[], []] == await page.evaluate("[window.ran, window.violations]")
            drawn = f"{admin.url}/api/exchanges/3/answer-body"
            await page.go(drawn)
            await page.wait_for("location.pathname.endsWith('/answer-body')")
            await page.wait_for("document.readyState == 'complete'")

    assert [] == fetched
    for number in (0, 1, 3, 4, 6):
        assert "onerror=alert(1)" in shown[number], number
    assert "text of" in shown[5]
    assert "onerror=alert(1)" not in shown[5].partition("gRPC messages")[2].partition("Answer")[0]


def test_the_service_that_listens_would_hear_it() -> None:
    """Each payload names it, so that silence means something."""
    assert 7 == payload(4711).count("http://127.0.0.1:4711/")
    assert 8 == drawing(4711).count(b"http://127.0.0.1:4711/")
