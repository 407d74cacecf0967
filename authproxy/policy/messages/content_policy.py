"""Policies that list origins: what a page may load, frame and use (CSP3, Permissions Policy).

Where a source is the service's own address, it becomes the client's; where it includes that among
others (`https:`, `https://*.run.app`), the client's is put beside it.
"""

import re
from collections.abc import Callable

from authproxy.policy.messages.origin_mapping import (
    PORTS,
    Home,
    Url,
    local_path,
    local_scheme,
    local_url,
    place_of,
)

# CSP3 2.3.1 scheme-source and host-source.
_SCHEME = re.compile(rb"([a-z][a-z0-9+.-]*):", re.I)
_HOST = re.compile(
    rb"(?:([a-z][a-z0-9+.-]*)://)?(\*(?:\.[a-z0-9.-]+)?|[a-z0-9_.-]+|\[[0-9a-f:.]+\])"
    rb"(?::([0-9]+|\*))?(/[^?#]*)?",
    re.I,
)
_WORD = re.compile(rb"\S+")
_INNER_LIST = re.compile(rb"\(([^()]*)\)")
_QUOTED = re.compile(rb'"([^"\\]*)"')
_TURN_TO_TLS = (b"upgrade-insecure-requests", b"block-all-mixed-content")
# What stands in these is no source.
_NO_SOURCES = frozenset(
    [
        b"plugin-types",
        b"referrer",
        b"report-to",
        b"require-sri-for",
        b"require-trusted-types-for",
        b"sandbox",
        b"trusted-types",
    ]
)


def local_policy(value: bytes, home: Home) -> bytes | None:
    """A Content-Security-Policy, or several with commas between them; also a Feature-Policy.

    None when nothing is left: on plain http nothing may turn http to https.
    """
    policies = [_local_directives(policy, home) for policy in value.split(b",")]
    return b",".join(policy for policy in policies if policy.strip()) or None


def _local_directives(policy: bytes, home: Home) -> bytes:
    directives = (_local_directive(directive, home) for directive in policy.split(b";"))
    return b";".join(directive for directive in directives if directive is not None)


def _local_directive(directive: bytes, home: Home) -> bytes | None:
    found = _WORD.search(directive)
    end = found.end() if found is not None else 0
    before, sources = directive[:end], directive[end:]
    name = before.strip().lower()
    if home.is_plain and name in _TURN_TO_TLS:
        return None
    if name in _NO_SOURCES:
        return directive
    if name == b"report-uri":
        return before + _each_word(sources, lambda word: local_url(word, home))
    return before + _each_word(sources, lambda word: b" ".join(_local_source(word, home)))


def local_permissions(value: bytes, home: Home) -> bytes:
    """A Permissions-Policy: a dictionary (RFC 8941) of lists of origins in quotation marks."""

    def in_list(match: re.Match[bytes]) -> bytes:
        return b"(%b)" % _QUOTED.sub(in_quotes, match[1])

    def in_quotes(match: re.Match[bytes]) -> bytes:
        return b" ".join(b'"%b"' % source for source in _local_source(match[1], home))

    def alone(match: re.Match[bytes]) -> bytes:
        first, *more = _local_source(match[1], home)
        return match[0] if more else b'"%b"' % first

    return _QUOTED.sub(alone, _INNER_LIST.sub(in_list, value))


def _each_word(text: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return _WORD.sub(lambda match: change(match[0]), text)


def _local_source(source: bytes, home: Home) -> list[bytes]:
    """What stands for `source`: itself, the client's address, or both."""
    if match := _SCHEME.fullmatch(source):
        return _with_scheme(source, match[1].lower(), home)
    match = _HOST.fullmatch(source)
    if match is None or match[2] == source == b"*":
        return [source]
    scheme, host, port, path = (part or b"" for part in match.groups())
    for service in map(place_of, home.services):
        if _includes(scheme.lower(), host.lower(), port, service):
            return _here(source, scheme.lower(), host, path, service, home)
    return [source]


def _with_scheme(source: bytes, scheme: bytes, home: Home) -> list[bytes]:
    """All of the web by TLS: the service among it, but not us on plain http."""
    is_past_us = home.is_plain and home.service.scheme == b"https"
    if not is_past_us or scheme not in (b"https", b"wss"):
        return [source]
    return [source, local_scheme(scheme, home)]


def _includes(scheme: bytes, host: bytes, port: bytes, service: Url) -> bool:
    if scheme and scheme not in PORTS:
        return False
    if port == PORTS[scheme or service.scheme]:
        port = b""
    if port not in (b"*", service.port):
        return False
    if host[:1] == b"*":
        return service.host.endswith(host[1:])
    return host == service.host


def _here(
    source: bytes, scheme: bytes, host: bytes, path: bytes, service: Url, home: Home
) -> list[bytes]:
    """The client's address in place of the service's, or beside others."""
    ours = local_scheme(scheme, home)
    if not scheme:
        ours = ours.partition(b"://")[2]
    if not (service.rest + b"/").startswith(path):
        below = local_path(path, service, home)
        if below is None:  # not of what can be reached here
            return [source]
        ours += below
    return [source, ours] if host[:1] == b"*" else [ours]
