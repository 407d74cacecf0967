"""What the fields of a head say about its handling: body, connection, upgrade.

Field names are compared in lower case, which the parser's callbacks keep beside each.
"""

from collections.abc import Callable
from functools import lru_cache

from authproxy.errors import Code, Refused, UpstreamError
from authproxy.exchange import RequestHead, ResponseHead


class RequestFacts:
    """What the fields of a request head say about its handling."""

    host: bytes | None = None
    length: int = 0
    chunked: bool = False
    upgrade: bytes | None = None
    has_authorization: bool = False
    wants_trailers: bool = False
    connection: frozenset[bytes] = frozenset()

    @property
    def has_body(self) -> bool:
        return self.chunked or self.length > 0


class ResponseFacts:
    """What the fields of an answer's head say about its handling."""

    length: int | None = None
    chunked: bool = False
    upgrade: bytes | None = None
    connection: frozenset[bytes] = frozenset()


def read_request(head: RequestHead) -> RequestFacts:
    """Find what matters in a request's fields. Raises Refused for what RFC 9112 forbids.

    The parser has seen to it already that lengths are numbers, given once and not beside a
    transfer coding.
    """
    facts = RequestFacts()
    for lower, _, value in head.headers:
        if lower in _REQUEST_NOTES:
            _REQUEST_NOTES[lower](facts, value)
    if head.version != "1.1":
        _check_old(head, facts)
    elif facts.host is None:
        raise _bad_request("The request has no Host header.")
    if facts.upgrade is not None and not _may_upgrade(facts):
        facts.upgrade = None
    return facts


def _check_old(head: RequestHead, facts: RequestFacts) -> None:
    """HTTP/1.0 knows neither chunks (RFC 9112 6.1) nor Upgrade (RFC 9110 7.8)."""
    if head.version != "1.0":
        raise _bad_request("The request is neither HTTP/1.1 nor HTTP/1.0.")
    if facts.chunked:
        raise _bad_request("A request of HTTP/1.0 cannot have a Transfer-Encoding.")
    facts.upgrade = None


def read_response(head: ResponseHead) -> ResponseFacts:
    """Find what matters in an answer's fields. Raises UpstreamError for a body we cannot frame."""
    facts = ResponseFacts()
    for lower, _, value in head.headers:
        if lower in _RESPONSE_NOTES:
            _RESPONSE_NOTES[lower](facts, value)
    return facts


def _note_host(facts: RequestFacts, value: bytes) -> None:
    if facts.host is not None:
        raise _bad_request("The request has more than one Host header.")
    facts.host = value.strip()  # the parser leaves white space at the end


def _note_authorization(facts: RequestFacts, _: bytes) -> None:
    facts.has_authorization = True


def _note_request_length(facts: RequestFacts, value: bytes) -> None:
    facts.length = int(value)


def _note_request_coding(facts: RequestFacts, value: bytes) -> None:
    if value.strip().lower() != b"chunked":
        raise _bad_request("The only transfer coding that a request may have is chunked.")
    facts.chunked = True


def _note_connection(facts: RequestFacts | ResponseFacts, value: bytes) -> None:
    tokens = _tokens(value)
    facts.connection = facts.connection | tokens if facts.connection else tokens


def _note_te(facts: RequestFacts, value: bytes) -> None:
    facts.wants_trailers |= b"trailers" in _tokens(value)


def _note_upgrade(facts: RequestFacts | ResponseFacts, value: bytes) -> None:
    facts.upgrade = value if facts.upgrade is None else b"%b, %b" % (facts.upgrade, value)


def _note_response_length(facts: ResponseFacts, value: bytes) -> None:
    facts.length = int(value)


def _note_response_coding(facts: ResponseFacts, value: bytes) -> None:
    if value.strip().lower() != b"chunked":
        # Nobody asked for another one, and without its name the body would be taken for plain.
        raise UpstreamError(
            "The service's answer has a transfer coding that was not asked for.",
            code=Code.UPSTREAM_BROKE,
            sent=True,
            detail="a transfer coding other than chunked",
        )
    facts.chunked = True


_REQUEST_NOTES: dict[bytes, Callable[[RequestFacts, bytes], None]] = {
    b"host": _note_host,
    b"authorization": _note_authorization,
    b"content-length": _note_request_length,
    b"transfer-encoding": _note_request_coding,
    b"connection": _note_connection,
    b"te": _note_te,
    b"upgrade": _note_upgrade,
}
_RESPONSE_NOTES: dict[bytes, Callable[[ResponseFacts, bytes], None]] = {
    b"content-length": _note_response_length,
    b"transfer-encoding": _note_response_coding,
    b"connection": _note_connection,
    b"upgrade": _note_upgrade,
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
