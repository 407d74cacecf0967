"""Failures while CMD ran, said once at its end: until then the terminal is CMD's."""

import re
from collections import Counter
from collections.abc import Callable

from authproxy.exchange import Exchange, Observer
from authproxy.observe import logs
from authproxy.observe.logs import printable
from authproxy.observe.stream import LogStream
from authproxy.policy.access.targets import shown_path
from authproxy.runtime.process.log_output import LogOutput, levels_of_services, open_log
from authproxy.runtime.process.observers import make_observers
from authproxy.runtime.process.tracing import Tracing
from authproxy.settings import Settings

MOST_LINES = 20
MOST_KEPT = 1000
_CLOCK = re.compile(r"^\d\d:\d\d:\d\d ")


class KeptLines:
    """Different lines in the order in which they came first, each with its number."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._left_out = 0

    def take(self, data: bytes) -> int:
        """Whole lines, as a LogStream sends them."""
        for line in data.decode("utf-8", "replace").splitlines():
            self._note(_CLOCK.sub("", line))
        return len(data)

    def _note(self, line: str) -> None:
        if line in self._counts or len(self._counts) < MOST_KEPT:
            self._counts[line] += 1
        else:
            self._left_out += 1

    def say(self, command: str, write: Callable[[str], object]) -> None:
        """All of it, if there is any; `write` gets lines."""
        if not self._counts:
            return
        write(f"authproxy: while {command} ran:")
        shown = list(self._counts.items())[:MOST_LINES]
        for line, count in shown:
            write(f"  {line}" + (f" ({count} times)" if count > 1 else ""))
        more = self._left_out + sum(list(self._counts.values())[MOST_LINES:])
        if more:
            write(f"  … and {more} more; --log-file FILE keeps all")

    def __repr__(self) -> str:
        return f"<KeptLines [{len(self._counts)} of them]>"


class OwnRefusals:
    """An Observer that notes what authproxy itself refused or could not do: an answer of the
    service is CMD's to judge."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    def exchange_ended(self, exchange: Exchange) -> None:
        if exchange.code is None or exchange.aborted == "client":
            return
        method = exchange.head.method.decode("latin-1")
        path = shown_path(exchange.head.target).decode("latin-1")
        said = f"{method} {path}: {exchange.status} {exchange.code}"
        detail = f": {exchange.detail}" if exchange.detail else ""
        self._stream.write(f"{printable(said + detail)}\n")
        self._stream.flush()


def open_output(
    settings: Settings, tracing: Tracing, *, live: bool
) -> tuple[LogOutput, list[Observer], KeptLines]:
    """Where the log goes, who writes to it, and what is to be said at the end. Raises StartError.

    A file gets everything; stderr gets nothing before the end unless it is to be `live`.
    """
    kept = KeptLines()
    if live or settings.log.file is not None:
        output = open_log(settings)
        return output, make_observers(settings, output, tracing), kept
    stream = LogStream(kept.take)
    logs.configure("warning", "text", stream, levels_of_services(settings))
    output = LogOutput(stderr=stream, log=stream, format="text", reopen=lambda: None)
    return output, [OwnRefusals(stream), *tracing.observers], kept
