"""What the service sees of a request's head, and the client of an answer's.

Everything passes byte for byte, in order and in the case it came in, except:

- hop-by-hop fields end here (RFC 9110 7.6.1): Connection and what it names, Keep-Alive, TE,
  Transfer-Encoding, Upgrade, Proxy-*; each side gets its own;
- Host becomes the service's;
- X-Forwarded-For, -Proto and -Host are set anew and Forwarded is removed: what the client claims
  about itself is not passed on as if a proxy had said it;
- the token and the API key are put on, in place of what the client sent under the same name;
- a Location that names the service names authproxy instead.

Pure functions on heads. Field names are compared in lower case, which `http1` keeps beside each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from authproxy.errors import Code, Refused
from authproxy.exchange import NO_TOKEN, Field, RequestHead, ResponseHead, Token

HOP_BY_HOP = frozenset(
    [
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    ]
)
FORWARDED = frozenset([b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"])
# A Connection field cannot take away what the message cannot do without.
_ORDINARY = frozenset([b"close", b"keep-alive", b"upgrade", b"te"])
_NOT_NOMINABLE = frozenset([b"host", b"content-length", b"location", b"set-cookie"])
CHUNKED_LINE = b"Transfer-Encoding: chunked\r\n"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRules:
    """How heads for one service are written."""

    authority: bytes
    """The `Host` to send."""
    token_header: bytes | None
    """None chooses by request: Authorization unless the client sent its own."""
    extra: bytes
    """Finished lines that every request carries: the API key. Holds a secret: not in the repr."""
    drop: frozenset[bytes]
    """Fields of the client's that do not pass, in lower case."""

    def __repr__(self) -> str:
        return f"<ServiceRules [{self.authority.decode()}]>"


def service_rules(
    *, authority: str, token_header: str, api_key_header: str, api_key: str | None
) -> ServiceRules:
    """`token_header` is a field name or `auto`; `api_key` None when the service wants none."""
    drop = HOP_BY_HOP | FORWARDED | {b"x-serverless-authorization", b"http2-settings"}
    if token_header != "auto":
        drop |= {token_header.lower().encode()}
    extra = b""
    if api_key is not None:
        drop |= {api_key_header.lower().encode()}
        extra = b"%b: %b\r\n" % (api_key_header.encode(), api_key.encode("latin-1"))
    return ServiceRules(
        authority=authority.encode(),
        token_header=None if token_header == "auto" else token_header.encode(),
        extra=extra,
        drop=drop,
    )


def read_request(head: RequestHead) -> RequestFacts:
    """Find what matters in a request's fields. Raises Refused for what RFC 9112 forbids.

    The parser has seen to it already that lengths are numbers, given once and not beside a
    transfer coding.
    """
    facts = RequestFacts()
    for lower, _, value in head.headers:
        if lower in _REQUEST_NOTES:
            _REQUEST_NOTES[lower](facts, value)
    if facts.host is None and head.version != "1.0":
        raise _bad_request("The request has no Host header.")
    if facts.upgrade is not None and not _may_upgrade(facts):
        facts.upgrade = None
    return facts


def read_response(head: ResponseHead) -> ResponseFacts:
    """Find what matters in an answer's fields."""
    facts = ResponseFacts()
    for lower, _, value in head.headers:
        if lower in _RESPONSE_NOTES:
            _RESPONSE_NOTES[lower](facts, value)
    return facts


def _note_host(facts: RequestFacts, value: bytes) -> None:
    if facts.host is not None:
        raise _bad_request("The request has more than one Host header.")
    facts.host = value


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
    facts.upgrade = value


def _note_response_length(facts: ResponseFacts, value: bytes) -> None:
    facts.length = int(value)


def _note_response_coding(facts: ResponseFacts, _: bytes) -> None:
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


def token_line(rules: ServiceRules, token: Token, *, has_authorization: bool) -> bytes:
    """The line that carries `token`; empty for NO_TOKEN.

    `has_authorization`: the client sent one of its own.
    """
    if token is NO_TOKEN:
        return b""
    name = rules.token_header
    if name is None:
        name = b"X-Serverless-Authorization" if has_authorization else b"Authorization"
    return b"%b: Bearer %b\r\n" % (name, token.value.reveal().encode("ascii"))


