"""One line for each exchange, when it ended.

Never in it: tokens, keys, cookies or any other header field, and not the query string or the user
name and password of a URL, which can hold all of them.
"""

import asyncio
import json
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from authproxy.errors import Code
from authproxy.exchange import Exchange
from authproxy.observe.logs import Format, clock, printable, timestamp
from authproxy.observe.stream import LogStream
from authproxy.policy.access.targets import shown_host, shown_path
from authproxy.values import PROBE_HOST

_PROBE = PROBE_HOST.encode()
_PROBE_LINES = [b"Host: " + _PROBE, b"Connection: close"]

# What many lines have in common is made once: a line must cost little beside its request.
_REMEMBERED = 1024


class AccessLog:
    """An Observer that writes lines to a stream, those of one loop iteration at once."""

    def __init__(self, stream: LogStream, log_format: Format) -> None:
        self._stream = stream
        self._render = render_json if log_format == "json" else render_text
        self._is_waiting = False

    def exchange_ended(self, exchange: Exchange) -> None:
        if exchange.host == _PROBE and _is_health_check(exchange):
            return
        if exchange.code is Code.HEALTHY:
            return  # a load balancer's, every few seconds
        self._stream.write(self._render(exchange))
        if not self._is_waiting:
            self._is_waiting = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_waiting = False
        self._stream.flush()

    def __repr__(self) -> str:
        return f"<AccessLog to {self._stream}>"


def _ended_at(exchange: Exchange) -> float:
    """Lines are written in the order of their ends, so that is their time."""
    return exchange.started_at + exchange.duration_s


def _is_health_check(exchange: Exchange) -> bool:
    """What `authproxy status` sends every few seconds from this machine, and nothing beside it."""
    head, client = exchange.head, exchange.client
    return (
        exchange.code in (Code.HOST_NOT_ALLOWED, Code.ADDRESS_NOT_ALLOWED)
        and (client is None or client.is_loopback)
        and (head.method, head.target) == (b"GET", b"/")
        and [line for _, _, line in head.headers] == _PROBE_LINES
    )


def render_json(exchange: Exchange) -> str:
    """The line as a JSON object; fields without a value are left out.

    Put together by hand, which takes half the time of `json.dumps` and about that of msgspec:
    most of it goes into the pieces.
    """
    method, path = _name(exchange.head.method), _escaped(_path(exchange.head.target))
    return (
        f'{{"time": "{timestamp(_ended_at(exchange))}",'
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
        clock(_ended_at(exchange)),
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
    return _escaped(_text(shown_host(host)))


@lru_cache(_REMEMBERED)
def _member(name: str, text: str) -> str:
    """With the comma before it; nothing without a value."""
    return f', "{name}": "{_escaped(text)}"' if text else ""


_encode = json.JSONEncoder().encode


def _escaped(text: str) -> str:
    """As it stands between the quotes in JSON."""
    return _encode(text)[1:-1]


# As numbers: `in` is many times slower when asked for bytes.
_AT, _PERCENT, _HASH = b"@%#"


def _path(target: bytes) -> str:
    path = target.partition(b"?")[0]
    if _AT in path or _PERCENT in path or _HASH in path:  # else there is nothing to hide
        path = shown_path(path)
    return _text(path)


def _text(value: bytes) -> str:
    """Printable ASCII; what a client sends must not steer a terminal or forge a line."""
    return printable(value.decode("ascii", "backslashreplace"))
