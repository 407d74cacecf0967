"""The start at a terminal, as a person sees it."""

import io
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from authproxy.admin.inside import ServiceState
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.runtime.banner import MOST_ROWS, identity, lines, show_banner, wants_banner
from tests.support.admin import TROUBLE, service, token_status
from tests.support.configuring import settings
from tests.support.program import Program
from tests.support.raw import raw_service
from tests.support.tailing import Command

COMING = token_status(TokenState.INVALID, obtained=0, minting=True)
FAILED = token_status(TokenState.INVALID, obtained=0, trouble=TROUBLE)
PAGE = "http://127.0.0.1:4040/?key=k"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Inside:
    """A proxy for services a, b …, whose tokens come at the third look."""

    def __init__(self, *states: ServiceState, late: bool = False) -> None:
        self._states = states
        self._late = late
        self.looks = 0
        urls = [f"{state.name}=https://{state.name}.example" for state in states]
        self.settings = settings(urls=urls)
        self.opened = [("http://localhost:8080", self.settings.every_listener[0])]

    def services(self) -> list[ServiceState]:
        self.looks += 1
        is_early = self._late and self.looks < 3
        return [service(each.name, COMING) if is_early else each for each in self._states]


def said(*states: ServiceState, page: str = PAGE, is_coloured: bool = False) -> list[str]:
    return lines(cast(Any, Inside(*states)), page, is_coloured=is_coloured)


def test_a_table_and_the_page() -> None:
    assert [
        "",
        "  service  address                        identity",
        "  a        http://a.localhost:8080        me@x.example by metadata",
        "  billing  http://billing.localhost:8080  me@x.example by metadata",
        "",
        "  inspector  http://127.0.0.1:4040/?key=k",
        "",
    ] == said(service("a"), service("billing"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (service("a"), "me@x.example by metadata"),
        (service("a", token_status(principal="")), "metadata"),
        (service("a", COMING), "no token by metadata yet"),
        (service("a", FAILED), "no token by metadata: the log says why"),
        (ServiceState(name="a", address="", tokens=()), "none"),
    ],
)
def test_who_asks_the_service_and_where_that_comes_from(state: ServiceState, expected: str) -> None:
    assert expected == identity(state)


def test_of_many_services_some_are_shown() -> None:
    found = said(*(service(f"s{number}") for number in range(MOST_ROWS + 2)))

    assert MOST_ROWS == sum(line.startswith("  s") for line in found) - 1
    assert "  and 2 more: authproxy status shows them all" in found


@pytest.mark.parametrize("page", ["", "unix:/run/a.sock"])
def test_without_a_page_for_browsers_there_is_no_link_to_it(page: str) -> None:
    assert "inspector" not in "".join(said(service("a"), page=page))


@pytest.mark.parametrize(
    ("environ", "admin_url", "line"),
    [
        ({"CI": "1"}, "", "off in containers and CI (CI is set); on with --admin 4040 --inspect"),
        ({"CI": "1"}, PAGE, PAGE),
    ],
)
async def test_a_person_in_a_container_is_told_why_there_is_no_page(
    environ: Mapping[str, str], admin_url: str, line: str
) -> None:
    written: list[str] = []
    stream = cast(Any, SimpleNamespace(write=written.append, flush=lambda: None))
    await show_banner(cast(Any, Inside(service("a"))), stream, admin_url, environ)

    assert line in "".join(written)


def test_no_identity_steers_the_terminal() -> None:
    hostile = token_status(principal="\x1b[2J\u202eme")

    assert all(line.isprintable() for line in said(service("a", hostile)))


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
async def test_it_waits_for_the_first_tokens_but_not_for_ever(
    environ: Mapping[str, str], coloured: bool
) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    written: list[str] = []
    stream = cast(Any, SimpleNamespace(write=written.append, flush=lambda: None))
    inside = Inside(service("a"), late=True)
    await show_banner(cast(Any, inside), stream, PAGE, environ, wait=wait)
    soon = len(waits)
    await show_banner(cast(Any, Inside(service("a", COMING))), stream, PAGE, environ, wait=wait)

    assert 2 == soon
    assert 5.0 == pytest.approx(sum(waits[soon:]))
    assert "me@x.example by metadata" in written[2]
    assert coloured == ("\x1b[1m" in "".join(written))


@pytest.mark.parametrize(
    ("environ", "terminal", "wanted"),
    [
        ({}, Terminal(), True),
        ({}, io.StringIO(), False),
        ({}, None, False),
        ({"AUTHPROXY_LOG_LEVEL": "debug"}, Terminal(), True),
        ({"AUTHPROXY_LOG_LEVEL": "warning"}, Terminal(), False),
        ({"AUTHPROXY_LOG_FORMAT": "json"}, Terminal(), False),
    ],
)
def test_it_is_for_a_person_who_has_not_asked_for_quiet(
    environ: dict[str, str], terminal: io.StringIO | None, wanted: bool
) -> None:
    found = settings(urls=["https://a.example"], environ=environ)

    assert wanted == wants_banner(found, terminal)


async def test_at_a_terminal_it_stands_behind_the_ready_lines_and_nowhere_else() -> None:
    words = ("--credentials", "none", "-l", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    environ = {"XDG_RUNTIME_DIR": "/proc/nowhere", "TERM": "xterm"}
    async with raw_service() as service:
        async with Command(service.url, *words, environ=environ, at_terminal=True) as seen:
            await seen.hear(r"inspector\S*  http://\S+\r\n\r\n")
        async with Command(service.url, "-q", *words, environ=environ, at_terminal=True) as quiet:
            await quiet.hear(r"admin: http://\S+\r\n")
            quiet.interrupt()
            await quiet.hear_end()
            await quiet.wait()
        async with Program(service.url, *words, environ=environ) as piped:
            await piped.hear("admin: ")

    ready = re.findall(r"^authproxy: (\S+) -> \S+\r$", seen.said, re.MULTILINE)
    page = re.search(r"^authproxy: admin: (\S+)\r$", seen.said, re.MULTILINE)
    assert page is not None
    assert 1 == len(ready)
    assert f"  {ready[0]}  none" in seen.said
    assert f"inspector\x1b[0m  {page[1]}" in seen.said
    assert "identity" not in quiet.said + piped.stderr
