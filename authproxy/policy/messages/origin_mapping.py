"""Mapping between a service's addresses and those under which its client reaches it.

A browser must not leave authproxy by a redirect, and what compares addresses (checks against CSRF,
WebDAV's moves) must find the service's own. `policy.messages.address_fields` says which fields that
concerns. What is neither the service's address nor one here passes byte for byte.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from authproxy.exchange import Field

# RFC 3986 3, as far as it matters. Browsers take a backslash for a slash.
_URL = re.compile(
    rb"(?:([a-z][a-z0-9+.-]*):)?//([^/?#\\]*@)?(\[[^\]/?#\\@]*\]|[^:/?#\\@\[\]]+)"
    rb"(?::([0-9]*))?(?=[/?#\\]|\Z)",
    re.I,
)
_ENDS_SEGMENT = (b"", b"/", b"?", b"#")
PORTS = {b"https": b"443", b"http": b"80", b"wss": b"443", b"ws": b"80"}

_USUAL = {b"https": (b"443", b"80"), b"http": (b"80",), b"wss": (b"443",), b"ws": (b"80",)}
"""Ports that mean the same as none, whatever the scheme beside them says."""

FindAddress = Callable[["Url"], bytes | None]


class Url(NamedTuple):
    """A URL with a host, taken apart and without what can be left out."""

    scheme: bytes
    """In lower case; empty for `//host/path`."""
    user: bytes
    """With its `@`."""
    host: bytes
    """In lower case."""
    port: bytes
    """Empty when it is the scheme's own."""
    rest: bytes
    """Path, query and fragment."""

    @property
    def authority(self) -> bytes:
        return b"%b:%b" % (self.host, self.port) if self.port else self.host

    @property
    def origin(self) -> bytes:
        return b"%b://%b" % (self.scheme, self.authority)

    def is_at(self, place: "Url") -> bool:
        """Whether it has the host and port of `place`. The scheme does not count: behind a front
        end that ends TLS many frameworks take themselves to be on plain http, or on TLS at port 80.
        """
        if self.host != place.host:
            return False
        return self.port == place.port or (not place.port and self.port in _USUAL[place.scheme])


def _nowhere(_: Url) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True)
class Home:
    """Mapping of a service's addresses to those that one client uses, its "home" here."""

    services: tuple[bytes, ...]
    """`scheme://host[:port][/path]`, the one that requests go to first."""
    client: bytes
    """The origin that the client asked."""
    prefix: bytes = b""
    """Stands before the service's paths, as in `/billing`; empty when the service sees it."""
    mark: bytes = b""
    """The service's name, where its host alone does not keep its cookies apart."""
    find_address: FindAddress = field(default=_nowhere, compare=False, repr=False)
    """The address at its service of what an address here leads to, whichever service that is; None
    when it leads nowhere."""
    known: dict[Field, Field | None] = field(default_factory=dict, compare=False, repr=False)
    """What fields of answers became; filled by `policy.messages.address_fields`."""

    @property
    def is_plain(self) -> bool:
        return self.client.startswith(b"http:")

    @property
    def service(self) -> Url:
        """The address that requests go to."""
        return place_of(self.services[0])


def parse_url(value: bytes) -> Url | None:
    """None for a relative reference, and for what is not HTTP or WebSocket."""
    match = _URL.match(value)
    if match is None:
        return None
    scheme, user, host, port = (part or b"" for part in match.groups())
    scheme = scheme.lower()
    if scheme and scheme not in PORTS:
        return None
    own = PORTS.get(scheme, b"")
    host = host.lower().removesuffix(b".")
    if port[:1] == b"0":
        port = port.lstrip(b"0") or b"0"
    return Url(scheme, user, host, b"" if port == own else port, value[match.end() :])


def url_of(address: bytes) -> Url:
    """An address of ours or a service's, which is always a URL."""
    url = parse_url(address)
    return url if url is not None else Url(b"http", b"", b"", b"", b"")


place_of = lru_cache(maxsize=1024)(url_of)
"""For what does not change from request to request."""


# From the service to the client.


