"""Fields of an HTTP/2 request: their meaning, and those that the service gets.

HTTP/2 has no request line: method, scheme, authority and path are pseudo-header fields. Names are
in lower case, and nothing in the fields frames the message, so less can go wrong than in HTTP/1.1;
what can is refused as RFC 9113 8 asks. What is changed on the way is what `policy.messages.headers`
changes.
"""

import re
from collections.abc import Sequence

from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.access.targets import asterisk, fragment
from authproxy.policy.messages.facts import ORIGIN_NOTES, RequestFacts
from authproxy.policy.messages.headers import FORBIDDEN_TRAILERS, ServiceRules
from authproxy.policy.messages.http2.answer_validity import OF_CONNECTION, content_length
from authproxy.policy.messages.http2.call import Call, Pair
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.rewriting import REQUEST_FIELDS, service_request

_PSEUDO = frozenset([b":method", b":scheme", b":authority", b":path", b":protocol"])
_is_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_name = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_is_target = re.compile(rb"(/[^\x00-\x20\x7f#]*|\*)").fullmatch
_is_count = re.compile(rb"[0-9]{1,9}").fullmatch  # RFC 9110 7.6.2: else it may be ignored
_breaks_value = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|\A[ \t]|[ \t]\Z").search
_is_control = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search


def read_call(fields: Sequence[Pair]) -> Call:
    """The request that `fields` make; `check_call` says whether it may be one."""
    pseudo = {name: value for name, value in fields if name[:1] == b":"}
    regular = [field for field in fields if field[0][:1] != b":"]
    facts = RequestFacts()
    facts.host = pseudo.get(b":authority")
    content_type = b""
    for name, value in regular:
        if name == b"authorization":
            facts.has_authorization = True
        elif name == b"te":
            facts.wants_trailers = True
        elif name == b"max-forwards" and _is_count(value):
            facts.max_forwards = int(value)
        elif name == b"content-type":
            content_type = value
        elif name == b"host" and facts.host is None:
            facts.host = value
        elif name in ORIGIN_NOTES:
            ORIGIN_NOTES[name](facts, value)
    head = RequestHead(
        pseudo.get(b":method", b"-"),
        pseudo.get(b":path", b"-"),
        "2",
        [(name, value, b"%b: %b" % (name, value)) for name, value in regular],
    )
    is_grpc = content_type.startswith(b"application/grpc")
    wants_events = not is_grpc and _wants_events(regular)
    return Call(head, facts, regular, is_grpc=is_grpc, wants_events=wants_events)


def _wants_events(fields: Sequence[Pair]) -> bool:
    return any(name == b"accept" and b"event-stream" in value.lower() for name, value in fields)


def trim(fields: Sequence[Pair]) -> list[Pair]:
    """Without the blanks around values.

    RFC 9113 8.2.1 has none there, but libraries of gRPC send them in metadata and take them, and a
    peer of HTTP/1.1 would have them trimmed. What the class of a field says about it stays.
    """
    return [tuple.__new__(type(field), (field[0], field[1].strip(b" \t"))) for field in fields]


def check_call(fields: Sequence[Pair]) -> bool:
    """Raises Refused for what RFC 9113 8.3.1 calls malformed, and for Extended CONNECT.

    Whether all values are as they should be; else `trim` them, and read the call again.
    """
    pseudo = _take_pseudo(fields)
    regular = fields[len(pseudo) :]
    is_trimmed = _check_fields(regular)
    if b":protocol" in pseudo:
        raise _bad("Extended CONNECT (RFC 8441) is not supported; use HTTP/1.1 for WebSockets.")
    method = pseudo.get(b":method", b"")
    if not _is_token(method):
        raise _bad("The method is missing or not valid.")
    if method != b"CONNECT":  # which has neither scheme nor path, and is refused as in HTTP/1.1
        _check_target(method, pseudo.get(b":scheme", b""), pseudo.get(b":path", b""))
        _check_host(pseudo.get(b":authority"), regular)
    return is_trimmed


