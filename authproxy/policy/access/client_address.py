"""Address of the client, when trusted proxies stand between it and us.

Each proxy appends the address that it was asked from, so the list is read from its end: the last
address that is not a trusted proxy's own is the client's. What stands before it the client may have
made up, and is not looked at.

What cannot be read ends the search with a refusal. To go on past it would be to believe what is
before it; to take the proxy's own address instead would let everybody in whom that proxy serves.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address

from authproxy.errors import Code, Refused
from authproxy.policy.access.networks import Address, AddressSet

MAX_HOPS = 50
MAX_FORWARDED = 8 * 1024
"""Bytes of one Forwarded field, which must be read from its beginning because of the quotes."""
MAX_NODE = 120
"""Bytes; the longest address with zone and port takes about 80."""
SHOWN = 60

_PORT = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"  # RFC 7239 6: a number, or `_` and a word
_NODE = re.compile(rf"([0-9.]+){_PORT}|\[([^\]]*:[^\]]*)\]{_PORT}|(.+)", re.DOTALL)
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_QUOTED = rb'"(?:[^"\\]|\\.)*+"'
_ELEMENT = re.compile(rb'((?:[^",]|%b)*+)(,|\Z)' % _QUOTED, re.DOTALL)
# RFC 7239 4, and more lenient: blanks around `;`, and addresses without the quotes they need. A
# backslash is an error outside of quotes: there a proxy that escapes them has been misled.
_PAIR = re.compile(
    rb'[ \t]*(?:(%b++)=(?:(%b)|([^\x00-\x20"(),;=\\\x7f-\xff]++)))?[ \t]*(?:;|\Z)'
    % (_TOKEN, _QUOTED),
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def find_client(
    peer: Address | None,
    *,
    forwarded_for: Sequence[bytes],
    forwarded: Sequence[bytes],
    trusted: AddressSet,
) -> Address | None:
    """The client's address; None for a Unix socket's client, which has none.

    `peer` is as `parse_peer` gives it, and so is what is returned: never IPv4-mapped, no zone.
    `forwarded_for` and `forwarded` are the values of the request's fields of these names, in order;
    they count only when `peer` is trusted. Raises Refused when they do not say who the client is.
    """
    if peer is None or peer not in trusted:
        return peer
    by_list = by_forwarded = None
    if forwarded_for:
        by_list = _walk("X-Forwarded-For", _addresses(forwarded_for), _parse_node, trusted)
    if forwarded:
        by_forwarded = _walk("Forwarded", _elements(forwarded), _parse_element, trusted)
    if by_list is not None and by_forwarded is not None and by_list != by_forwarded:
        raise _refused(
            f"X-Forwarded-For names {by_list} and Forwarded names {by_forwarded}: the proxy at"
            f" {peer} sets one of the two and passes on the client's value of the other; make it"
            " remove that one"
        )
    return by_list or by_forwarded or peer


def _walk(
    name: str,
    entries: Iterator[bytes],
    parse: Callable[[bytes], Address | None],
    trusted: AddressSet,
) -> Address | None:
    """`entries` are from the last one to the first."""
    address = None
    for number, entry in enumerate(entries):
        if number == MAX_HOPS:
            raise _refused(f"the last {MAX_HOPS} addresses in {name} are all of trusted proxies")
        address = parse(entry)
        if address is None:
            raise _refused(
                f"{name} has {_shown(entry)} where the client's address should be; let the proxy"
                " that trusted_proxies names set the field, or remove it"
            )
        if address not in trusted:
            break
    return address


def _addresses(values: Sequence[bytes]) -> Iterator[bytes]:
    for value in reversed(values):
        for entry in reversed(value.rsplit(b",", MAX_HOPS)):
            yield entry.strip(b" \t")


def _elements(values: Sequence[bytes]) -> Iterator[bytes]:
    for value in reversed(values):
        yield from reversed(_split(value) or [value])


def _split(value: bytes) -> list[bytes]:
    """The elements of a Forwarded field; none when it is too long or a quote is not closed."""
    found: list[bytes] = []
    at = 0 if len(value) <= MAX_FORWARDED else len(value) + 1
    while at <= len(value):
        element = _ELEMENT.match(value, at)
        if element is None:
            return []
        found.append(element[1].strip(b" \t"))
        at = element.end() if element[2] else len(value) + 1
    return found


def _parse_element(element: bytes) -> Address | None:
    """The one `for` of a forwarded-element (RFC 7239 4)."""
    nodes = []
    at = 0
    while at < len(element):
        pair = _PAIR.match(element, at)
        if pair is None:
            return None
        at = pair.end()
        name, in_quotes, plain = pair.groups()
        if name is not None and name.lower() == b"for":
            nodes.append(plain if in_quotes is None else _ESCAPED.sub(rb"\1", in_quotes[1:-1]))
    return _parse_node(nodes[0]) if len(nodes) == 1 else None


def _parse_node(entry: bytes) -> Address | None:
    """IPv4 or IPv6, with a port or without; None for all else, `unknown` and `_hidden` included."""
    match = _NODE.fullmatch(entry.decode("latin-1")) if len(entry) <= MAX_NODE else None
    if match is None:
        return None
    ipv4, in_brackets, ipv6 = match.groups()
    try:
        if ipv4 is not None:
            return IPv4Address(ipv4)
        address = IPv6Address(in_brackets or ipv6)
    except ValueError:
        return None
    # By its number: that drops the zone, which means something to the proxy only.
    return address.ipv4_mapped or IPv6Address(int(address))


def _refused(detail: str) -> Refused:
    return Refused(
        "Your address cannot be determined, so this proxy refuses the request.",
        code=Code.ADDRESS_NOT_ALLOWED,
        hint="The reason is in the proxy's log.",
        detail=detail,
    )


def _shown(entry: bytes) -> str:
    return repr(entry) if len(entry) <= SHOWN else f"{entry[:SHOWN]!r}…"
