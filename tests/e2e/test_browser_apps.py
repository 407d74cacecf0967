"""Applications that nobody here wrote work in browsers through authproxy as they do directly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from authproxy.demo.world import World
from tests.support.behind import APPS, Forward, free_port, running
from tests.support.browser import ENGINES, Engine, Page
from tests.support.program import Program

pytestmark = [pytest.mark.outside, pytest.mark.timeout(180)]


def in_front_of(world: World) -> Program:
    return Program(
        world.url,
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "localhost:0"),
        environ=world.environment,
    )


@asynccontextmanager
async def django(folder: Path, place: str) -> AsyncIterator[int]:
    port = free_port()
    async with running(port, str(APPS / "django_app.py"), str(port), f"{folder}/{place}.db", place):
        yield port


@pytest.fixture
async def streamlit() -> AsyncIterator[int]:
    port = free_port()
    flags = ("--server.headless=true", "--browser.gatherUsageStats=false")
    here = (f"--server.port={port}", "--server.address=127.0.0.1")
    app = str(APPS / "streamlit_app.py")
    async with running(port, "-m", "streamlit", "run", app, *flags, *here):
        yield port


HERE = "[location.pathname + location.search, document.title, document.body.innerText]"


async def shown(page: Page, condition: str) -> None:
    """Wait for a page that is there as a whole."""
    await page.wait_for(f"document.readyState == 'complete' && {condition}")


async def submit(page: Page, form: str, fields: dict[str, str], until: str) -> object:
    """Fill a form, send it, wait, and tell what there is to see."""
    for name, value in fields.items():
        await page.evaluate(f"{form}.elements['{name}'].value = '{value}'")
    await page.evaluate(f"{form}.requestSubmit()")
    await shown(page, until)
    return await page.evaluate(HERE)


async def use_django(open_page: Engine, url: str, profile: Path) -> list[object]:
    """Log in, add a group, log out; what a user sees on the way."""
    seen = []
    async with open_page(f"{url}/admin/", profile) as page:
        await shown(page, "document.title.startsWith('Log in')")
        seen.append(await page.evaluate(HERE))
        login = {"username": "anna", "password": "wrong"}
        form = "document.forms['login-form']"
        refused = "document.body.innerText.includes('Please enter the correct')"
        seen.append(await submit(page, form, login, refused))
        login["password"] = "correct horse"
        home = "document.title.startsWith('Site administration')"
        seen.append(await submit(page, form, login, home))
        await page.evaluate("location.href = '/admin/auth/group/add/'")
        await shown(page, "document.title.startsWith('Add group')")
        added = "document.body.innerText.includes('was added successfully')"
        group = "document.forms['group_form']"
        seen.append(await submit(page, group, {"name": f"of {len(seen)}"}, added))
        await page.evaluate("document.querySelector('#result_list th a[href*=change]').click()")
        await shown(page, "document.title.includes('Change group')")
        await page.evaluate("location.href = location.pathname.replace('change', 'delete')")
        await shown(page, "document.title.startsWith('Delete')")
        gone = "document.body.innerText.includes('was deleted successfully')"
        seen.append(await submit(page, "document.forms[1]", {}, gone))
        out = "document.title.startsWith('Logged out')"
        seen.append(await submit(page, "document.forms['logout-form']", {}, out))
        cookies = "document.cookie.split('; ').map(c => c.split('=')[0]).sort()"
        seen.append(await page.evaluate(cookies))
    return seen


@pytest.mark.parametrize("engine", ENGINES)
async def test_djangos_administration_works_as_if_it_were_direct(
    engine: str, tmp_path: Path
) -> None:
    browser = ENGINES[engine]
    async with django(tmp_path, "direct") as port:
        direct = await use_django(browser, f"http://localhost:{port}", tmp_path / "direct")
    async with (
        django(tmp_path, "cloud-run") as port,
        World(app=Forward(port).handle, token_life_s=600) as world,
        in_front_of(world) as proxy,
    ):
        through = await use_django(browser, f"http://localhost:{proxy.port}", tmp_path / "through")

    assert direct == through
    assert ["csrftoken"] == through[-1]


async def use_streamlit(open_page: Engine, url: str, profile: Path) -> list[object]:
    """Its page over its WebSocket: a button, a text and an upload."""
    seen = []
    shows = "document.body.innerText.includes"
    async with open_page(f"{url}/", profile) as page:
        await page.wait_for("document.querySelector('h1')?.innerText == 'Hello'")
        await page.wait_for("document.querySelector('input[type=file]') != null")
        seen.append(await page.evaluate("document.title"))
        await page.evaluate(
            "(() => { const i = document.querySelector('input[type=text]'); i.focus();"
            " Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set"
            ".call(i, 'anna'); i.dispatchEvent(new Event('input', {bubbles: true}));"
            " i.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));"
            " i.blur(); })()"
        )
        press = "[...document.querySelectorAll('button')].find(b => b.innerText == 'Press')"
        await page.evaluate(f"{press}.click()")
        await page.wait_for(f"{shows}('pressed by anna')")
        await page.evaluate(
            "(() => { const i = document.querySelector('input[type=file]');"
            " const d = new DataTransfer(); d.items.add(new File(['x'.repeat(100000)], 'a.txt'));"
            " i.files = d.files; i.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )
        await page.wait_for(f"{shows}('got 100000 bytes')")
        seen.append(await page.evaluate("location.pathname"))
    return seen


# WebKit's driver does not get it to take a text and a file, without authproxy either.
@pytest.mark.parametrize("engine", ["Chromium", "Firefox"])
async def test_streamlit_works_as_if_it_were_direct(
    engine: str, streamlit: int, tmp_path: Path
) -> None:
    browser = ENGINES[engine]
    direct = await use_streamlit(browser, f"http://localhost:{streamlit}", tmp_path / "direct")
    async with (
        World(app=Forward(streamlit).handle, token_life_s=600) as world,
        in_front_of(world) as proxy,
    ):
        through = await use_streamlit(
            browser, f"http://localhost:{proxy.port}", tmp_path / "through"
        )

    assert direct == through
