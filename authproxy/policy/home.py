"""What a service is to the client that reaches it through here: another origin, another path.

A browser must not leave authproxy by a redirect, cookies must come back, and checks of where a
request comes from (Django's and others' against CSRF) must find the service's own origin. Other
origins pass byte for byte.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from authproxy.exchange import Field, make_field
from authproxy.policy.cookies import local_cookie, service_cookies

_REFRESH = re.compile(rb"""([0-9.]+\s*[;,]\s*(?:url\s*=\s*)?)(["']?)(.*?)(["']?)""", re.I | re.S)
_LINK = re.compile(rb"<([^>]*)>")
_ENDS_ORIGIN = (b"", b"/", b"?", b"#")
_PORTS = {b"https": b":443", b"http": b":80"}

FORGOTTEN = frozenset(
    [
        # RFC 6797: would make every port of localhost, or whatever name is used, https for good.
        b"strict-transport-security",
        # Of the same kind, and no longer heeded by most.
        b"public-key-pins",
        b"expect-ct",
    ]
)
"""Fields of answers that would outlast the visit, and count for others on the same host."""


@dataclass(frozen=True, slots=True)
class Home:
    """A service's origins, and what they are to a client."""

    services: tuple[bytes, ...]
    """`scheme://host[:port]`, the one that requests go to first."""
    client: bytes
    """The origin that the client asked."""
    prefix: bytes = b""
    """Stands before the service's paths, as in `/billing`; empty when the service sees it."""
    mark: bytes = b""
    """The service's name, where its host alone does not keep its cookies apart."""

    @property
    def is_plain(self) -> bool:
        return self.client.startswith(b"http:")


def local_url(value: bytes, home: Home) -> bytes:
    """A reference in an answer, as the client must follow it."""
    if value[:1] == b"/" and value[:2] != b"//":
        return home.prefix + value
    for service in home.services:
        rest = _after_origin(value, service)
        if rest is not None:
            slash = b"/" if home.prefix and rest[:1] != b"/" and rest else b""
            return home.client + home.prefix + slash + rest
    return value


def _after_origin(value: bytes, service: bytes) -> bytes | None:
    """What follows `service` in `value`, which may spell it otherwise; None for another origin.

    Behind Google's front end many frameworks take themselves to be on plain http.
    """
    authority = service.partition(b"://")[2]
    scheme, separator, rest = value.partition(b"//")
    if not separator or scheme.lower() not in (b"", b"http:", b"https:"):
        return None
    port = _PORTS.get(scheme.lower().rstrip(b":"), b"")
    for spelled in (authority, authority + port):
        after = rest[len(spelled) :]
        if rest[: len(spelled)].lower() == spelled and after[:1] in _ENDS_ORIGIN:
            return after
    return None


def service_url(value: bytes, home: Home) -> bytes:
    """An Origin or Referer of the client's, as the service must see it."""
    whole = home.client + home.prefix
    if value == home.client:
        return home.services[0]
    if value[: len(whole)] == whole and value[len(whole) :][:1] in _ENDS_ORIGIN:
        return home.services[0] + value[len(whole) :]
    if value[: len(home.client) + 1] == home.client + b"/":
        return home.services[0] + value[len(home.client) :]
    return value


def local_answer(headers: Sequence[Field], home: Home) -> list[Field]:
    """The fields of an answer, as they are right for the client."""
    found = []
    for field in headers:
        change = _CHANGES.get(field[0])
        if change is not None:
            changed = change(field[1], home)
            if changed is None:
                continue
            if changed != field[1]:
                field = make_field(field[2][: len(field[0])], changed)
        found.append(field)
    return found


def local_value(name: bytes, value: bytes, home: Home) -> bytes | None:
    """The value of one field of an answer, as it is right for the client; None: it must not pass.

    `name` is in lower case.
    """
    change = _CHANGES.get(name)
    return value if change is None else change(value, home)


def service_request(headers: Sequence[Field], home: Home) -> list[Field]:
    """The fields of a request, as they are right for the service."""
    found = []
    for lower, value, line in headers:
        changed: bytes | None = value
        if lower in (b"origin", b"referer"):
            changed = service_url(value, home)
        elif lower == b"cookie":
            changed = service_cookies(value, home.mark)
        if changed == value:
            found.append((lower, value, line))
        elif changed is not None:
            found.append(make_field(line[: len(lower)], changed))
    return found


def _local_refresh(value: bytes, home: Home) -> bytes:
    match = _REFRESH.fullmatch(value)
    if match is None:
        return value
    wait, before, url, after = match.groups()
    return b"%b%b%b%b" % (wait, before, local_url(url, home), after)


def _local_links(value: bytes, home: Home) -> bytes:
    return _LINK.sub(lambda match: b"<%b>" % local_url(match[1], home), value)


def _local_origin(value: bytes, home: Home) -> bytes:
    """Access-Control-Allow-Origin: the service's own is the page's own."""
    return home.client if value in home.services else value


def _local_policy(value: bytes, home: Home) -> bytes | None:
    """A Content-Security-Policy: own sources are the client's, and nothing turns http to https."""
    kept = []
    for directive in value.split(b";"):
        name = directive.strip().partition(b" ")[0].lower()
        if home.is_plain and name in (b"upgrade-insecure-requests", b"block-all-mixed-content"):
            continue
        kept.append(b" ".join(_local_source(part, home) for part in directive.split(b" ")))
    return b";".join(kept) or None


def _local_source(source: bytes, home: Home) -> bytes:
    for service in home.services:
        rest = _after_origin(source, service)
        if rest is not None and b"//" in source:
            return home.client + rest
    return source


def _local_cookie(value: bytes, home: Home) -> bytes | None:
    return local_cookie(value, is_plain=home.is_plain, prefix=home.prefix, mark=home.mark)


def _forget(_: bytes, __: Home) -> None:
    return None


_CHANGES = {
    b"location": local_url,
    b"content-location": local_url,
    b"refresh": _local_refresh,
    b"link": _local_links,
    b"set-cookie": _local_cookie,
    b"access-control-allow-origin": _local_origin,
    b"content-security-policy": _local_policy,
    b"content-security-policy-report-only": _local_policy,
    **dict.fromkeys(FORGOTTEN, _forget),
}
LOCAL_FIELDS = frozenset(_CHANGES)
"""Fields of an answer that say something about the service's origin."""