def local_url(value: bytes, home: Home) -> bytes:
    """A reference in an answer, as the client must follow it."""
    if is_path(value):
        path = local_path(value, home.service, home)
        # What is not below the service's own path can only be had there.
        return home.service.origin + value if path is None else _below(path, b"/")
    url = parse_url(value)
    if url is None:
        return value
    for service in map(place_of, home.services):
        if url.is_at(service):
            path = local_path(url.rest, service, home)
            if path is not None:
                return _at_client(url, path, home)
    if url.is_at(place_of(home.client)):
        # It has heard our address in X-Forwarded-Host, and maybe not the path.
        leads_on = home.find_address(url) is not None
        return _at_client(url, url.rest if leads_on else _prefixed(url.rest, home.prefix), home)
    return value


def local_origin(value: bytes, home: Home) -> bytes:
    """An origin in an answer: the service's own is the page's own."""
    url = parse_url(value)
    if url is None or url.rest:
        return value
    is_own = any(url.is_at(place_of(own)) for own in (*home.services, home.client))
    return local_scheme(url.scheme, home) if is_own else value


def local_scheme(scheme: bytes, home: Home) -> bytes:
    """The client's origin, spoken to by HTTP or by WebSocket, as in `scheme`."""
    is_websocket = scheme in (b"ws", b"wss")
    return home.client.replace(b"http", b"ws", 1) if is_websocket else home.client


def _at_client(url: Url, path: bytes, home: Home) -> bytes:
    origin = local_scheme(url.scheme, home)
    if url.user:
        origin = origin.replace(b"//", b"//" + url.user, 1)
    return origin + path


def local_path(path: bytes, service: Url, home: Home) -> bytes | None:
    """`path` at an address of the service's, as the client sees it; None: it cannot."""
    base = service.rest
    below = after_prefix(path, base)
    if below is None:
        heard = after_prefix(path, home.prefix) if home.prefix else None
        below = after_prefix(heard, base) if heard is not None else None
        return None if below is None else _below(below, home.prefix)
    return _below(below, home.prefix) if base else _prefixed(below, home.prefix)


def below_address(path: bytes, home: Home) -> bytes | None:
    """What a cookie's path covers below the service's address; None: nothing."""
    base = home.service.rest
    if base and (base + b"/").startswith(path.rstrip(b"/") + b"/"):
        return b"/"
    below = after_prefix(path, base)
    heard = after_prefix(path, home.prefix) if home.prefix else None
    if heard is not None and (below is None or not base):
        below = after_prefix(heard, base)
    return None if below is None else below or b"/"


def _prefixed(path: bytes, prefix: bytes) -> bytes:
    """Whoever has read X-Forwarded-Prefix has put it there already."""
    return path if after_prefix(path, prefix) is not None else _below(path, prefix)


def _below(path: bytes, prefix: bytes) -> bytes:
    """One slash between them."""
    if not prefix or path[:1] == b"/":
        return prefix.removesuffix(b"/") + path
    return prefix.removesuffix(b"/") + b"/" + path


def after_prefix(path: bytes, prefix: bytes) -> bytes | None:
    """What follows `prefix` in `path`, in whole segments; None when it begins otherwise."""
    after = path[len(prefix) :]
    begins = path[: len(prefix)] == prefix
    return after if begins and (not prefix or after[:1] in _ENDS_SEGMENT) else None


def is_path(value: bytes) -> bool:
    return value[:1] == b"/" and value[1:2] not in (b"/", b"\\")


# From the client to the service.


def service_url(value: bytes, home: Home) -> bytes:
    """A URL or path here that the client names, as the service must see it.

    What leads to another service becomes that one's address; what leads nowhere stays.
    """
    whole = value
    if is_path(value):
        whole = home.client + value
    url = parse_url(whole)
    if url is None:
        return value
    found = home.find_address(url)
    if found is None and url.is_at(place_of(home.client)):
        path = after_prefix(url.rest, home.prefix)
        found = None if path is None else home.services[0] + path
    if found is None:
        return whole  # a path alone would be one of the service's own
    there = url_of(found)
    return found if whole is value or not there.is_at(home.service) else there.rest or b"/"


def service_page(value: bytes, home: Home) -> bytes:
    """The page that the client looks at: of our origin it is the service's, wherever it leads."""
    found = service_url(value, home)
    url = parse_url(value)
    if found != value or url is None or not url.is_at(place_of(home.client)):
        return found
    return home.services[0] + url.rest


def service_origin(value: bytes, home: Home) -> bytes:
    """An origin here, as the service must see it."""
    url = parse_url(value)
    if url is None or url.rest or not url.scheme:
        return value
    if url.is_at(place_of(home.client)):
        return home.service.origin
    found = home.find_address(url)
    return value if found is None else url_of(found).origin
