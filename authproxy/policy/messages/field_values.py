"""Addresses within the values of fields, for each way in which values are written.

Each function takes what is to become of one address and gives what becomes of a whole value; what
it does not recognise stays byte for byte.
"""

import re
from collections.abc import Callable, Collection

from authproxy.policy.messages.origin_mapping import Home, below_address

Convert = Callable[[bytes, Home], bytes]
"""One address, as the other side must see it."""

_REFRESH = re.compile(rb"""([0-9.]+\s*[;,]\s*(?:url\s*=\s*)?)(["']?)(.*?)(["']?)""", re.I | re.S)
_WORD = re.compile(rb"[^\s,;]+")
_COOKIE_PATH = re.compile(rb"(;\s*path\s*=\s*)(/[^;]*?)(?=\s*(?:;|\Z))", re.I)
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_LINK = re.compile(rb'<([^>]*)>|"(?:[^"\\]|\\.)*"')
_ANCHOR = re.compile(rb"""(;\s*anchor\s*=\s*)(?:"([^"]*)"|([^\s",;]+))""", re.I)
# Lists of conditions stand in parentheses, entity tags in quotation marks (RFC 4918 10.4.2).
_SRCSET = re.compile(rb"""(;\s*imagesrcset\s*=\s*")([^"]*)""", re.I)  # HTML 4.2.4.4
_TAGGED = re.compile(rb"""\((?:[^()"]|"[^"]*")*\)|<([^>]*)>""")
_CHALLENGE = re.compile(
    rb"""(?:^|,)\s*(?P<scheme>[a-z0-9!#$%&'*+.^_`|~-]+)(?=\s+[^\s=,]|\s*(?:,|$))"""
    rb"""|(?P<name>[a-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s",]+))""",
    re.I,
)
_CHALLENGE_URLS = frozenset(
    [
        b"as_uri",  # UMA 2.0
        b"authorization_uri",  # Microsoft's
        b"domain",  # RFC 7616 3.3: URLs with spaces between them
        b"error_uri",  # RFC 6749 5.2
        b"resource_metadata",  # RFC 9728 5.1
    ]
)


def refresh(convert: Convert) -> Convert:
    """`5; url=/x`, HTML's pragma as a field."""

    def change(value: bytes, home: Home) -> bytes:
        match = _REFRESH.fullmatch(value)
        if match is None:
            return value
        wait, before, url, after = match.groups()
        return b"%b%b%b%b" % (wait, before, convert(url, home), after)

    return change


def links(convert: Convert) -> Convert:
    """`<URL>; rel=x; anchor="URL"` (RFC 8288 3)."""

    def change(value: bytes, home: Home) -> bytes:
        def target(match: re.Match[bytes]) -> bytes:
            return match[0] if match[1] is None else b"<%b>" % convert(match[1], home)

        def anchor(match: re.Match[bytes]) -> bytes:
            if match[3] is not None:
                return match[1] + convert(match[3], home)
            return b'%b"%b"' % (match[1], convert(match[2], home))

        def sources(match: re.Match[bytes]) -> bytes:
            return match[1] + words(convert)(match[2], home)

        return _SRCSET.sub(sources, _ANCHOR.sub(anchor, _LINK.sub(target, value)))

    return change


def words(convert: Convert) -> Convert:
    """Addresses with commas, semicolons or spaces between them."""
    return lambda value, home: _WORD.sub(lambda match: convert(match[0], home), value)


def last_word(convert: Convert) -> Convert:
    """`ALLOW-FROM URL`."""

    def change(value: bytes, home: Home) -> bytes:
        before, space, url = value.rpartition(b" ")
        return before + space + convert(url, home) if space else value

    return change


def cookie_path(value: bytes, home: Home) -> bytes | None:
    """A Set-Cookie whose Path is one below the service's address.

    None for one that no request which goes through here would carry (RFC 6265 5.1.4).
    """
    if not home.prefix and not home.service.rest:
        return value
    paths = list(_COOKIE_PATH.finditer(value))
    if not paths:
        return value
    found = paths[-1]  # the one that counts (RFC 6265 5.3)
    path = below_address(found[2], home)
    return None if path is None else value[: found.start(2)] + path + value[found.end(2) :]


def quoted(convert: Convert) -> Convert:
    """Strings in quotation marks (RFC 8941 3.3.3)."""
    return lambda value, home: _QUOTED.sub(lambda match: b'"%b"' % convert(match[1], home), value)


def parameters(names: Collection[str], convert: Convert) -> Convert:
    """The values of some parameters or members: `name="URL"`."""
    known = "|".join(map(re.escape, names)).encode()
    pattern = re.compile(rb"""((?:^|[\s;,])(?:%b)\s*=\s*")((?:[^"\\]|\\.)*)(")""" % known, re.I)

    def change(value: bytes, home: Home) -> bytes:
        return pattern.sub(lambda match: match[1] + convert(match[2], home) + match[3], value)

    return change


def json_members(names: Collection[str], convert: Convert) -> Convert:
    """The values of some members of JSON objects, which may spell `/` as `\\/` (RFC 8259 7)."""
    known = "|".join(map(re.escape, names)).encode()
    pattern = re.compile(rb"""("(?:%b)"\s*:\s*")((?:[^"\\]|\\.)*)(")""" % known)

    def change(value: bytes, home: Home) -> bytes:
        def member(match: re.Match[bytes]) -> bytes:
            url = match[2].replace(rb"\/", b"/")
            local = convert(url, home)
            return match[0] if local == url else match[1] + local + match[3]

        return pattern.sub(member, value)

    return change


def json_or(names: Collection[str], convert: Convert) -> Convert:
    """An address, or a JSON object with addresses."""
    members = json_members(names, convert)

    def change(value: bytes, home: Home) -> bytes:
        return members(value, home) if value[:1] == b"{" else convert(value, home)

    return change


def tagged_lists(convert: Convert) -> Convert:
    """WebDAV's `<URL> (conditions)`; state tokens in the conditions are nobody's address."""

    def change(value: bytes, home: Home) -> bytes:
        def tag(match: re.Match[bytes]) -> bytes:
            return match[0] if match[1] is None else b"<%b>" % convert(match[1], home)

        return _TAGGED.sub(tag, value)

    return change


def challenges(convert: Convert) -> Convert:
    """Those parameters of WWW-Authenticate that clients ask for (RFC 9110 11.6.1).

    A realm is one for Bearer only, as container registries use it; of Digest it is part of what
    the password is hashed with.
    """

    def change(value: bytes, home: Home) -> bytes:
        scheme = b""

        def part(match: re.Match[bytes]) -> bytes:
            nonlocal scheme
            if match["scheme"] is not None:
                scheme = match["scheme"].lower()
                return match[0]
            name = match["name"].lower()
            if name not in _CHALLENGE_URLS and (scheme, name) != (b"bearer", b"realm"):
                return match[0]
            group = "quoted" if match["quoted"] is not None else "bare"
            local = b" ".join(convert(url, home) for url in match[group].split(b" "))
            begin, end = match.span(group)
            return match[0][: begin - match.start()] + local + match[0][end - match.start() :]

        return _CHALLENGE.sub(part, value)

    return change
