"""Heads for the other side: of a request for the service, of an answer for the client.

Everything passes byte for byte, in order and in the case it came in, except:

- hop-by-hop fields end here (RFC 9110 7.6.1): Connection and what it names, Keep-Alive, TE,
  Transfer-Encoding, Upgrade, Proxy-*; each side gets its own. With `_` for `-` they do not pass to
  a service either, nor does Content_Length: CGI and WSGI take both spellings for one name;
- Host becomes the service's;
- X-Forwarded-For, -Proto, -Host and -Prefix are set anew; their kin and Forwarded are removed: what
  the client claims about itself is not passed on as if a proxy had said it;
- the token and the API key are put on, in place of what the client sent under the same name;
- what names the service's address names ours instead, and the other way round (`address_fields`);
- Alt-Svc is removed: it would lead the client past authproxy;
- a service's X-Authproxy-Hint, -Error and -Answer are removed: those are for authproxy to say;
- X-Authproxy-Hops is for other authproxies on this machine alone (`wire.loops`).

Pure functions on heads. Field names are compared in lower case, which stands beside each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from authproxy.exchange import NO_TOKEN, Field, ResponseHead, Token, make_field
from authproxy.policy.access.overrides import HOPS, OVERRIDES
from authproxy.policy.messages.cors import ALLOW_ORIGIN, settle
from authproxy.policy.messages.facts import RequestFacts, ResponseFacts
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.rewriting import local_answer, service_request

HOP_BY_HOP: Final = frozenset(
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
HINT: Final = b"x-authproxy-hint"
"""What authproxy says to the user beside an answer; no service may say it in our name."""
_NOT_FOR_CLIENT: Final = HOP_BY_HOP | {b"alt-svc", HINT}
# RFC 9110 8.6 forbids the field there, and some clients would wait for the body.
_NOT_WITH_204: Final = _NOT_FOR_CLIENT | {b"content-length"}
FORWARDED: Final = frozenset(
    [
        b"forwarded",
        b"front-end-https",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-forwarded-protocol",
        b"x-forwarded-scheme",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-scheme",
        b"x-url-scheme",
    ]
)
"""What proxies say of the client and of the address that it asked."""
_ORDINARY: Final = frozenset([b"close", b"keep-alive", b"upgrade", b"te"])
# A Connection field cannot take away what the message cannot do without.
_NOT_NOMINABLE: Final = frozenset([b"host", b"content-length", b"location", b"set-cookie"])
CHUNKED_LINE: Final = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True, kw_only=True)
class ServiceRules:
    """Rules by which heads for one service are written."""

    authority: bytes
    """The `Host` to send."""
    token_header: bytes | None
    """None chooses by request: Authorization unless the client sent its own."""
    extra: bytes
    """Finished lines that every request carries: API keys. Holds secrets: not in the repr."""
    drop: frozenset[bytes]
    """Fields of the client's that do not pass, in lower case."""
    secret_names: frozenset[bytes] = frozenset()
    """Those of `extra` whose values are secrets, in lower case."""

    def __repr__(self) -> str:
        return f"<ServiceRules [{self.authority.decode()}]>"


def service_rules(
    *,
    authority: str,
    token_header: str,
    secrets: Sequence[tuple[str, str]] = (),
    key_header: str | None = None,
    add: Sequence[tuple[str, str]] = (),
    remove: Sequence[str] = (),
) -> ServiceRules:
    """`token_header` is a field name or `auto`.

    `secrets`: names and values of fields for every request, such as the service's API key;
    `key_header`: that in which clients show authproxy a key, if they must; `add`: as `secrets`, of
    what may be seen; `remove`: names of the client's that do not pass.
    """
    drop = HOP_BY_HOP | _OURS | _UNFRAMED
    if key_header is not None:
        drop |= _spellings(key_header)
    if token_header != "auto":
        drop |= _spellings(token_header)
    put_on = (*add, *secrets)
    for name in (*remove, *(name for name, _ in put_on)):
        drop |= _spellings(name)
    extra = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in put_on)
    return ServiceRules(
        authority=authority.encode(),
        token_header=None if token_header == "auto" else token_header.encode(),
        extra=extra,
        drop=drop,
        secret_names=frozenset(name.lower().encode("latin-1") for name, _ in secrets),
    )


def _spellings(name: str) -> frozenset[bytes]:
    """`name` in lower case, also with `_` for `-`: CGI and WSGI applications take both for one.

    Of a name with more than eight hyphens, the first eight: the number must stay small.
    """
    first, *parts = name.lower().encode().replace(b"_", b"-").split(b"-", 8)
    spellings = {first}
    for part in parts:
        spellings = {begun + mark + part for begun in spellings for mark in (b"-", b"_")}
    return frozenset(spellings) | {name.lower().encode()}


# What would say to a CGI or WSGI application how the body is framed, and not to us.
_UNFRAMED: Final = frozenset().union(
    *(_spellings(n.decode()) for n in HOP_BY_HOP | {b"http2-settings", b"content-length"})
) - {b"content-length"}
# What only we say to the service.
_OURS: Final = frozenset().union(
    *(_spellings(n.decode()) for n in FORWARDED | {b"x-serverless-authorization", HOPS})
)


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


