"""Formats of log lines: text for a person at a terminal, else one JSON object a line.

The fields that code passes as `extra` become fields of the JSON object; a text line has the
sentence alone. Field names are snake_case and part of the public surface.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TextIO

from authproxy.observe.stream import LogStream

Format = Literal["text", "json"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Cloud Logging's names for levels, which other collectors know too.
_SEVERITY = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARNING", "ERROR": "ERROR"}

_RANKS = {
    name: rank
    for rank, word in enumerate(("debug", "info", "warning", "error", "critical"))
    for name in (word, word.upper())
}

# Times as text, since many lines have the same. It is when an exchange began, so more than one.
_REMEMBERED = 1024


def choose_format(setting: Literal["auto", "text", "json"], stream: TextIO | None) -> Format:
    """`auto` is text at a terminal and JSON otherwise."""
    if setting != "auto":
        return setting
    return "text" if stream is not None and stream.isatty() else "json"


def configure(
    level: str,
    log_format: Format,
    stream: TextIO | LogStream,
    levels: Mapping[str, str] | None = None,
) -> None:
    """Send authproxy's log lines to `stream` and keep the libraries' quiet.

    `levels` are those of services that have one of their own.
    """
    handler = Handler(stream)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    if levels:
        handler.addFilter(LevelByService(level, levels))
        level = min(level, *levels.values(), key=_RANKS.__getitem__)
    logging.getLogger("authproxy").setLevel(level.upper())
    # At DEBUG google-auth logs assertions in clear, and asyncio every TLS handshake.
    for name in ("asyncio", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # What these warn of is in our own lines, with what to do about it.
    for name in ("google", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def is_below(severity: str, level: str) -> bool:
    """Whether a line of this severity is left out at this level."""
    return _RANKS[severity] < _RANKS[level]


class Handler(logging.StreamHandler[Any]):
    """Without memory for a line it is left out; logging's own report would be as long again."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging calls it so
        if not isinstance(sys.exception(), MemoryError):
            super().handleError(record)


class Formatter(logging.Formatter):
    """Formatter of exceptions."""

    def formatException(self, found: Any) -> str:  # noqa: N802 -- logging calls it so
        """With a traceback, unless there was no memory: it says nothing of why, costs some more,
        and hundreds may come in a second."""
        error = found[1]
        return "MemoryError" if isinstance(error, MemoryError) else super().formatException(found)


class LevelByService(logging.Filter):
    """Lines about a service, which name it in their field `service`, by the level of its own."""

    def __init__(self, level: str, levels: Mapping[str, str]) -> None:
        super().__init__()
        self._level = level
        self._levels = levels

    def filter(self, record: logging.LogRecord) -> bool:
        level = self._levels.get(getattr(record, "service", ""), self._level)
        return not is_below(record.levelname, level)


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return _millisecond(int(seconds * 1000))


def clock(seconds: float) -> str:
    """The time of day, for a person at a terminal."""
    return _time_of_day(int(seconds))


@lru_cache(_REMEMBERED)
def _millisecond(number: int) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(number // 1000))
    return f"{whole}.{number % 1000:03d}Z"


@lru_cache(_REMEMBERED)
def _time_of_day(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def printable(text: str) -> str:
    """`text` on one line, with escapes in place of what could steer a terminal or forge a line."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


class JsonFormatter(Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": timestamp(record.created),
            "severity": _SEVERITY.get(record.levelname, record.levelname),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(Formatter):
    """The time, the level when it matters, the sentence."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        lines = [f"{clock(record.created)} {level}{printable(record.getMessage())}"]
        if record.exc_info:
            lines += map(printable, self.formatException(record.exc_info).split("\n"))
        return "\n".join(lines)


def _extra(record: logging.LogRecord) -> Mapping[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
