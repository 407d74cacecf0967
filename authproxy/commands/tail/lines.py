"""An exchange as a line: plain columns, the same with colours at a terminal, or JSON.

What clients and services say is made printable: none of them shall steer the terminal.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from authproxy.commands.status_table import make_console
from authproxy.observe.logs import clock, printable

if TYPE_CHECKING:
    from rich.text import Text

Row = dict[str, Any]

HEAD = ("time", "client", "service", "method", "status", "duration", "size", "path")
WIDTHS = {"time": 8, "client": 9, "service": 8, "method": 6, "status": 6, "duration": 8, "size": 8}
MOST = 24
"""No column but the last becomes wider."""
NARROWEST = 8
"""A path is at least so wide."""
_RIGHT = {"duration", "size"}
_STYLES = {1: "blue", 2: "green", 3: "cyan", 4: "yellow", 5: "red"}


class RowWriter(Protocol):
    """Writes rows in one of the forms below."""

    def begin(self) -> None:
        """Called once, before the first row."""

    def write(self, row: Row) -> None:
        """A line, or what else a row becomes."""


class JsonLines:
    """An object for each row, in ASCII, so that nothing in it can steer a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def begin(self) -> None:
        pass

    def write(self, row: Row) -> None:
        self._out.write(json.dumps(row).replace("\x7f", "\\u007f") + "\n")


class Columns:
    """Grows with what it has seen, so that lines stay below each other; for programs, without a
    head."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._widths = dict(WIDTHS)

    def begin(self) -> None:
        pass

    def write(self, row: Row) -> None:
        self._out.write(self.line(row) + "\n")

    def head(self) -> str:
        return self._join({**dict(zip(HEAD, HEAD, strict=True)), "notes": ""})

    def line(self, row: Row) -> str:
        return self._join(cells(row))

    def _join(self, shown: Mapping[str, str]) -> str:
        padded = [self.pad(name, shown[name]) for name in HEAD[:-1]]
        return "  ".join([*padded, shown["path"], shown["notes"]]).rstrip()

    def pad(self, name: str, text: str) -> str:
        width = self._widths[name] = max(self._widths[name], min(len(text), MOST))
        return text.rjust(width) if name in _RIGHT else text.ljust(width)


class Coloured:
    """Columns at a terminal, one line each, however narrow it is."""

    def __init__(self, out: TextIO, environ: Mapping[str, str]) -> None:
        self._out = out
        self._console = make_console(out, environ)
        self._columns = Columns(out)

    def begin(self) -> None:
        from rich.text import Text

        self._print(Text(self._columns.head(), style="bold"))

    def write(self, row: Row) -> None:
        from rich.text import Text

        shown, text = cells(row), Text()
        for name in HEAD[:-1]:
            text.append(self._columns.pad(name, shown[name]) + "  ", style=_style(name, row))
        notes = f"  {shown['notes']}" if shown["notes"] else ""
        path = Text(shown["path"])
        left = self._console.width - text.cell_len - len(notes)
        if self._out.isatty():
            path.truncate(max(left, NARROWEST), overflow="ellipsis")
        self._print(text.append_text(path).append(notes))

    def _print(self, text: "Text") -> None:
        if self._out.isatty():
            text.truncate(self._console.width, overflow="ellipsis")
        self._console.print(text, soft_wrap=True)


def _style(name: str, row: Row) -> str:
    if name == "status":
        return _STYLES.get(row["status"] // 100, "red")
    return "dim" if name in ("time", "client") else ""


def cells(row: Row) -> dict[str, str]:
    """Of one line, by the names in HEAD, and what there is to say behind them."""
    shown = {
        "time": clock(row["time"]),
        "client": row["client"],
        "service": row["service"] or "-",
        "method": row["method"],
        "status": str(row["status"] or "-"),
        "duration": "open" if row["live"] else duration(row["duration_ms"]),
        "size": size(row["bytes_to_client"]),
        "path": _path(row),
        "notes": "  ".join(_notes(row)),
    }
    return {name: printable(text) for name, text in shown.items()}


def _path(row: Row) -> str:
    """With the host where no service was found for it."""
    target = row["target"]
    is_unknown = not row["service"] and target.startswith("/")
    return f"{row['host']}{target}" if is_unknown else target


def _notes(row: Row) -> list[str]:
    """What went wrong, or is not usual."""
    found = [row["code"]] if row["code"] else []
    if row["grpc_status"]:
        found.append(f"grpc-status {row['grpc_status']}")
    if row["aborted"]:
        found.append(f"ended early by {row['aborted']}")
    if row["replayed_from"]:
        found.append("replay")
    return found


def duration(ms: float | None) -> str:
    if ms is None:
        return "-"
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 120_000 else f"{ms / 60_000:.0f} min"


def size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    for unit in ("kB", "MB"):
        count_in = count / {"kB": 1e3, "MB": 1e6}[unit]
        if count_in < 1000:
            return f"{count_in:.1f} {unit}"
    return f"{count / 1e9:.1f} GB"
