"""Routes from the name and path that a request asks for to its service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

from authproxy.errors import Code, Refused
from authproxy.policy.access.networks import Address
from authproxy.policy.access.path_readings import leaves

Service = TypeVar("Service")

_DOT, _PERCENT = b".%"  # as numbers: `in` is many times slower when asked for bytes
MAX_NAME = 253  # RFC 1035 2.3.4
NAMES_TOLD = 20


def parse_host(authority: bytes) -> str:
    """The host of a `Host` field or an absolute target, in lower case, without port and brackets.

    Raises Refused for what is no `host[:port]` (RFC 9110 4.2.1, RFC 3986 3.2.2).
    """
    try:
        text = authority.decode("ascii").strip().lower()
    except UnicodeDecodeError:
        raise _bad_host() from None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        host = _spell_ipv6(host) if bracket else ""
    else:
        host, colon, rest = text.partition(":")
        host, rest = host.removesuffix("."), colon + rest
    if rest and not (rest[0] == ":" and (rest == ":" or rest[1:].isdecimal())):
        raise _bad_host()
    if not host or len(host) > MAX_NAME or not set(host) <= _HOST_CHARS:
        raise _bad_host()
    return host


def _spell_ipv6(text: str) -> str:
    """The one spelling of an IPv6 address, of a mapped one the IPv4 one's; empty for none."""
    address = _as_address(text)
    return str(address.ipv4_mapped or address) if isinstance(address, IPv6Address) else ""


@dataclass(frozen=True, slots=True)
class Route(Generic[Service]):
    """Target of a request: its service and the path there."""

    service: Service
    prefix: bytes = b""
    """What the path begins with that led here; empty when it was the host."""
    strips: bool = False
    """The service does not see `prefix`."""
    shares_host: bool = False
    """Other services may be reached by the same host name, so that cookies would mix."""
    base: bytes = b""
    """What all paths begin with at the service, before what the client asks for."""
    moves: bool = field(init=False)
    """The service gets another path than the client asks for."""
    is_bounded: bool = field(init=False)
    """Paths must not lead out of `prefix` or `base`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "moves", self.strips or bool(self.base))
        object.__setattr__(self, "is_bounded", bool(self.prefix or self.base))

    @property
    def told_prefix(self) -> bytes:
        """What the service hears was taken off."""
        return self.prefix if self.strips and self.prefix != self.base else b""

    def check(self, target: bytes) -> None:
        """Whoever is led here by a prefix, or below a path, stays there. Raises Refused.

        What leads out of it by dots is for one server a path of this service and for the next one
        that of another.
        """
        if _DOT in target or _PERCENT in target or not target.isascii():
            self.check_below(target[len(self.prefix) :])

    def check_below(self, target: bytes) -> None:
        """The same for what comes below. Raises Refused."""
        if leaves(target.partition(b"?")[0]):
            raise Refused(
                "The path of the request leaves the service that it begins with, by its dots.",
                code=Code.BAD_REQUEST,
                hint="Ask for the path without dots, as in /a in place of /b/../a.",
                detail=f"out of {(self.prefix or self.base).decode()}",
            )

    def target(self, target: bytes) -> bytes:
        """`target` below the service's address, as rules for its paths mean it."""
        if not self.strips:
            return target
        rest = target[len(self.prefix) :]
        return rest if rest[:1] == b"/" else b"/" + rest

    def sent(self, target: bytes) -> bytes:
        """`target` as it is sent to the service."""
        return target if target == b"*" else self.base + self.target(target)


class Site(Generic[Service]):
    """Routes of one host name: by the beginning of the path, else to the default."""

    __slots__ = ("_by_prefix", "_default", "_depth")

    def __init__(
        self, default: Route[Service] | None, by_prefix: Mapping[bytes, Route[Service]] = {}
    ) -> None:
        self._default = default
        self._by_prefix = by_prefix
        self._depth = max((prefix.count(b"/") for prefix in by_prefix), default=0)

    def find(self, target: bytes) -> Route[Service] | None:
        """The route of the longest prefix that `target` begins with, in whole segments."""
        if not self._by_prefix:
            return self._default
        # A client can send any number of segments; more than the deepest prefix has do not matter.
        segments = target.partition(b"?")[0].split(b"/", self._depth + 1)[: self._depth + 1]
        while len(segments) > 1:
            route = self._by_prefix.get(b"/".join(segments))
            if route is not None:
                return route
            segments.pop()
        return self._default

    def __repr__(self) -> str:
        return f"<Site [{len(self._by_prefix)} paths]>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Generic[Service]):
    """A service with all that leads to it."""

    service: Service
    hosts: Sequence[str] = ()
    own_host: str = ""
    """Its own address' host, by which clients ask that take us for a forward proxy."""
    path: str | None = None
    strips: bool = False
    base: str = ""
    """The path of its own address."""

    def route(
        self, prefix: str = "", *, strips: bool = False, shares: bool = False
    ) -> Route[Service]:
        """How requests whose path begins with `prefix` get there."""
        return Route(self.service, prefix.encode(), strips, shares, self.base.encode())


