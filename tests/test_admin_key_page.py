"""What a browser without a key is shown, over a real socket."""

import base64
import hashlib
import json
import re

from aiohttp import web

from authproxy.admin.admin_key import AdminKey
from authproxy.admin.key_page import POLICY, ticket_views
from authproxy.admin.views import View, as_json
from authproxy.exchange import Secret
from tests.support.admin import BEARER, KEY, admin_listener

ACCEPT = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def page(_request: web.Request) -> web.StreamResponse:
    return as_json("the page")


VIEWS = [View(path="/", handler=page), View(path="/api/status", handler=page)]


async def test_a_browser_without_a_key_is_asked_for_it() -> None:
    async with admin_listener(VIEWS) as admin:
        status, fields, text = await admin.ask("/", **ACCEPT)

    assert (401, "text/html; charset=utf-8") == (status, fields["content-type"])
    assert 'name="key" type="password"' in text
    assert "the key is another one" in text
    assert "too many" not in text


async def test_the_key_in_the_form_opens_the_page() -> None:
    async with admin_listener(VIEWS) as admin:
        wrong, _, again = await admin.ask("/?key=wrong", **ACCEPT)
        status, fields, _ = await admin.ask(f"/?key={KEY}", **ACCEPT)

    assert (401, True) == (wrong, "This key is wrong." in again)
    assert (303, "/") == (status, fields["location"])
    assert "wrong" not in again.replace("This key is wrong.", "")


async def test_programs_are_told_in_json_and_only_the_page_is_a_page() -> None:
    async with admin_listener(VIEWS) as admin:
        for path, accept in (("/", {}), ("/api/status", ACCEPT)):
            status, fields, _ = await admin.ask(path, **accept)
            assert (401, "application/json") == (status, fields["content-type"].partition(";")[0])
        assert 200 == (await admin.ask("/", **ACCEPT, **BEARER))[0]


async def test_whoever_guesses_is_told_to_wait_in_the_page_too() -> None:
    async with admin_listener(VIEWS) as admin:
        answers = [await admin.ask(f"/?key=guess-{number}", **ACCEPT) for number in range(40)]

    status, _, text = answers[-1]
    assert (429, True) == (status, "There were too many wrong keys. Wait a minute." in text)


async def test_nothing_but_its_own_style_may_be_in_it() -> None:
    async with admin_listener(VIEWS) as admin:
        _, fields, text = await admin.ask("/", **ACCEPT)

    style = re.findall("<style>(.*)</style>", text, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert POLICY == fields["content-security-policy"]
    assert f"'sha256-{digest}'" in POLICY
    assert "script" not in text


async def test_a_ticket_is_made_by_post_for_who_has_the_key() -> None:
    key = AdminKey(Secret("k"))
    async with admin_listener(ticket_views(key)) as admin:
        by_get = await admin.ask("/api/ticket", **BEARER)
        stranger = await admin.ask("/api/ticket", "POST")
        elsewhere = await admin.ask("/api/ticket", "POST", Origin="http://evil.example", **BEARER)
        made = await admin.ask("/api/ticket", "POST", **BEARER)
    ticket = json.loads(made[2])["ticket"]

    assert [405, 401, 403, 200] == [answer[0] for answer in (by_get, stranger, elsewhere, made)]
    assert not key.opens(ticket)
    assert key.takes_ticket(ticket, 0.0)
