"""Access rules of the admin listener: address, host, site, key. Pure decisions: no I/O, no clock.

- *Address*: the socket's peer, whatever X-Forwarded-For says: there is no proxy in front of this.
  This machine may ask for all; `admin_allow` for what is open, and for nothing else.
- *Host*: a name that somebody could point at us is refused, as on every listener. A kubelet and
  Prometheus ask by the pod's address; an address is no name, and no page of another site has one
  of ours, so whoever `admin_allow` lets in may use one.
- *Site*: what a page of another site wants is refused, of what is open too. Another port of
  localhost is another site. A cookie counts for what acts only when the browser says that our own
  page is asking; SameSite does not tell ports apart.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from authproxy.errors import Refused
from authproxy.policy.access.cross_site import PageRequest, find_cross_site, is_own, is_told_site
from authproxy.policy.access.networks import Address, AddressSet
from authproxy.policy.routes import parse_host
from authproxy.values.hosts import is_loopback

SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request's refusal, as its client is told it; `detail` is for the log alone."""

    status: int
    error: str
    message: str
    hint: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRequest:
    """The parts of a request that decide about it. Fields that it lacks are empty."""

    method: str
    peer: Address | None
    """None on a Unix socket."""
    host: str | None
    origin: str = ""
    site: str = ""
    mode: str = ""
    dest: str = ""
    referer: str = ""
    purpose: str = ""
    upgrades: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAccess:
    """The rules of one admin listener."""

    allow: AddressSet = field(default_factory=lambda: AddressSet(()))
    """`admin_allow`: who else may ask for what is open."""
    hosts: Collection[str] = ()
    """Names to answer to, besides those that always mean this machine."""

    def lets_in(self, peer: Address | None) -> bool:
        """May this address connect at all?"""
        return is_here(peer) or (peer is not None and peer in self.allow)

    def find_refusal(self, request: AdminRequest) -> Refusal | None:
        """Why the request may not even have what is open."""
        if not self.lets_in(request.peer):
            return STRANGER
        return self._find_host(request) or _find_site(request)

    def find_guard(self, request: AdminRequest) -> Refusal | None:
        """Why the request may not have more, whatever key it shows."""
        return None if is_here(request.peer) else ELSEWHERE

    def _find_host(self, request: AdminRequest) -> Refusal | None:
        if request.host is None:
            return NO_HOST
        try:
            name = parse_host(request.host.encode("latin-1", "replace"))
        except Refused as refused:
            return Refusal(status=400, error=refused.code, message=refused.message)
        if is_loopback(name) or name.endswith(".localhost") or name in self.hosts:
            return None
        if not is_here(request.peer) and _is_address(name):
            return None
        return UNKNOWN_HOST


def is_here(peer: Address | None) -> bool:
    """On this machine, by what cannot be made up."""
    return peer is None or peer.is_loopback


def acts_for_own_page(request: AdminRequest) -> bool:
    """Does the browser say that a page of ours asks? Programs have the key and no cookie."""
    if request.method in SAFE:
        return True
    if request.origin and request.origin != "null":
        return is_own(request.origin.encode("latin-1", "replace"), _host(request))
    return request.site == "same-origin"


def _find_site(request: AdminRequest) -> Refusal | None:
    host = _host(request)
    page = PageRequest(
        method=request.method.encode(),
        origin=_bytes(request.origin),
        site=_bytes(request.site),
        mode=_bytes(request.mode),
        dest=_bytes(request.dest),
        referer=_bytes(request.referer),
        purpose=_bytes(request.purpose),
        upgrades=request.upgrades,
        is_told_site=bool(request.site) or is_told_site(b"http", parse_host(host)),
    )
    found = find_cross_site(page, host, ())
    if found is None:
        return None
    return Refusal(
        status=403,
        error="cross_site",
        message="A page of another site is asking, and the admin listener does not answer those.",
        detail=found,
    )


def _host(request: AdminRequest) -> bytes:
    return (request.host or "localhost").encode("latin-1", "replace")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_address(name: str) -> bool:
    try:
        return isinstance(ip_address(name), IPv4Address | IPv6Address)
    except ValueError:
        return False


STRANGER = Refusal(
    status=403,
    error="address_not_allowed",
    message="Your address may not use this admin listener.",
    hint="If it should, add it to admin_allow. It opens probes and /metrics only.",
)
ELSEWHERE = Refusal(
    status=403,
    error="address_not_allowed",
    message="This is only for the machine that authproxy runs on.",
    hint="Ask from there: by kubectl port-forward, ssh -L or docker exec, for example.",
)
NO_HOST = Refusal(status=400, error="bad_request", message="The request has no single Host.")
UNKNOWN_HOST = Refusal(
    status=421,
    error="host_not_allowed",
    message="The admin listener does not answer to this Host name.",
    hint="Ask for localhost or by address, or add the name to hosts.",
)
KEY_REQUIRED = Refusal(
    status=401,
    error="key_required",
    message="This needs the admin key.",
    hint="Open the address that authproxy printed when it started, or send the key in"
    " Authorization: Bearer.",
)
NOT_OWN_PAGE = Refusal(
    status=403,
    error="cross_site",
    message="A cookie counts for this only when the page of this listener is asking.",
    hint="Programs send the key in Authorization: Bearer.",
)
TOO_MANY_WRONG_KEYS = Refusal(
    status=429,
    error="too_many_requests",
    message="There were too many wrong keys.",
    hint="Wait a minute.",
)
