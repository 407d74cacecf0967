"""One line for each exchange, when it ended.

Never in it: tokens, keys, cookies or any other header field, and not the query string, which can
hold all of them.
"""

import asyncio
import json
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from authproxy.exchange import Exchange
from authproxy.observe.logs import Format, clock, printable, timestamp
from authproxy.observe.stream import LogStream
from authproxy.values import PROBE_HOST

_PROBE = PROBE_HOST.encode()

# What many lines have in common is made once: a line must cost little beside its request.
_REMEMBERED = 1024


class AccessLog:
    """An Observer that writes lines to a stream, those of one loop iteration at once."""

    def __init__(self, stream: LogStream, log_format: Format) -> None:
        self._stream = stream
        self._render = render_json if log_format == "json" else render_text
        self._is_waiting = False

    def exchange_ended(self, exchange: Exchange) -> None:
        if exchange.code is not None and exchange.host == _PROBE:
            return  # a health check's, every few seconds
        self._stream.write(self._render(exchange))
        if not self._is_waiting:
            self._is_waiting = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_waiting = False
        self._stream.flush()

    def __repr__(self) -> str:
        return f"<AccessLog to {self._stream}>"


def render_json(exchange: Exchange) -> str:
    """The line as a JSON object; fields without a value are left out.

    Put together by hand, which takes half the time of `json.dumps` and about that of msgspec:
    most of it goes into the pieces.
    """
    method, path = _name(exchange.head.method), _escaped(_path(exchange.head.target))
    return (
        f'{{"time": "{timestamp(exchange.started_at)}",'
        f' "severity": "{"ERROR" if exchange.status >= 500 else "INFO"}",'
        f' "message": "{method} {path} {exchange.status}",'
        f' "request_id": "{exchange.request_id}"'
        f"{_member('client', _address(exchange.client))},"
        f' "method": "{method}",'
        f' "host": "{_host(exchange.host)}",'
        f' "path": "{path}",'
        f' "status": {exchange.status},'
        f' "duration_ms": {exchange.duration_s * 1000:.1f},'
        f' "first_byte_ms": {exchange.first_byte_s * 1000:.1f},'
        f' "bytes_from_client": {exchange.bytes_from_client},'
        f' "bytes_to_client": {exchange.bytes_to_client}'
        f"{_member('service', exchange.service)}"
        f"{_member('principal', exchange.principal)}"
        f"{_member('key', exchange.key)},"
        f' "attempts": {exchange.attempts}'
        f"{_what_went_wrong(exchange)}}}\n"
    )


def _what_went_wrong(exchange: Exchange) -> str:
    if exchange.code is None and not exchange.detail and not exchange.aborted:
        return ""
    return (
        _member("error", exchange.code or "")
        + _member("detail", exchange.detail)
        + _member("aborted", exchange.aborted)
    )


def render_text(exchange: Exchange) -> str:
    """The line for a person: time, client, request, outcome, and why if it went wrong."""
    words = [
        clock(exchange.started_at),
        _address(exchange.client) or "unix",
        _text(exchange.head.method),
        _path(exchange.head.target),
        str(exchange.status or "-"),
        f"{exchange.duration_s * 1000:.0f}ms",
        f"{exchange.bytes_to_client}B",
    ]
    if exchange.service:
        words.append(f"-> {exchange.service}")
    if exchange.key:
        words.append(f"by key {exchange.key}")
    if exchange.code is not None:
        words.append(f"[{exchange.code}, request {exchange.request_id}]")
        words.extend([printable(exchange.detail)] if exchange.detail else [])
    if exchange.aborted:
        words.append(f"({exchange.aborted} left early)")
    return " ".join(words) + "\n"


@lru_cache(_REMEMBERED)
def _address(client: IPv4Address | IPv6Address | None) -> str:
    return "" if client is None else str(client)


@lru_cache(_REMEMBERED)
def _name(method: bytes) -> str:
    return _escaped(_text(method))


@lru_cache(_REMEMBERED)
def _host(host: bytes) -> str:
    return _escaped(_text(_without_user(host)))


@lru_cache(_REMEMBERED)
def _member(name: str, text: str) -> str:
    """With the comma before it; nothing without a value."""
    return f', "{name}": "{_escaped(text)}"' if text else ""


_encode = json.JSONEncoder().encode


def _escaped(text: str) -> str:
    """As it stands between the quotes in JSON."""
    return _encode(text)[1:-1]


# A user name and a password, in an absolute target or an authority.
_USER = re.compile(rb"^([^/]*://)?[^/]*@")


def _path(target: bytes) -> str:
    """Without query and fragment, both of which can hold tokens."""
    path = target.partition(b"?")[0].partition(b"#")[0]
    return _text(path if path[:1] == b"/" else _without_user(path))


def _without_user(text: bytes) -> bytes:
    return _USER.sub(rb"\1", text)


def _text(value: bytes) -> str:
    """Printable ASCII; what a client sends must not steer a terminal or forge a line."""
    return printable(value.decode("ascii", "backslashreplace"))
