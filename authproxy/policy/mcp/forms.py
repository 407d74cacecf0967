"""Forms of MCP clients' requests, by which it is decided how a refusal is said.

None of its programs shows an error page, and what they do show depends on the request: see decision
36 for the table. Everything here goes by the head; whose body may be looked at, `is_told` says.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from authproxy.errors import AuthProxyError, Code, Refused
from authproxy.exchange import RequestHead


class Form(StrEnum):
    """The kind of an MCP client's request."""

    CALL = "call"
    """A POST of Streamable HTTP: messages in its body, and an answer in JSON or in events."""
    LISTEN = "listen"
    """A GET for a stream of events."""
    DISCOVERY = "discovery"
    """A look for an OAuth server, or a registration at one; each is a request to take for an
    answer only what a server of the service's own says."""


JSON, EVENTS, HTML = b"application/json", b"text/event-stream", b"text/html"
BATCHES_UNTIL = b"2025-03-26"
"""The only protocol version with batches; clients that name none speak this one or an older one."""
_KNOWN_PLACE = b".well-known"
_METADATA = (b"oauth-", b"openid-configuration")
"""What the names of RFC 8414 3, RFC 9728 3 and OpenID Connect Discovery 4 begin with."""
_OF_PAGES = (b"origin", b"sec-fetch-site")
# Whoever gets these is not known to speak HTTP properly, or asks again elsewhere.
_NOT_TOLD = frozenset(
    [Code.BAD_REQUEST, Code.TLS_REQUIRED, Code.TLS_UNEXPECTED, Code.ANOTHER_SERVICE]
)


def find_form(head: RequestHead) -> Form | None:
    """None for everything else. Not for every request: it looks at all fields."""
    accepted = _accepted(b", ".join(_values(head, b"accept")))
    if HTML in accepted:
        return None  # a person with a browser reads what we say anyway
    if head.method == b"POST" and {JSON, EVENTS} <= accepted:
        return Form.CALL
    if _is_discovery(head):
        return Form.DISCOVERY
    return Form.LISTEN if head.method == b"GET" and EVENTS in accepted else None


def is_told(error: AuthProxyError, form: Form, head: RequestHead, *, is_admitted: bool) -> bool:
    """Is `error` to be said as MCP has it, and may the body be looked at for that?

    Not to those who were kept out by their address, key, page, method or path: they get what they
    have always got, and nobody looks at what they sent. But that there is no OAuth server here is
    no secret, and it is in the head what they look for.
    """
    if error.status < 400 or error.code in _NOT_TOLD:
        return False
    is_let_in = is_admitted or (isinstance(error, Refused) and error.let_in)
    if error.code is Code.NO_ROUTE and any(True for name in _OF_PAGES for _ in _values(head, name)):
        is_let_in = False  # whether that page may ask is a question for a service
    return form is Form.DISCOVERY or is_let_in


def may_batch(head: RequestHead) -> bool:
    """Does this client's version of the protocol have several messages in one body?"""
    return all(value == BATCHES_UNTIL for value in _values(head, b"mcp-protocol-version"))


def _is_discovery(head: RequestHead) -> bool:
    path = head.target.partition(b"?")[0]
    if head.method == b"POST":
        return path == b"/register"  # RFC 7591; where clients look for it when nobody names it
    if head.method not in (b"GET", b"HEAD") or _KNOWN_PLACE not in path:
        return False
    # In front of the resource's path or behind it: both are written, and clients try both.
    parts = path.split(b"/")
    names = [after for part, after in pairwise(parts) if part == _KNOWN_PLACE]
    return any(name.startswith(_METADATA) for name in names)


def _values(head: RequestHead, name: bytes) -> Iterator[bytes]:
    return (value for lower, value, _ in head.headers if lower == name)


@lru_cache(maxsize=64)
def _split(value: bytes) -> frozenset[bytes]:
    found = set()
    for part in value.split(b","):
        media, *parameters = (piece.strip(b" \t").lower() for piece in part.split(b";"))
        weights = [each[2:] for each in parameters if each.startswith(b"q=")]
        if not any(weight.strip(b"0.") == b"" for weight in weights):  # RFC 9110 12.4.2
            found.add(media)
    return frozenset(found)


def _accepted(value: bytes) -> frozenset[bytes]:
    """Media types by their names: `*/*` is none."""
    # Only short values are kept: clients choose them, and memory has a bound.
    return _split(value) if len(value) <= 256 else _split.__wrapped__(value)
