"""Lines about exchanges: JSON for collectors, text for people.

Never in it: tokens, keys, cookies or any other header field but the user agent where it is asked
for, and not the query string or the user name and password of a URL, which can hold all of them.

In JSON, `severity`, `time`, `httpRequest` and what begins with `logging.googleapis.com/` are Cloud
Logging's own fields: it takes them out of the line and shows them as what they are. The others
were there before, and stay for whoever reads lines without it.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from authproxy.exchange import Exchange
from authproxy.observe.logs import clock, printable, timestamp
from authproxy.observe.trace_context import TraceContext
from authproxy.policy.access.targets import shown_host, shown_path

Severity = Literal["INFO", "WARNING", "ERROR"]

# What many lines have in common is made once: a line must cost little beside its request.
_REMEMBERED = 1024
_AGENT_BYTES = 256
"""Of a user agent; clients may send as much as fits into a head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Optional parts of access-log lines."""

    user_agent: bool = False
    trace_project: str = ""
    """Names the traces' project, as Cloud Logging had it once: `projects/P/traces/T`."""
    is_tls: bool = False
    """Clients on TCP speak TLS."""


PLAIN = Style()


RPC_FAULTS = frozenset({2, 4, 12, 13, 14, 15})
"""A call's status that is the service's failure, as OpenTelemetry's conventions say: UNKNOWN,
DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS."""


def severity(exchange: Exchange) -> Severity:
    """ERROR: it failed. WARNING: authproxy refused it or cut it off."""
    if exchange.status >= 500 or exchange.aborted == "service":
        return "ERROR"
    if exchange.grpc_status in RPC_FAULTS:
        return "ERROR"
    return "INFO" if exchange.code is None else "WARNING"


def render_json(
    exchange: Exchange,
    style: Style = PLAIN,
    trace: TraceContext | None = None,
    share: float = 1.0,
) -> str:
    """The line as a JSON object; fields without a value are left out.

    Put together by hand, which takes half the time of `json.dumps` and about that of msgspec:
    most of it goes into the pieces.
    """
    method, path = _name(exchange.head.method), _escaped(_path(exchange.head.target))
    host, status = _host(exchange.host), exchange.status
    rpc = "" if exchange.grpc_status is None else f', "grpc_status": {exchange.grpc_status}'
    return (
        f'{{"time": "{timestamp(_ended_at(exchange))}",'
        f' "severity": "{severity(exchange)}",'
        f' "message": "{method} {path} {status}",'
        f' "request_id": "{exchange.request_id}"'
        f"{_member('client', _address(exchange.client))},"
        f' "method": "{method}",'
        f' "host": "{host}",'
        f' "path": "{path}",'
        f' "status": {status},'
        f' "duration_ms": {exchange.duration_s * 1000:.1f},'
        f' "first_byte_ms": {exchange.first_byte_s * 1000:.1f},'
        f' "bytes_from_client": {exchange.bytes_from_client},'
        f' "bytes_to_client": {exchange.bytes_to_client}'
        f"{_member('service', exchange.service)}"
        f"{_member('principal', exchange.principal)}"
        f"{_member('key', exchange.key)},"
        f' "attempts": {exchange.attempts},'
        f' "protocol": "{exchange.protocol}"{rpc}'
        f"{_what_went_wrong(exchange)}"
        f"{_sampled(share)}"
        f"{_http_request(exchange, style, method, host, path)}"
        f"{_trace(trace, style) if trace is not None else ''}}}\n"
    )


def render_text(
    exchange: Exchange,
    style: Style = PLAIN,
    trace: TraceContext | None = None,
    share: float = 1.0,
) -> str:
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
    if exchange.grpc_status is not None:
        words.append(f"grpc-status {exchange.grpc_status}")
    if exchange.service:
        words.append(f"-> {exchange.service}")
    if exchange.key:
        words.append(f"by key {exchange.key}")
    if style.user_agent and (agent := find_agent(exchange)):
        words.append(f'"{agent}"')
    if exchange.code is not None:
        words.append(f"[{exchange.code}, request {exchange.request_id}]")
        words.extend([printable(exchange.detail)] if exchange.detail else [])
    if exchange.aborted:
        words.append(f"({exchange.aborted} left early)")
    if share < 1:
        words.append(f"(a share of {share:g} is logged)")
    return " ".join(words) + "\n"


def _ended_at(exchange: Exchange) -> float:
    """Lines are written in the order of their ends, so that is their time."""
    return exchange.started_at + exchange.duration_s


def _what_went_wrong(exchange: Exchange) -> str:
    if exchange.code is None and not exchange.detail and not exchange.aborted:
        return ""
    return (
        _member("error", exchange.code or "")
        + _member("detail", exchange.detail)
        + _member("aborted", exchange.aborted)
    )


def _http_request(exchange: Exchange, style: Style, method: str, host: str, path: str) -> str:
    """As Cloud Logging has requests. Sizes are text there, and these are of content alone."""
    status = exchange.status
    answered = f', "status": {status}' if status else ""
    return (
        f', "httpRequest": {{"requestMethod": "{method}",'
        f' "requestUrl": "{_url(style, exchange, host, path)}",'
        f' "requestSize": "{exchange.bytes_from_client}"'
        f"{answered},"
        f' "responseSize": "{exchange.bytes_to_client}",'
        f' "latency": "{exchange.duration_s:.6f}s"'
        f"{_member('remoteIp', _address(exchange.client))}"
        f"{_member('userAgent', find_agent(exchange)) if style.user_agent else ''},"
        f' "protocol": "HTTP/{exchange.head.version}"}}'
    )


def _sampled(share: float) -> str:
    """A reader who counts lines counts this one `1 / sample` times."""
    return "" if share >= 1 else f', "sample": {share:g}'


def _url(style: Style, exchange: Exchange, host: str, path: str) -> str:
    """As far as it may be shown. `path` may be a whole URL, as clients of proxies write it."""
    if not path.startswith("/"):
        return path
    scheme = "https" if style.is_tls and exchange.client is not None else "http"
    return f"{scheme}://{host}{path}"


def _trace(trace: TraceContext, style: Style) -> str:
    """Cloud Logging prefers the bare id to its older form with the project, and takes both."""
    prefix = f"projects/{style.trace_project}/traces/" if style.trace_project else ""
    sampled = trace.sampled
    return (
        f', "logging.googleapis.com/trace": "{prefix}{trace.trace_id}"'
        + (f', "logging.googleapis.com/spanId": "{trace.span_id}"' if trace.span_id else "")
        + (
            ""
            if sampled is None
            else f', "logging.googleapis.com/trace_sampled": {"true" if sampled else "false"}'
        )
    )


def find_agent(exchange: Exchange) -> str:
    """The client's program, as it names itself; empty where it does not."""
    for name, value, _ in exchange.head.headers:
        if name == b"user-agent":
            return _agent(value[:_AGENT_BYTES])
    return ""


@lru_cache(_REMEMBERED)
def _agent(value: bytes) -> str:
    return _text(value)


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