class Routes(Generic[Service]):
    """Routes of all host names.

    A page that the user happens to visit can point a name of its own at 127.0.0.1 (DNS rebinding);
    its requests then carry that name. So only names known beforehand are answered for: localhost,
    loopback addresses, the address that the client reached, `NAME.localhost`, configured names, and
    the services' own.
    """

    def __init__(
        self,
        services: Mapping[str, Target[Service]],
        *,
        hosts: Sequence[str] = (),
        only: str | None = None,
    ) -> None:
        """`services`: by name; `hosts`: further names that are no service's own.

        `only`: the name of the service to which everything goes, whatever name of ours it asks for.
        """
        self._shared = frozenset(("localhost", *hosts))
        self._by_host: dict[str, Site[Service]] = {}
        own_sites = _own_sites(services.values())
        for name, target in services.items():
            own = target.own_host
            if own in own_sites and not self._is_shared(own, None):
                self._by_host.setdefault(own, own_sites[own])
            site = Site(target.route())
            self._by_host |= dict.fromkeys((f"{name}.localhost", *target.hosts), site)
        self._services = services
        self.names = tuple(services)
        self._shared_site = _shared_site(services)
        if only is not None:
            shares = len(services) > 1
            self._shared_site = Site(services[only].route(shares=shares))
            self._by_host = dict.fromkeys(self._by_host, self._shared_site)

    def get(self, host: str, local: Address | None) -> Site[Service]:
        """What `host` leads to; `local` is the listener's address that the client reached.

        Raises Refused for a name that is not ours.
        """
        site = self._by_host.get(host)
        if site is not None:
            return site
        if not self._is_shared(host, local):
            raise Refused(
                "This proxy does not answer for the host name of this request.",
                code=Code.HOST_NOT_ALLOWED,
                hint="Use localhost, or add the name to `hosts` in the configuration.",
                detail=f"Host: {host}",
            )
        return self._shared_site

    def find_service(self, name: str) -> Service | None:
        """The service of that name, if there is one."""
        target = self._services.get(name)
        return None if target is None else target.service

    @property
    def only_here(self) -> list[str]:
        """Services that other machines have no address for: `NAME.localhost` is each one's own."""
        own = self._services.items()
        return [name for name, target in own if target.path is None and not target.hosts]

    def links(self, proto: str, authority: bytes) -> list[tuple[str, str]]:
        """All services with the address under which the client reaches each: a path, or a name."""
        host, colon, port = authority.decode("latin-1").rpartition(":")
        port = colon + port if host and port.isdecimal() else ""
        return [
            (name, f"{target.path}/")
            if target.path is not None
            else (name, f"{proto}://{(*target.hosts, f'{name}.localhost')[0]}{port}/")
            for name, target in self._services.items()
        ]

    def no_route(self, host: str) -> Refused:
        """For a name that is ours when the path leads nowhere."""
        known = ", ".join(f"{name}.localhost" for name in self.names[:NAMES_TOLD])
        more = " …" if len(self.names) > NAMES_TOLD else ""
        return Refused(
            f"No service belongs to {host}.",
            code=Code.NO_ROUTE,
            hint=f"Ask for one of the services by name: {known}{more}",
            let_in=True,
        )

    def _is_shared(self, host: str, local: Address | None) -> bool:
        if host in self._shared or host.endswith(".localhost"):
            return True
        address = _as_address(host)
        return address is not None and (address.is_loopback or address == local)

    def __repr__(self) -> str:
        return f"<Routes [{', '.join(self.names)}]>"


def _shared_site(services: Mapping[str, Target[Service]]) -> Site[Service]:
    """For names that are no service's own: by path; without a path a single service gets all."""
    shares = len(services) > 1
    by_prefix = {
        target.path.encode(): target.route(target.path, strips=target.strips, shares=shares)
        for target in services.values()
        if target.path is not None and target.path != "/"
    }
    without = [target for target in services.values() if target.path is None]
    roots = [target for target in services.values() if target.path == "/"]
    default = roots or (without if len(services) == 1 else [])
    return Site(default[0].route(shares=shares) if default else None, by_prefix)


def _own_sites(targets: Iterable[Target[Service]]) -> dict[str, Site[Service]]:
    """By the host of the services' own addresses: what their paths lead to, if it is one alone."""
    by_host: dict[str, dict[str, list[Target[Service]]]] = {}
    for target in targets:
        by_host.setdefault(target.own_host, {}).setdefault(target.base, []).append(target)
    by_host.pop("", None)
    return {host: _own_site(by_base) for host, by_base in by_host.items() if _has_own(by_base)}


def _has_own(by_base: Mapping[str, list[Target[Service]]]) -> bool:
    return any(len(found) == 1 for found in by_base.values())


def _own_site(by_base: Mapping[str, list[Target[Service]]]) -> Site[Service]:
    shares = len(by_base) > 1
    alone = {base: found[0] for base, found in by_base.items() if len(found) == 1}
    whole = alone.pop("", None)
    by_prefix = {
        base.encode(): target.route(base, strips=True, shares=shares)
        for base, target in alone.items()
    }
    return Site(whole.route(shares=shares) if whole is not None else None, by_prefix)


_HOST_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_:")


def _as_address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _bad_host() -> Refused:
    return Refused(
        "The Host header is not a host name with an optional port.",
        code=Code.BAD_REQUEST,
        hint="Send one Host header, as in `Host: localhost:8080`.",
    )
