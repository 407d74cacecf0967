"""Facts of a head that decide how it is handled: body, connection, upgrade.

Field names are compared in lower case, which stands beside each.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from authproxy.errors import Code, Refused, UpstreamError
from authproxy.exchange import RequestHead, ResponseHead
from authproxy.policy.access.overrides import HOPS, OVERRIDES
from authproxy.policy.messages.cookies import OURS
from authproxy.policy.messages.rewriting import LOCAL_FIELDS, REQUEST_FIELDS
from authproxy.policy.messages.site_data import FIELDS as COOKIE_FIELDS


class RequestFacts:
    """Facts of a request's head."""

    host: bytes | None = None
    length: int | None = None
    """None when there is no Content-Length."""
    chunked: bool = False
    keep_alive: bool = True
    """The client may send another request on this connection."""
    upgrade: bytes | None = None
    has_authorization: bool = False
    wants_trailers: bool = False
    max_forwards: int | None = None
    connection: frozenset[bytes] = frozenset()
    forwarded_for: tuple[bytes, ...] = ()
    """The values of the X-Forwarded-For fields, in order."""
    forwarded: tuple[bytes, ...] = ()
    """The values of the Forwarded fields, in order."""
    forwarded_proto: bytes = b""
    origin: bytes = b""
    """Several Origin fields make one that is nobody's."""
    referer: bytes = b""
    """Several Referer fields make one that is nobody's."""
    purpose: bytes = b""
    """Why a browser asks, when it is not because the user wants to see it now: `prefetch` …"""
    names_us: bool = False
    """It has a field that the service must see otherwise: Origin, Referer, a cookie of ours."""
    fetch_site: bytes = b""
    fetch_mode: bytes = b""
    fetch_dest: bytes = b""
    preflight_method: bytes = b""
    preflight_fields: bytes = b""
    preflight_network: bool = False
    destination: bytes = b""
    """Several Destination fields make one that is none."""
    hops: bytes = b""
    overrides: frozenset[bytes] = frozenset()
    """The fields of `overrides` that it has, in lower case."""

    @property
    def has_body(self) -> bool:
        return self.chunked or bool(self.length)


class ResponseFacts:
    """Facts of an answer's head."""

    length: int | None = None
    chunked: bool = False
    keep_alive: bool = True
    """The service takes another request on this connection."""
    upgrade: bytes | None = None
    is_local: bool = False
    """It has a field that the client must see otherwise."""
    sets_cookies: bool = False
    """It sets cookies, or clears them."""
    connection: frozenset[bytes] = frozenset()
    has_messages: bool = False
    """The body is a stream of messages of gRPC-Web or Connect, each with its length ahead."""
    is_event_stream: bool = False
    """Server-sent events."""
    is_encoded: bool = False
    """It is compressed, say, so that it cannot be read on its way."""


def read_request(head: RequestHead) -> RequestFacts:
    """Find what matters in a request's fields. Raises Refused for what RFC 9112 forbids."""
    facts = RequestFacts()
    for lower, value, _ in head.headers:
        if lower in _REQUEST_NOTES:
            _REQUEST_NOTES[lower](facts, value)
    if facts.chunked and facts.length is not None:
        # RFC 9112 6.3: one way to smuggle a request past whoever believes the other field.
        raise _bad_request("The request has both a Content-Length and a Transfer-Encoding.")
    if head.version != "1.1":
        _check_old(facts)
    elif facts.host is None:
        raise _bad_request("The request has no Host header.")
    elif facts.connection:
        facts.keep_alive = b"close" not in facts.connection
    if facts.upgrade is not None and not _may_upgrade(facts):
        facts.upgrade = None
    return facts


def _check_old(facts: RequestFacts) -> None:
    """HTTP/1.0 knows neither chunks (RFC 9112 6.1) nor Upgrade (RFC 9110 7.8)."""
    if facts.chunked:
        raise _bad_request("An HTTP/1.0 request cannot have a Transfer-Encoding.")
    facts.upgrade = None
    facts.keep_alive = _stays_open(facts.connection)