def request_head(
    head: RequestHead,
    facts: RequestFacts,
    rules: ServiceRules,
    *,
    target: bytes,
    token_line: bytes,
    forwarded: bytes,
) -> bytes:
    """The head to send to the service. `forwarded`: finished lines, see `forwarded_lines`."""
    parts = [head.method, b" ", target, b" HTTP/1.1\r\n"]
    if facts.host is None:
        parts += (b"Host: ", rules.authority, b"\r\n")
    drop = _with_nominated(rules.drop, facts.connection)
    for lower, name, value in head.headers:
        if lower not in drop:
            kept = rules.authority if lower == b"host" else value
            parts += (name, b": ", kept, b"\r\n")
    parts += (_hop_lines(facts), forwarded, rules.extra, token_line, b"\r\n")
    return b"".join(parts)


def _hop_lines(facts: RequestFacts) -> bytes:
    """This hop's own fields."""
    if facts.upgrade is not None:
        return b"Connection: Upgrade\r\nUpgrade: %b\r\n" % facts.upgrade
    lines = CHUNKED_LINE if facts.chunked else b""
    return lines + b"Connection: TE\r\nTE: trailers\r\n" if facts.wants_trailers else lines


def _with_nominated(drop: frozenset[bytes], connection: frozenset[bytes]) -> frozenset[bytes]:
    """`drop` and what a Connection field names, but for what it says about the connection."""
    if not connection or connection <= _ORDINARY:
        return drop
    return drop | (connection - _NOT_NOMINABLE)


def forwarded_lines(*, client: str, proto: str, host: bytes | None) -> bytes:
    """The X-Forwarded-* lines; an empty `client` (on a Unix socket) has no For line."""
    lines = [f"X-Forwarded-For: {client}\r\n".encode()] if client else []
    lines.append(f"X-Forwarded-Proto: {proto}\r\n".encode())
    if host is not None:
        lines.append(b"X-Forwarded-Host: %b\r\n" % host)
    return b"".join(lines)


def response_head(
    head: ResponseHead,
    facts: ResponseFacts,
    *,
    chunked: bool,
    connection: bytes,
    local: tuple[bytes, bytes] | None = None,
) -> bytes:
    """The head to send to the client.

    `chunked`: the body will be; `connection`: the finished Connection lines, or none; `local`: the
    service's origin and what it is to the client, for Location.
    """
    parts = [b"HTTP/1.1 %d " % head.status, head.reason, b"\r\n"]
    drop = _with_nominated(HOP_BY_HOP, facts.connection)
    for lower, name, value in head.headers:
        if lower not in drop:
            kept = local_location(value, *local) if local and lower == b"location" else value
            parts += (name, b": ", kept, b"\r\n")
    if chunked:
        parts.append(CHUNKED_LINE)
    parts += (connection, b"\r\n")
    return b"".join(parts)


def upgrade_head(head: ResponseHead, facts: ResponseFacts) -> bytes:
    """The head of a 101, with the protocol that the service switched to."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: %b\r\n" % (facts.upgrade or b"")
    return response_head(head, facts, chunked=False, connection=upgrade)


def local_location(value: bytes, service: bytes, client: bytes) -> bytes:
    """`value`, with the service's origin at its beginning replaced by the client's."""
    if value[: len(service)].lower() != service or value[len(service) :][:1] not in b"/?#":
        return value
    return client + value[len(service) :]


def last_chunk(trailers: Sequence[Field], drop: frozenset[bytes] = HOP_BY_HOP) -> bytes:
    """The last chunk and the trailer section, without `drop` and what may only stand in a head."""
    lines = [
        b"%b: %b\r\n" % (name, value)
        for lower, name, value in trailers
        if lower not in _FORBIDDEN_TRAILERS and lower not in drop
    ]
    return b"0\r\n%b\r\n" % b"".join(lines)


# RFC 9110 6.5.1: no framing, routing or authentication in trailers, lest a recipient merge them.
_FORBIDDEN_TRAILERS = FORWARDED | {
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-type",
    b"host",
    b"set-cookie",
    b"trailer",
    b"transfer-encoding",
    b"x-serverless-authorization",
}


def _may_upgrade(facts: RequestFacts) -> bool:
    """h2c by Upgrade is gone (RFC 9113 3.1), and one with a body cannot be passed on safely."""
    if b"upgrade" not in facts.connection or facts.has_body or facts.upgrade is None:
        return False
    return facts.upgrade.strip().lower() != b"h2c"


@lru_cache(maxsize=256)
def _tokens(value: bytes) -> frozenset[bytes]:
    return frozenset(part.strip().lower() for part in value.split(b","))


def _bad_request(message: str) -> Refused:
    return Refused(message, code=Code.BAD_REQUEST)
