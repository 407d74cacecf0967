"""Lines for exchanges: nothing that was said by others steers the terminal."""

import io
import json
from typing import Any

import pytest

from authproxy.commands.tail.lines import Coloured, Columns, JsonLines, duration, size

ROW = {
    "id": "7",
    "time": 0.0,
    "client": "127.0.0.1",
    "host": "billing.localhost",
    "service": "billing",
    "method": "GET",
    "target": "/a?b=c",
    "status": 200,
    "grpc_status": None,
    "kinds": [],
    "code": None,
    "live": False,
    "aborted": "",
    "duration_ms": 12.4,
    "bytes_to_client": 1530,
    "replayed_from": "",
}
HOSTILE = ["\x1b]0;owned\x07", "\x1b[2J", "a\nb", "\x9b31m", "\u202etxt", "\x7f", "\r"]


def line(**changes: Any) -> str:
    return Columns(io.StringIO()).line({**ROW, **changes})


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({}, "  billing   GET     200        12 ms    1.5 kB  /a?b=c"),
        ({"live": True, "duration_ms": None}, "200         open    1.5 kB  /a?b=c"),
        ({"status": 0, "aborted": "client"}, "/a?b=c  ended early by client"),
        ({"service": "", "code": "no_route"}, "  billing.localhost/a?b=c  no_route"),
        ({"service": "", "target": "http://a/"}, "  http://a/"),
        ({"grpc_status": 14, "replayed_from": "3"}, "/a?b=c  grpc-status 14  replay"),
        ({"grpc_status": 0}, "/a?b=c"),
    ],
)
def test_a_line_says_what_went_wrong_behind_the_path(changes: dict[str, Any], end: str) -> None:
    assert line(**changes).endswith(end)


def test_columns_grow_with_what_they_have_seen_but_not_without_end() -> None:
    columns = Columns(io.StringIO())
    short = columns.line(ROW).index("/a")
    long = columns.line({**ROW, "client": "2001:db8::1234:5678"}).index("/a")
    endless = columns.line({**ROW, "service": "s" * 63}).index("/a")

    assert short < long < endless
    assert endless - 63 < long
    assert columns.line(ROW).index("/a") == long + 24 - len("service ")


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("name", ["client", "host", "service", "method", "target", "code"])
def test_nothing_in_an_exchange_steers_a_terminal(name: str, text: str) -> None:
    row = {**ROW, "service": "", name: text}
    out = io.StringIO()
    Coloured(out, {}).write(row)

    assert Columns(io.StringIO()).line(row).isprintable()
    assert out.getvalue().endswith("\n")
    assert out.getvalue()[:-1].isprintable()
    as_json = io.StringIO()
    JsonLines(as_json).write(row)
    assert as_json.getvalue()[:-1].isprintable()
    assert row == json.loads(as_json.getvalue())


def test_markup_of_rich_is_text() -> None:
    out = io.StringIO()
    Coloured(out, {}).write({**ROW, "target": "/[red]a[/red]:smile:"})

    assert "/[red]a[/red]:smile:" in out.getvalue()


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_colours_are_as_the_environment_wants_them(environ: dict[str, str], coloured: bool) -> None:
    out = io.StringIO()
    Coloured(out, {"TERM": "xterm-256color", **environ}).write({**ROW, "status": 503})

    assert coloured == ("\x1b[31m" in out.getvalue())


@pytest.mark.parametrize(
    ("ms", "said"),
    [(None, "-"), (0.4, "0 ms"), (999, "999 ms"), (1500, "1.5 s"), (180_000, "3 min")],
)
def test_durations_are_short(ms: float | None, said: str) -> None:
    assert said == duration(ms)


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (3 * 10**9, "3.0 GB")],
)
def test_sizes_are_short(count: int, said: str) -> None:
    assert said == size(count)