def read_response(head: ResponseHead) -> ResponseFacts:
    """Find what matters in an answer's fields. Raises UpstreamError for a body we cannot frame."""
    facts = ResponseFacts()
    for lower, value, _ in head.headers:
        if lower in _RESPONSE_NOTES:
            _RESPONSE_NOTES[lower](facts, value)
    if facts.chunked and facts.length is not None:
        raise _broken("both a Content-Length and a Transfer-Encoding")
    if head.version != "1.1":
        if facts.chunked:
            raise _broken("a Transfer-Encoding in an HTTP/1.0 answer")
        facts.keep_alive = _stays_open(facts.connection)
    elif facts.connection:
        facts.keep_alive = b"close" not in facts.connection
    return facts


def _stays_open(connection: frozenset[bytes]) -> bool:
    """HTTP/1.0 closes unless it was said otherwise (RFC 9112 9.3)."""
    return b"keep-alive" in connection and b"close" not in connection


def _note_host(facts: RequestFacts, value: bytes) -> None:
    if facts.host is not None:
        raise _bad_request("The request has more than one Host header.")
    facts.host = value


def _note_authorization(facts: RequestFacts, _: bytes) -> None:
    facts.has_authorization = True


def _note_request_length(facts: RequestFacts, value: bytes) -> None:
    if facts.length is not None:
        raise _bad_request("The request has more than one Content-Length.")
    if _LENGTH.fullmatch(value) is None:
        raise _bad_request("The Content-Length of the request is not a number.")
    facts.length = int(value)


def _note_request_coding(facts: RequestFacts, value: bytes) -> None:
    if facts.chunked or value.lower() != b"chunked":
        raise _bad_request("The only transfer coding that a request may have is chunked.")
    facts.chunked = True


def _note_encoding(facts: ResponseFacts, value: bytes) -> None:
    facts.is_encoded = value.lower() != b"identity"


def _note_connection(facts: RequestFacts | ResponseFacts, value: bytes) -> None:
    tokens = _tokens(value)
    facts.connection = facts.connection | tokens if facts.connection else tokens


def _note_te(facts: RequestFacts, value: bytes) -> None:
    facts.wants_trailers |= b"trailers" in _tokens(value)


def _note_upgrade(facts: RequestFacts | ResponseFacts, value: bytes) -> None:
    facts.upgrade = value if facts.upgrade is None else b"%b, %b" % (facts.upgrade, value)


def _note_max_forwards(facts: RequestFacts, value: bytes) -> None:
    if _LENGTH.fullmatch(value) is not None:  # RFC 9110 7.6.2: else it may be ignored
        facts.max_forwards = int(value)


def _note_forwarded_for(facts: RequestFacts, value: bytes) -> None:
    facts.forwarded_for += (value,)


def _note_forwarded(facts: RequestFacts, value: bytes) -> None:
    facts.forwarded += (value,)


def _note_origin(facts: RequestFacts, value: bytes) -> None:
    facts.names_us = True
    facts.origin = b"%b, %b" % (facts.origin, value) if facts.origin else value


def _note_referer(facts: RequestFacts, value: bytes) -> None:
    facts.names_us = True
    facts.referer = value if not facts.referer else b"several"


def _note_sec_purpose(facts: RequestFacts, value: bytes) -> None:
    facts.purpose = value or b"empty"


def _note_purpose(facts: RequestFacts, value: bytes) -> None:
    """No page can set Sec-Purpose; its elders are other people's names too."""
    if value.partition(b";")[0].strip().lower() in _SPECULATIVE:
        facts.purpose = value


def _note_as(name: str) -> Callable[[RequestFacts, bytes], None]:
    def note(facts: RequestFacts, value: bytes) -> None:
        setattr(facts, name, value)

    return note


def _note_preflight_network(facts: RequestFacts, value: bytes) -> None:
    facts.preflight_network = value == b"true"


def _note_response_length(facts: ResponseFacts, value: bytes) -> None:
    if facts.length is not None:
        raise _broken("more than one Content-Length")
    if _LENGTH.fullmatch(value) is None:
        raise _broken("a Content-Length that is not a number")
    facts.length = int(value)


def _note_response_coding(facts: ResponseFacts, value: bytes) -> None:
    if facts.chunked or value.lower() != b"chunked":
        # Nobody asked for another one, and without its name the body would be taken for plain.
        raise _broken("a transfer coding other than chunked")
    facts.chunked = True


def _note_local(facts: ResponseFacts, _: bytes) -> None:
    facts.is_local = True


