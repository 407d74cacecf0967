"""Status of an authproxy as a table: drawn by rich at a terminal, plain columns elsewhere."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from authproxy.values.wording import printable, wants_colour

if TYPE_CHECKING:
    from rich.console import Console

ONE_PROCESS = {"ready": 1, "replaced": 0}
HEAD = ("service", "ready", "principal", "token", "requests/s", "errors/s", "connections")
Row = Sequence[str]


def show(
    text: str,
    say: Callable[[str], object],
    *,
    at_terminal: bool,
    environ: Mapping[str, str],
    now: Callable[[], float] = time.time,
) -> None:
    """`text`: the JSON of `/api/status`."""
    found = read(text)
    rows = [line for each in found["services"] for line in rows_of(each, now())]
    for line in head_lines(found):
        say(line)
    if at_terminal or wants_colour(environ, at_terminal=False):
        _draw(rows, environ)
    else:
        for line in columns([HEAD, *rows]):
            say(line)
    for each in found["services"]:
        if each["why"]:
            say(f"{each['name']}: {each['why']}")


def read(text: str) -> dict[str, Any]:
    """The report, with nothing in it that a terminal would obey. Raises ValueError for what is
    none; of another version's, members may be missing or be something else."""
    try:
        found = json.loads(text, object_hook=_printable)
    except RecursionError:
        raise ValueError from None
    if not isinstance(found, dict) or not {"version", "phase", "ready"} <= found.keys():
        raise ValueError
    return found


def _printable(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: printable(value) if isinstance(value, str) else value for name, value in found.items()
    }


def head_lines(found: dict[str, Any]) -> list[str]:
    """What is not about one service."""
    state = "ready" if found["ready"] else "not ready"
    if found["phase"] != "serving":
        state = found["phase"]
    lines = [f"authproxy {found['version']} is {state}", *_reload_lines(found)]
    for each in found["listeners"]:
        only = f" -> {each['service']}" if each["service"] else ""
        lines.append(f"listening at {each['url']}{only}")
    numbers = found["connections"]
    if numbers is not None:
        lines.append(
            f"clients: {numbers['http1']} by HTTP/1, {numbers['http2']} by HTTP/2,"
            f" {numbers['tunnels']} tunnels; {numbers['exchanges']} requests in flight,"
            f" {numbers['begun']} since the start"
        )
    workers = found.get("workers")
    if workers and workers != ONE_PROCESS:
        replaced = f", {workers['replaced']} were replaced" if workers["replaced"] else ""
        lines.append(f"workers: {workers['ready']} take connections{replaced}")
    return lines


def _reload_lines(found: dict[str, Any]) -> list[str]:
    """Why it runs by an older configuration than the one that is there."""
    problems = found.get("reload_problems")
    if not problems:
        return []
    return [
        "the configuration could not be reloaded; that of before still runs:",
        *(f"  {printable(str(problem))}" for problem in problems),
    ]


def rows_of(service: dict[str, Any], now: float) -> list[Row]:
    """One, and one more for each further account that keys act as."""
    others = [token for token in service["tokens"][1:] if token.get("account")]
    return [_row(service, now), *(_account_row(service, token, now) for token in others)]


def _account_row(service: dict[str, Any], token: dict[str, Any], now: float) -> Row:
    """Nothing else is counted by account; what keeps the service from being ready is below."""
    failed = token.get("last_failure") and token.get("expires_at") is None
    ready = "no" if failed else ""
    return (service["name"], ready, token["account"], _life(token, now), "", "", "")


def _row(service: dict[str, Any], now: float) -> Row:
    token = service["tokens"][0] if service["tokens"] else {}
    rates, pool = service["rates"], service["pool"]
    return (
        service["name"],
        "yes" if service["ready"] else "no",
        token.get("principal") or token.get("account") or "-",
        _life(token, now),
        f"{rates['requests']:.1f}" if rates else "-",
        f"{rates['errors']:.1f}" if rates else "-",
        f"{pool['open'] - pool['idle']} of {pool['open']} in use" if pool else "-",
    )


def _life(token: dict[str, Any], now: float) -> str:
    """How long it may still be sent."""
    if token.get("expires_at") is None:
        return "none needed" if token.get("state") == "fresh" else "none"
    left = max(0, int(token["expires_at"] - now))
    shown = f"{left // 60} min" if left >= 120 else f"{left} s"
    return f"{token['state']}, {shown}"


def columns(rows: Sequence[Row]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip()
        for each in rows
    ]


def make_console(out: TextIO, environ: Mapping[str, str]) -> "Console":
    """It writes lines as they are, in colours where they are wanted."""
    from rich.console import Console

    is_coloured = wants_colour(environ, at_terminal=out.isatty())
    return Console(
        file=out,
        color_system="standard" if is_coloured else None,
        force_terminal=is_coloured,
        highlight=False,
        _environ=dict(environ),
    )


def _draw(rows: Sequence[Row], environ: Mapping[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*HEAD)
    for each in rows:
        style = "" if each[1] == "yes" else "red"
        table.add_row(*(Text(cell) for cell in each), style=style)
    make_console(sys.stdout, environ).print(table)