def request_fields(
    headers: Sequence[Field],
    facts: RequestFacts,
    rules: ServiceRules,
    *,
    forwarded: bytes,
    home: Home | None = None,
) -> bytes:
    """The field lines of the head to send to the service, all but the token's.

    `forwarded`: finished lines, see `forwarded_lines`; `home`: what the service is to the client.
    """
    if facts.names_us and home is not None:
        headers = service_request(headers, home)
    drop = rules.drop
    if facts.connection:
        drop = _with_nominated(drop, facts.connection)
    lines = [
        line if lower != b"host" else b"%b: %b" % (line[:4], rules.authority)
        for lower, _, line in headers
        if lower not in drop
    ]
    if facts.host is None:
        lines.insert(0, b"Host: " + rules.authority)
    return b"%b\r\n%b%b%b" % (b"\r\n".join(lines), _hop_lines(facts), forwarded, rules.extra)


def request_head(method: bytes, target: bytes, fields: bytes, token_line: bytes) -> bytes:
    """The head to send to the service; `fields` and `token_line` are finished lines."""
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, target, fields, token_line)


def one_hop_less(headers: Sequence[Field], max_forwards: int) -> list[Field]:
    """For OPTIONS, whose Max-Forwards every proxy counts down (RFC 9110 7.6.2)."""
    less = b"%d" % (max_forwards - 1)
    return [
        field if field[0] != b"max-forwards" else make_field(field[2][:12], less)
        for field in headers
    ]


def _hop_lines(facts: RequestFacts) -> bytes:
    """This hop's own fields."""
    if facts.upgrade is not None:
        return b"Connection: Upgrade\r\nUpgrade: %b\r\n" % facts.upgrade
    lines = CHUNKED_LINE if facts.chunked else b""
    return lines + b"Connection: TE\r\nTE: trailers\r\n" if facts.wants_trailers else lines


def _with_nominated(drop: frozenset[bytes], connection: frozenset[bytes]) -> frozenset[bytes]:
    """`drop` and what a Connection field names, but for what it says about the connection."""
    if connection <= _ORDINARY:
        return drop
    return drop | (connection - _NOT_NOMINABLE)


def forwarded_lines(
    *, client: bytes, proto: bytes, host: bytes | None, prefix: bytes = b""
) -> bytes:
    """The X-Forwarded-* lines; an empty `client` (on a Unix socket) has no For line.

    `prefix`: what was taken off the beginning of the path.
    """
    lines = b"X-Forwarded-Proto: %b\r\n" % proto
    if host is not None:
        lines = b"%bX-Forwarded-Host: %b\r\n" % (lines, host)
    if prefix:
        lines = b"%bX-Forwarded-Prefix: %b\r\n" % (lines, prefix)
    return b"X-Forwarded-For: %b\r\n%b" % (client, lines) if client else lines


def response_head(
    head: ResponseHead,
    facts: ResponseFacts,
    *,
    chunked: bool,
    connection: bytes = b"",
    home: Home | None = None,
    cors: bytes = b"",
) -> bytes:
    """The head to send to the client.

    `chunked`: the body will be; `connection`: the finished Connection lines, or none; `home`: what
    the service is to the client; `cors`: the finished lines of
    `policy.messages.cors`, or none.
    """
    ours = _NOT_FOR_CLIENT if head.status != 204 else _NOT_WITH_204
    drop = _with_nominated(ours, facts.connection) if facts.connection else ours
    headers: Sequence[Field] = head.headers
    if facts.is_local and home is not None:
        headers = local_answer(headers, home)
    if cors:
        said = (value for lower, value, _ in head.headers if lower == ALLOW_ORIGIN)
        cors, gives_way = settle(cors, next(said, None), home)
        drop = drop | gives_way
    lines = [b"HTTP/1.1 %d %b" % (head.status, head.reason)]
    lines += [line for lower, _, line in headers if lower not in drop]
    framing = CHUNKED_LINE if chunked else b""
    return b"%b\r\n%b%b%b\r\n" % (b"\r\n".join(lines), cors, framing, connection)


def upgrade_head(head: ResponseHead, facts: ResponseFacts, home: Home | None = None) -> bytes:
    """The head of a 101, with the protocol that the service switched to."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: %b\r\n" % (facts.upgrade or b"")
    return response_head(head, facts, chunked=False, connection=upgrade, home=home)


def request_end(trailers: Sequence[Field], rules: ServiceRules, home: Home) -> bytes:
    """What ends a request's chunks."""
    return last_chunk(service_request(trailers, home) if trailers else trailers, rules.drop)


def answer_end(trailers: Sequence[Field], home: Home) -> bytes:
    """What ends an answer's chunks."""
    return last_chunk(local_answer(trailers, home) if trailers else trailers)


def last_chunk(trailers: Sequence[Field], drop: frozenset[bytes] = HOP_BY_HOP) -> bytes:
    """The last chunk and the trailer section, without `drop` and what may only stand in a head.

    `trailers` are as they are right for the other side.
    """
    lines = [
        b"%b\r\n" % line
        for lower, _, line in trailers
        if lower not in FORBIDDEN_TRAILERS and lower not in drop
    ]
    return b"0\r\n%b\r\n" % b"".join(lines)


# RFC 9110 6.5.1: no framing, routing or authentication in trailers, lest a recipient merge them.
FORBIDDEN_TRAILERS: Final = (
    _OURS
    | OVERRIDES
    | {
        b"alt-svc",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-range",
        b"content-type",
        b"cookie",
        b"destination",
        b"host",
        b"location",
        b"set-cookie",
        b"trailer",
        b"transfer-encoding",
        b"www-authenticate",
        HINT,
    }
)