def _note_content_type(facts: ResponseFacts, value: bytes) -> None:
    media = value.lower()
    is_web = media.startswith(b"application/grpc-web") and b"-text" not in media
    facts.has_messages = is_web or media.startswith(b"application/connect+")
    facts.is_event_stream = media.partition(b";")[0].strip() == b"text/event-stream"


def _note_address(facts: RequestFacts, _: bytes) -> None:
    facts.names_us = True


def _note_destination(facts: RequestFacts, value: bytes) -> None:
    facts.names_us = True
    facts.destination = b"several" if facts.destination else value or b"empty"


def _note_cookie(facts: RequestFacts, value: bytes) -> None:
    facts.names_us |= OURS in value


def _note_cookies(facts: ResponseFacts, _: bytes) -> None:
    facts.is_local = facts.sets_cookies = True


_SPECULATIVE = frozenset([b"prefetch", b"prerender", b"preview"])


def _note_override(name: bytes) -> Callable[[RequestFacts, bytes], None]:
    def note(facts: RequestFacts, _: bytes) -> None:
        facts.overrides |= {name}

    return note


# More digits than anything that exists can have would be an overflow somewhere else.
_LENGTH = re.compile(rb"[0-9]{1,18}")
ORIGIN_NOTES: dict[bytes, Callable[[RequestFacts, bytes], None]] = {
    **dict.fromkeys(REQUEST_FIELDS, _note_address),
    b"x-forwarded-for": _note_forwarded_for,
    b"x-forwarded-proto": _note_as("forwarded_proto"),
    b"forwarded": _note_forwarded,
    b"origin": _note_origin,
    b"destination": _note_destination,
    b"referer": _note_referer,
    b"sec-purpose": _note_sec_purpose,
    b"purpose": _note_purpose,
    b"x-purpose": _note_purpose,
    b"x-moz": _note_purpose,
    b"cookie": _note_cookie,
    b"sec-fetch-site": _note_as("fetch_site"),
    b"sec-fetch-mode": _note_as("fetch_mode"),
    b"sec-fetch-dest": _note_as("fetch_dest"),
    b"access-control-request-method": _note_as("preflight_method"),
    b"access-control-request-headers": _note_as("preflight_fields"),
    b"access-control-request-private-network": _note_preflight_network,
    HOPS: _note_as("hops"),
    **{name: _note_override(name) for name in OVERRIDES},
}
"""What fields say of addresses and of where a request comes from, whatever the version of HTTP."""
_REQUEST_NOTES: dict[bytes, Callable[[RequestFacts, bytes], None]] = {
    **ORIGIN_NOTES,
    b"host": _note_host,
    b"authorization": _note_authorization,
    b"content-length": _note_request_length,
    b"transfer-encoding": _note_request_coding,
    b"connection": _note_connection,
    b"te": _note_te,
    b"upgrade": _note_upgrade,
    b"max-forwards": _note_max_forwards,
}
_RESPONSE_NOTES: dict[bytes, Callable[[ResponseFacts, bytes], None]] = {
    b"content-length": _note_response_length,
    b"content-type": _note_content_type,
    b"transfer-encoding": _note_response_coding,
    b"connection": _note_connection,
    b"upgrade": _note_upgrade,
    b"content-encoding": _note_encoding,
    **dict.fromkeys(LOCAL_FIELDS, _note_local),
    **dict.fromkeys(COOKIE_FIELDS, _note_cookies),
}


def _may_upgrade(facts: RequestFacts) -> bool:
    """h2c by Upgrade is gone (RFC 9113 3.1), and one with a body cannot be passed on safely."""
    if b"upgrade" not in facts.connection or facts.has_body or facts.upgrade is None:
        return False
    protocols = _tokens(facts.upgrade) - {b""}
    return bool(protocols) and b"h2c" not in protocols


def _tokens(value: bytes) -> frozenset[bytes]:
    # Only short values are kept: clients choose them, and memory has a bound.
    return _kept_tokens(value) if len(value) <= 128 else _split(value)


def _split(value: bytes) -> frozenset[bytes]:
    return frozenset(part.strip().lower() for part in value.split(b","))


_kept_tokens = lru_cache(maxsize=256)(_split)


def _bad_request(message: str) -> Refused:
    return Refused(message, code=Code.BAD_REQUEST)


def _broken(detail: str) -> UpstreamError:
    return UpstreamError(
        "The service's answer does not say clearly where its body ends.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        detail=detail,
    )
