"""Heads on their way through an aiohttp application, written by the proxy's own rules. Pure.

The application stands between: its addresses, below the sub-application's prefix, are to the client
what the service's own are to the service (`policy.messages`). They count as https ones, whatever
the last hop to the application speaks, since a load balancer in front of it may end TLS; redirects
lead to a path, which is right for both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead, ResponseHead, make_field
from authproxy.policy.access.path_readings import leaves
from authproxy.policy.access.targets import fragment
from authproxy.policy.messages.facts import read_request, read_response
from authproxy.policy.messages.headers import (
    ServiceRules,
    forwarded_lines,
    request_fields,
    response_head,
)
from authproxy.policy.messages.origin_mapping import Home, after_prefix
from authproxy.values import Origin

Fields = list[tuple[str, str]]
Raw = Iterable[tuple[bytes, bytes]]

_NOT_SENT = frozenset(["host", "connection", "te", "transfer-encoding", "expect"])
"""What aiohttp's client says by itself; it answered Expect as a server."""
_LEADS = frozenset([b"location", b"content-location"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A service, and where in the application it is."""

    origin: Origin
    rules: ServiceRules
    prefix: bytes
    """`/api`; empty at the application's root."""

    def home(self, host: str) -> Home:
        """What the service is to a client that asked for `host`."""
        client = b"https://" + host.encode("latin-1", "replace")
        return Home(services=(str(self.origin).encode(),), client=client, prefix=self.prefix)

    def target(self, raw_path: str) -> str:
        """What to ask the service for. Raises Refused."""
        raw = raw_path.encode("utf-8", "surrogateescape")
        below = after_prefix(raw, self.prefix)
        if below is None or raw[:1] != b"/":
            raise _bad("The target of the request is not a path below this place.")
        if b"#" in raw:
            raise fragment()
        path = below if below[:1] == b"/" else b"/" + below
        if leaves(path.partition(b"?")[0]):
            raise _bad("The path of the request leaves the service, by its dots.")
        return (self.origin.path + _text(path)) or "/"


def head_of(method: str, target: str, version: str, raw: Raw) -> RequestHead:
    fields = [make_field(name, value) for name, value in raw]
    return RequestHead(method.encode(), target.encode(), version, fields)


def fields_to_send(head: RequestHead, mount: Mount, host: str, client: str) -> Fields:
    """The request's fields for the service, all but the token's. Raises Refused.

    `host`: the authority that was asked for; `client`: its address.
    """
    facts = read_request(head)
    forwarded = forwarded_lines(
        client=client.encode(),
        proto=mount.origin.scheme.encode(),
        host=mount.origin.authority.encode(),
        prefix=mount.prefix,
    )
    lines = request_fields(
        head.headers, facts, mount.rules, forwarded=forwarded, home=mount.home(host)
    )
    return [each for each in _split(lines.split(b"\r\n")) if each[0].lower() not in _NOT_SENT]


def fields_to_return(status: int, raw: Raw, home: Home) -> Fields:
    """The answer's fields for the client. Raises UpstreamError."""
    fields = [make_field(name, value) for name, value in raw]
    head = ResponseHead(status, b"", fields)
    lines = response_head(head, read_response(head), chunked=False, home=home)
    return _split(_as_paths(lines.split(b"\r\n")[1:], home))


def _as_paths(lines: Sequence[bytes], home: Home) -> list[bytes]:
    """A redirect to the application itself names a path (RFC 9110 10.2.2)."""
    found = []
    for line in lines:
        name, separator, value = line.partition(b": ")
        if name.lower() in _LEADS and value.startswith(home.client + b"/"):
            line = name + separator + value.removeprefix(home.client)
        found.append(line)
    return found


def _split(lines: Sequence[bytes]) -> Fields:
    parts = (line.partition(b":") for line in lines if line)
    return [(_text(name), _text(value.strip())) for name, _, value in parts]


def _text(value: bytes) -> str:
    """aiohttp writes UTF-8: what is none becomes it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _bad(message: str) -> Refused:
    return Refused(message, code=Code.BAD_REQUEST, hint="Ask for the path itself, without dots.")
