"""Attributes of spans, by OpenTelemetry's conventions for HTTP and for RPC.

Rules of this file: names are those of the stable conventions for HTTP, and of the newest ones for
RPC. Nothing that a client chose is in a span's name, but a method of gRPC that the service knows.
Queries, user names and passwords of URLs, and fields but the user agent are in no attribute.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import urlsplit

from authproxy.exchange import Exchange, SentHead
from authproxy.observe.access_lines import RPC_FAULTS, find_agent
from authproxy.observe.logs import printable
from authproxy.policy.access.targets import shown_host, shown_path

Attributes = dict[str, str | int | bool]

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
)
"""Known ones; OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS names others in their place."""
OTHER = "_OTHER"
REDACTED = "REDACTED"
_PORTS = {"http": 80, "https": 443}
_REMEMBERED = 1024
"""What many spans have in common is made once."""
_METHOD_CHARS = 64
"""Of a method that nobody knows."""
_RPC_STATUS = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"),
    *("ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"),
    *("ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    "UNAUTHENTICATED",
)
_UNIMPLEMENTED = 12


class Ending(NamedTuple):
    """Status and attributes of a span at its end."""

    attributes: Attributes
    error: str
    """What kind of failure it was; empty for none."""


def span_name(method: str) -> str:
    """Without a path: a proxy knows no routes, and paths are without number."""
    return "HTTP" if method == OTHER else method


def known_method(method: bytes, known: frozenset[str] = METHODS) -> str:
    """As it is, if it is known; methods differ by case."""
    text = method.decode("ascii", "replace")
    return text if text in known else OTHER


def server_attributes(
    exchange: Exchange, *, is_tls: bool, known: frozenset[str] = METHODS
) -> Attributes:
    """What a client asks of us, as far as it is known when the request has come."""
    head = exchange.head
    scheme = "https" if is_tls and exchange.client is not None else "http"
    found: Attributes = {
        **_method(head.method, known),
        "url.scheme": scheme,
        "url.path": _path(head.target),
        "network.protocol.version": head.version,
        **_server(exchange.host, scheme),
    }
    if b"?" in head.target:
        found["url.query"] = REDACTED
    if exchange.client is not None:
        found["client.address"] = _address(exchange.client)
    agent = find_agent(exchange)
    if agent:
        found["user_agent.original"] = agent
    return found


def client_attributes(sent: SentHead, resends: int, known: frozenset[str] = METHODS) -> Attributes:
    """What we ask of the service."""
    query = f"?{REDACTED}" if b"?" in sent.target else ""
    found: Attributes = {
        **_method(sent.method, known),
        **_service(sent.origin),
        "url.full": f"{sent.origin}{_path(sent.target)}{query}",
        "network.protocol.version": sent.version,
    }
    if resends:
        found["http.request.resend_count"] = resends
    return found


def server_ending(exchange: Exchange, rpc: "RpcCall | None" = None) -> Ending:
    """What became of the request; a fault of the client's is no error of ours."""
    found: Attributes = {}
    if exchange.status:
        found["http.response.status_code"] = exchange.status
    if exchange.service:
        found["authproxy.service"] = exchange.service
    error = ""
    if exchange.aborted:
        error = exchange.code or f"{exchange.aborted}_left"
    elif exchange.status >= 500:
        error = exchange.code or str(exchange.status)
    if rpc is not None:
        found.update(rpc.attributes())
        if not error and rpc.status in RPC_FAULTS:
            error = rpc.status_name
    if error:
        found["error.type"] = str(error)
    return Ending(found, str(error))


def again(why: str) -> Ending:
    """Of a try after which there is another: `why` is a status, or what happened to it."""
    found: Attributes = {"error.type": why}
    if why.isdecimal():
        found["http.response.status_code"] = int(why)
    return Ending(found, why)


def client_ending(exchange: Exchange, rpc: "RpcCall | None" = None) -> Ending:
    """What became of asking the service: from 400 on it is an error, since we are its client."""
    found: Attributes = {}
    error = ""
    if has_answer(exchange):
        found["http.response.status_code"] = exchange.status
        if exchange.status >= 400:
            error = str(exchange.status)
    elif exchange.code is not None:
        error = exchange.code
    if exchange.aborted:
        error = error or exchange.code or f"{exchange.aborted}_left"
    if rpc is not None:
        found.update(rpc.attributes())
        if not error and rpc.status:
            error = rpc.status_name
    if error:
        found["error.type"] = str(error)
    return Ending(found, str(error))


def has_answer(exchange: Exchange) -> bool:
    """The service's own head went to the client."""
    return exchange.first_byte_s > 0 and exchange.status > 0


@dataclass(frozen=True, slots=True)
class RpcCall:
    """A call of gRPC, which is a request of HTTP as well."""

    method: str
    """`package.Service/Method`."""
    status: int | None
    """None where the call ended without one."""

    @property
    def is_known(self) -> bool:
        """The service has such a method: a proxy can know by the answer alone."""
        return self.status is not None and self.status != _UNIMPLEMENTED

    @property
    def name(self) -> str:
        """Of the span."""
        return self.method if self.is_known else "grpc"

    @property
    def status_name(self) -> str:
        """As gRPC calls it."""
        if self.status is None:
            return ""
        return _RPC_STATUS[self.status] if self.status < len(_RPC_STATUS) else str(self.status)

    def attributes(self) -> Attributes:
        """Beside those of HTTP."""
        found: Attributes = {"rpc.system.name": "grpc"}
        if self.is_known:
            found["rpc.method"] = self.method
        else:
            found |= {"rpc.method": OTHER, "rpc.method_original": self.method}
        if self.status is not None:
            found["rpc.response.status_code"] = self.status_name
        return found


def find_call(exchange: Exchange, status: int | None) -> RpcCall | None:
    """The call of gRPC that an exchange is, if it is one."""
    for name, value, _ in exchange.head.headers:
        if name == b"content-type":
            kind = value.partition(b";")[0].strip().lower()
            if kind == b"application/grpc" or kind.startswith(b"application/grpc+"):
                return RpcCall(_path(exchange.head.target).lstrip("/"), status)
    return None


@lru_cache(_REMEMBERED)
def _method(method: bytes, known: frozenset[str]) -> Mapping[str, str]:
    name = known_method(method, known)
    if name != OTHER:
        return {"http.request.method": name}
    return {
        "http.request.method": OTHER,
        "http.request.method_original": _text(method)[:_METHOD_CHARS],
    }


def _path(target: bytes) -> str:
    """The path alone, also of a whole URL; without what may be secret in it."""
    path = shown_path(target)
    if path[:1] != b"/" and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return _text(path)


@lru_cache(_REMEMBERED)
def _address(client: IPv4Address | IPv6Address) -> str:
    return str(client)


@lru_cache(_REMEMBERED)
def _service(origin: str) -> Mapping[str, str | int]:
    parts = urlsplit(origin)
    port = parts.port or _PORTS[parts.scheme]
    return {"server.address": parts.hostname or "", "server.port": port}


@lru_cache(_REMEMBERED)
def _server(sent: bytes, scheme: str) -> Mapping[str, str | int]:
    """`Host` taken apart; empty where there is none."""
    host = _text(shown_host(sent))
    if not host:
        return {}
    name, _, port = host.rpartition(":")
    if name and port.isdecimal() and not name.endswith(":"):
        return {"server.address": name.strip("[]"), "server.port": int(port[:5])}
    return {"server.address": host.strip("[]"), "server.port": _PORTS[scheme]}


def _text(value: bytes) -> str:
    return printable(value.decode("ascii", "backslashreplace"))
