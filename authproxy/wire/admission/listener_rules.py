"""Rules for all clients of one listener."""

from dataclasses import dataclass, field, fields

from authproxy.errors import Refused
from authproxy.policy.access.client_address import find_client
from authproxy.policy.access.client_limits import RateLimit, WrongKeyCounts
from authproxy.policy.access.health import HealthProbe
from authproxy.policy.access.inbound_keys import KeyRing
from authproxy.policy.access.networks import AccessList, Address, AddressSet
from authproxy.policy.messages.origin_mapping import PORTS, Url
from authproxy.policy.routes import Routes, parse_host
from authproxy.policy.start_page import start_page
from authproxy.wire import refusals
from authproxy.wire.upstream.upstream import Upstream

MAX_PASSING = 4096
MAX_KEPT = 256
"""Clients that are remembered as let in, and bytes of what their proxies said of each."""
NOBODY = AddressSet(())
HEALTH_PATHS = frozenset([b"/", b"/healthz"])
"""What load balancers ask for where nothing else is said."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class ListenerRules:
    """Rules of one listener. Its parts are replaced, never changed; `version` then tells
    connections to decide anew."""

    routes: Routes[Upstream]
    access: AccessList
    wrong_keys: WrongKeyCounts
    trusted: AddressSet = NOBODY
    """The proxies whose word about their clients counts."""
    allow_origins: frozenset[bytes] = frozenset()
    """Origins whose pages may use all services, as `normal_origin` gives them."""
    peer_uids: frozenset[int] | None = None
    """Users who may connect to a Unix socket; None: all whom the file's mode lets in."""
    keys: KeyRing | None = None
    """Keys of which clients must show one; None: nobody needs one."""
    key_header: bytes = b"x-api-key"
    """In lower case."""
    limiter: RateLimit | None = None
    """None: they may ask as often as they like."""
    health_paths: frozenset[bytes] | None = HEALTH_PATHS
    """What a proxy that asks for itself is answered about; None: it is a client like any other."""
    probe: HealthProbe | None = None
    """Where everybody may ask whether we are ready; None: nowhere."""
    mcp: bool = True
    """MCP clients are told of refusals in their own words, before it is known which service they
    want."""
    is_closed: bool = False
    """Nobody comes in here any more; who has, may end what is under way."""
    version: int = 0
    by_port: dict[bytes, "ListenerRules"] = field(default_factory=dict)
    """All listeners, which share this, by the port that each is at."""

    _passing: dict[object, tuple[Address | None, bytes]] = field(default_factory=dict)

    def find_passing(
        self, peer: Address | None, forwarded_for: tuple[bytes, ...], forwarded: tuple[bytes, ...]
    ) -> tuple[Address | None, bytes]:
        """The client's address, also as text, when it may pass. Raises Refused.

        The two are what the fields of these names say, and empty unless `peer` is trusted.
        """
        key = (self.version, peer, forwarded_for, forwarded)
        known = self._passing.get(key)
        if known is not None:
            return known
        address = find_client(
            peer, forwarded_for=forwarded_for, forwarded=forwarded, trusted=self.trusted
        )
        refusal = self.access.find_refusal(address)
        if refusal is not None:
            raise refusals.address(refusal)
        found = address, b"" if address is None else str(address).encode()
        if sum(map(len, (*forwarded_for, *forwarded))) <= MAX_KEPT:
            if len(self._passing) >= MAX_PASSING:
                self._passing.clear()
            self._passing[key] = found
        return found

    @property
    def remembered(self) -> int:
        """Clients that need not be judged again while the rules are the same."""
        return len(self._passing)

    def find_no_route(
        self, proto: bytes, host: bytes | None, target: bytes, client: Address | None
    ) -> Refused:
        """What to say to `client` where no route leads: at `/` what there is, else why not.

        `target`: empty unless it was asked for as people do.
        """
        if target != b"/":
            return self.routes.no_route(name_of(host))
        links = self.routes.links(proto.decode(), host or b"localhost")
        gone = [] if client is None or client.is_loopback else self.routes.only_here
        return start_page([link for link in links if link[0] not in gone], gone)

    def find_address(self, local: Address | None, port: bytes, url: Url) -> bytes | None:
        """The address, at its service, of what `url` leads to here; None when it leads nowhere.

        `local`: the listener's address that the client reached; `port`: the one it asked for.
        """
        rules = (
            self if url.port == port else self.by_port.get(url.port or PORTS.get(url.scheme, b""))
        )
        if rules is None:
            return None
        target = url.rest if url.rest[:1] == b"/" else b"/" + url.rest
        try:
            route = rules.routes.get(parse_host(url.host), local).find(target)
        except Refused:
            return None
        if route is None or route.service.found is not None:
            return None
        return route.service.origin.root.encode() + route.sent(target)

    def become(self, other: "ListenerRules") -> None:
        """Those of another configuration, for the connections that are there too."""
        for each in fields(self):
            if each.name not in ("version", "_passing"):
                setattr(self, each.name, getattr(other, each.name))
        self.version += 1
        self._passing.clear()

    def __repr__(self) -> str:
        return f"<ListenerRules [{self.routes}, version {self.version}]>"


def name_of(host: bytes | None) -> str:
    """The name that was asked for. Raises Refused."""
    return "localhost" if host is None else parse_host(host)