def _take_pseudo(fields: Sequence[Pair]) -> dict[bytes, bytes]:
    """They stand before all others (RFC 9113 8.3)."""
    pseudo: dict[bytes, bytes] = {}
    for name, value in fields:
        if name[:1] != b":":
            break
        if name not in _PSEUDO or name in pseudo:
            raise _bad("A pseudo-header field is unknown or repeated.")
        pseudo[name] = value
    return pseudo


def _check_target(method: bytes, scheme: bytes, path: bytes) -> None:
    if scheme not in (b"http", b"https"):
        raise _bad("The scheme is missing or not http or https.")
    if b"#" in path:
        raise fragment()
    if path == b"*" and method != b"OPTIONS":
        raise asterisk()
    if not _is_target(path):
        raise _bad("The path is missing or not valid.")


def _check_fields(fields: Sequence[Pair]) -> bool:
    """Whether no value has blanks around it; raises Refused for what cannot be mended."""
    is_trimmed = True
    for name, value in fields:
        if not _is_name(name):
            raise _bad("The name of a field is not valid, or is in the wrong place.")
        if _breaks_value(value):
            if _is_control(value):
                raise _bad("The value of a field is not valid.")
            is_trimmed = False
        if name in OF_CONNECTION or (name == b"te" and value.strip().lower() != b"trailers"):
            raise _bad(
                "A field of the request is not allowed in HTTP/2: it belongs to"
                " connections of HTTP/1.1."
            )
    try:
        content_length([value.strip() for name, value in fields if name == b"content-length"])
    except ValueError:
        raise _bad("The Content-Length is not a number, or is repeated.") from None
    return is_trimmed


def _check_host(authority: bytes | None, fields: Sequence[Pair]) -> None:
    """RFC 9113 8.3.1: one name only, wherever it stands."""
    hosts = [value for name, value in fields if name == b"host"]
    if authority is not None:
        hosts.insert(0, authority)
    if not hosts or any(map(_breaks_value, hosts)):
        raise _bad("The request names no host.")
    if any(host.lower() != hosts[0].lower() for host in hosts):
        raise _bad("The request names more than one host.")


def call_fields(
    call: Call,
    rules: ServiceRules,
    *,
    target: bytes,
    scheme: bytes,
    token_line: bytes,
    forwarded: bytes,
    home: Home | None = None,
) -> list[Pair]:
    """What the service gets. `target` is the path that it sees.

    `token_line` and `forwarded` are finished lines, as in HTTP/1.1.

    A field that passes is the very object that came, with what its class says about it.
    """
    drop = rules.drop
    pairs = [
        (b":method", call.head.method),
        (b":scheme", scheme),
        (b":authority", rules.authority),
        (b":path", target),
    ]
    fields: Sequence[Pair] = call.fields
    if call.facts.names_us and home is not None:
        fields = [field[:2] for field in service_request(call.head.headers, home)]
    pairs += [field for field in fields if field[0] not in drop and field[0] != b"host"]
    if call.facts.max_forwards and call.head.method == b"OPTIONS":
        pairs = [_one_hop_less(field, call.facts.max_forwards) for field in pairs]
    if call.facts.wants_trailers:
        pairs.append((b"te", b"trailers"))
    for line in (forwarded + rules.extra + token_line).split(b"\r\n")[:-1]:
        name, _, value = line.partition(b": ")
        pairs.append((name.lower(), value))
    return pairs


def _one_hop_less(field: Pair, max_forwards: int) -> Pair:
    """For OPTIONS, whose Max-Forwards every proxy counts down (RFC 9110 7.6.2)."""
    return field if field[0] != b"max-forwards" else (field[0], b"%d" % (max_forwards - 1))


def trailer_fields(
    fields: Sequence[Pair], rules: ServiceRules, home: Home | None = None
) -> list[Pair]:
    """What the service gets of a request's trailers. Raises Refused for malformed ones."""
    if not _check_fields(fields):
        fields = trim(fields)
    if home is not None and any(name in REQUEST_FIELDS for name, _ in fields):
        whole = [make_field(name, value) for name, value in fields]
        fields = [field[:2] for field in service_request(whole, home)]
    drop = rules.drop
    return [
        field for field in fields if field[0] not in drop and field[0] not in FORBIDDEN_TRAILERS
    ]


def _bad(message: str) -> Refused:
    return Refused(message, code=Code.BAD_REQUEST)
