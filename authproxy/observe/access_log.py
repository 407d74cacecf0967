"""One line for each exchange, when it ended.

Never in it: tokens, keys, cookies or any other header field, and not the query string, which can
hold all of them.
"""

import asyncio
import json
import re
import time
from typing import TextIO

from authproxy.exchange import Exchange
from authproxy.observe.logs import Format, printable, timestamp
from authproxy.values import PROBE_HOST

_PROBE = PROBE_HOST.encode()


class AccessLog:
    """An Observer that writes lines to a stream, those of one loop iteration at once."""

    def __init__(self, stream: TextIO, log_format: Format) -> None:
        self._stream = stream
        self._render = render_json if log_format == "json" else render_text
        self._lines: list[str] = []

    def exchange_ended(self, exchange: Exchange) -> None:
        if exchange.code is not None and exchange.host == _PROBE:
            return  # a health check's, every few seconds
        if not self._lines:
            asyncio.get_running_loop().call_soon(self.flush)
        self._lines.append(self._render(exchange))

    def flush(self) -> None:
        """Write what has gathered. A stream that went away must not take the proxy with it."""
        lines, self._lines = self._lines, []
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except (OSError, ValueError):
            return

    def __repr__(self) -> str:
        return f"<AccessLog [{len(self._lines)} lines to write]>"


def render_json(exchange: Exchange) -> str:
    """The line as a JSON object; fields without a value are left out."""
    fields: dict[str, object] = {
        "time": timestamp(exchange.started_at),
        "severity": "ERROR" if exchange.status >= 500 else "INFO",
        "message": f"{_text(exchange.head.method)} {_path(exchange)} {exchange.status}",
        "request_id": exchange.request_id,
        "client": None if exchange.client is None else str(exchange.client),
        "method": _text(exchange.head.method),
        "host": _text(_without_user(exchange.host)),
        "path": _path(exchange),
        "status": exchange.status,
        "duration_ms": round(exchange.duration_s * 1000, 1),
        "first_byte_ms": round(exchange.first_byte_s * 1000, 1),
        "bytes_from_client": exchange.bytes_from_client,
        "bytes_to_client": exchange.bytes_to_client,
        "service": exchange.service or None,
        "principal": exchange.principal or None,
        "attempts": exchange.attempts,
        "error": exchange.code,
        "detail": exchange.detail or None,
        "aborted": exchange.aborted or None,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}) + "\n"


def render_text(exchange: Exchange) -> str:
    """The line for a person: time, client, request, outcome, and why if it went wrong."""
    clock = time.strftime("%H:%M:%S", time.localtime(exchange.started_at))
    words = [
        clock,
        str(exchange.client or "unix"),
        _text(exchange.head.method),
        _path(exchange),
        str(exchange.status or "-"),
        f"{exchange.duration_s * 1000:.0f}ms",
        f"{exchange.bytes_to_client}B",
    ]
    if exchange.service:
        words.append(f"-> {exchange.service}")
    if exchange.code is not None:
        words.append(f"[{exchange.code}, request {exchange.request_id}]")
        words.extend([printable(exchange.detail)] if exchange.detail else [])
    if exchange.aborted:
        words.append(f"({exchange.aborted} left early)")
    return " ".join(words) + "\n"


# A user name and a password, in an absolute target or an authority.
_USER = re.compile(rb"^([^/]*://)?[^/]*@")


def _path(exchange: Exchange) -> str:
    """The target without query and fragment, both of which can hold tokens."""
    path = exchange.head.target.partition(b"?")[0].partition(b"#")[0]
    return _text(path if path[:1] == b"/" else _without_user(path))


def _without_user(text: bytes) -> bytes:
    return _USER.sub(rb"\1", text)


def _text(value: bytes) -> str:
    """Printable ASCII; what a client sends must not steer a terminal or forge a line."""
    return printable(value.decode("ascii", "backslashreplace"))
