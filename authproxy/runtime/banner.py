"""The start at a terminal, for a person: who goes where, as whom, and where to look.

It comes behind the ready lines, which are for programs and stay as they are.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from authproxy.observe.logs import choose_format
from authproxy.observe.stream import LogStream
from authproxy.runtime.admin import ProxyInside, why_none
from authproxy.runtime.listeners import addresses
from authproxy.settings import Settings
from authproxy.tasks import Tasks
from authproxy.values.wording import printable, wants_colour

if TYPE_CHECKING:
    from authproxy.admin.inside import ServiceState
    from authproxy.identity.token_cache.status import TokenStatus

PATIENCE_S = 5.0
"""For the first tokens: who they are for is known when they have come."""
LOOK_S = 0.1
MOST_ROWS = 10
HEAD = ("service", "address", "identity")
_QUIET = ("warning", "error")


def wants_banner(settings: Settings, terminal: TextIO | None) -> bool:
    """At a terminal that shows the log as text, and not with -q."""
    is_for_person = terminal is not None and terminal.isatty()
    is_text = choose_format(settings.log.format, terminal) == "text"
    return is_for_person and is_text and settings.log.level not in _QUIET


def start_banner(tasks: Tasks, inside: ProxyInside, stream: LogStream, admin_url: str) -> None:
    """Where there is somebody to see it."""
    if wants_banner(inside.settings, sys.stderr):
        tasks.spawn(show_banner(inside, stream, admin_url, os.environ), name="banner")


async def show_banner(
    inside: ProxyInside,
    stream: LogStream,
    admin_url: str,
    environ: Mapping[str, str],
    *,
    wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Once the first tokens have come, or it has become clear that they do not."""
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if all(map(_is_settled, inside.services())):
            break
        await wait(LOOK_S)
    is_coloured = wants_colour(environ, at_terminal=True)
    page = admin_url or why_none(inside.settings, environ)
    for line in lines(inside, page, is_coloured=is_coloured):
        stream.write(f"{line}\n")
    stream.flush()


def _is_settled(service: "ServiceState") -> bool:
    return all(_has_come(each) or each.trouble for each in service.tokens)


def _has_come(token: "TokenStatus") -> bool:
    """Or is not needed."""
    return bool(token.obtained) or token.expires_at is not None


def lines(inside: ProxyInside, page: str, *, is_coloured: bool) -> list[str]:
    """An aligned table, and the address of the inspector's page, or why there is none."""
    rows = table(inside)
    shown = rows[:MOST_ROWS]
    widths = [max(map(len, column)) for column in zip(HEAD, *shown, strict=True)]
    found = ["", _bold(_line(HEAD, widths), is_coloured), *(_line(row, widths) for row in shown)]
    if len(rows) > len(shown):
        found.append(f"  and {len(rows) - len(shown)} more: authproxy status shows them all")
    if page and not page.startswith("unix:"):
        found += ["", f"  {_bold('inspector', is_coloured)}  {page}"]
    return [*found, ""]


def table(inside: ProxyInside) -> list[Sequence[str]]:
    """Each service with an address to ask for it, and as whom it is asked."""
    where: dict[str, str] = {}
    for url, listener in inside.opened:
        for name, shown in addresses(url, listener, inside.settings):
            where.setdefault(name, shown)
    return [
        tuple(map(printable, (each.name, where.get(each.name, "-"), identity(each))))
        for each in inside.services()
    ]


def identity(service: "ServiceState") -> str:
    """The principal and where its tokens come from."""
    token = service.tokens[0] if service.tokens else None
    if token is None:
        return "none"
    if token.trouble is not None:
        return f"no token by {token.source}: the log says why"
    if not _has_come(token):
        return f"no token by {token.source} yet"
    return f"{token.principal} by {token.source}" if token.principal else token.source


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    return f"  {'  '.join(cells)}".rstrip()


def _bold(text: str, is_coloured: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if is_coloured else text
