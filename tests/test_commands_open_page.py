"""`--open`: a browser that the user has chosen gets an address that works once."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from authproxy.commands.admin_target import NoAdminError
from authproxy.commands.open_page import page_url
from authproxy.commands.status import StatusTarget
from authproxy.values import parse_listen
from tests.support.program import PATIENCE_S, Program, clean_environment, run_to_end
from tests.support.raw import raw_service

OPEN = """
import os, sys
from authproxy.commands.open_page import run
sys.exit(run(None, os.environ, print, print, by_browser=True))
"""
OPEN_OWN = """
import os, sys
from authproxy.commands import open_page
from authproxy.runtime import app
from authproxy.config.loading import load
from authproxy.cli.context import complain
flags = {"--credentials": "none", "--listen": ("127.0.0.1:0",), "--admin": "127.0.0.1:0"}
settings = load(urls=sys.argv[1:], file=None, flags=flags, environ={})
sys.exit(app.run(settings, lambda urls: open_page.run_own(complain, os.environ)))
"""
"""Tests may run in a container, where the command line opens nothing."""


class Browser:
    """A program that writes the address it is to open into a pipe."""

    def __init__(self, folder: Path) -> None:
        pipe, program = folder / "opened", folder / "browser"
        os.mkfifo(pipe)
        program.write_text(f'#!/bin/sh\necho "$1" > {pipe}\n')
        program.chmod(0o700)
        self._pipe = os.open(pipe, os.O_RDWR)
        self.environ = {"XDG_RUNTIME_DIR": str(folder), "BROWSER": f"{program} %s"}

    async def opened(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            return (await asyncio.to_thread(os.read, self._pipe, 4096)).decode().strip()

    def close(self) -> None:
        os.close(self._pipe)


async def python(code: str, *arguments: str, environ: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *arguments),
        env=clean_environment(environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def enter(url: str) -> tuple[int, str]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session, session.get(url) as answer:
        return answer.status, answer.url.path_qs


def arguments(service: str, *more: str) -> Sequence[str]:
    return (service, "--credentials", "none", "-l", "127.0.0.1:0", "--admin", "127.0.0.1:0", *more)


async def test_a_browser_is_let_in_by_an_address_that_works_once(tmp_path: Path) -> None:
    browser = Browser(tmp_path)
    async with (
        raw_service() as service,
        Program(*arguments(service.url), environ=browser.environ) as program,
    ):
        opening = await python(OPEN, environ=browser.environ)
        url = await browser.opened()
        out, _ = await opening.communicate()
        entered, again = await enter(url), await enter(url)
        printed = await run_to_end("status", "--open", environ={**browser.environ, "CI": "1"})
        by_print = await enter(printed[1].strip())
        said = program.stderr
    browser.close()

    assert [(200, "/"), (200, "/")] == [entered, by_print]
    assert 401 == again[0]
    assert out.startswith(b"opened http://127.0.0.1:")
    assert "key=" not in out.decode() + printed[2] + said
    assert 0 == printed[0]
    assert "open this address, which works once" in printed[2]


async def test_a_proxy_opens_its_own_page_when_it_is_ready(tmp_path: Path) -> None:
    browser = Browser(tmp_path)
    async with raw_service() as service:
        proxy = await python(OPEN_OWN, service.url, environ=browser.environ)
        entered = await enter(await browser.opened())
        proxy.terminate()
        _, err = await proxy.communicate()
    browser.close()

    assert (200, "/") == entered
    assert b"no browser" not in err


async def test_without_a_browser_a_proxy_says_how_to_get_to_the_page(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "BROWSER": "/proc/nowhere/browser %s"}
    async with raw_service() as service:
        proxy = await python(OPEN_OWN, service.url, environ=environ)
        assert proxy.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            while b"authproxy status --open" not in (line := await proxy.stderr.readline()):
                assert line
        proxy.terminate()
        await proxy.communicate()

    assert line.startswith(b"authproxy: no browser was found")


async def test_in_a_container_nothing_is_opened(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "CI": "1"}
    async with (
        raw_service() as service,
        Program(*arguments(service.url, "--open"), environ=environ) as program,
    ):
        await program.hear("--open does nothing in a container")


@pytest.mark.parametrize("admin", [(), ("--admin", "off"), ("--admin", "unix:/proc/nowhere/s")])
async def test_without_a_page_to_open_nothing_is_started(admin: tuple[str, ...]) -> None:
    code, _, err = await run_to_end(
        *("http://127.0.0.1:9", "--credentials", "none", "-l", "127.0.0.1:0", "--open", *admin)
    )

    assert 2 == code
    assert "--open needs" in err
    assert "--admin 4040" in err


@pytest.mark.parametrize("address", ["127.0.0.1:1", "unix:/proc/nowhere/s"])
def test_no_page_is_an_error(address: str) -> None:
    with pytest.raises(NoAdminError, match=r"at 127\.0\.0\.1:1|no browser can go"):
        page_url(StatusTarget(parse_listen(address), is_admin=True))
