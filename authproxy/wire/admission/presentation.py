"""Addresses under which a service and its client appear to each other."""

from functools import partial

from authproxy.policy.access.networks import Address
from authproxy.policy.messages.headers import forwarded_lines
from authproxy.policy.messages.origin_mapping import Home, place_of
from authproxy.policy.routes import Route
from authproxy.wire.admission.admission import NOWHERE
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.admission.sender import Sender
from authproxy.wire.upstream.upstream import Upstream


class Presentation:
    """Addresses for one connection and the service that was asked for last."""

    __slots__ = ("_home_of", "_rules", "_sender", "forwarded", "home")

    def __init__(self, rules: ListenerRules, sender: Sender) -> None:
        self._rules = rules
        self._sender = sender
        self.home = NOWHERE
        """The mapping of addresses for this client; the same object while nothing of it changes."""
        self.forwarded = b""
        """What the service hears of the client: finished lines."""
        self._home_of: tuple[object, object, bytes | None, bytes] | None = None
        """What `home` was made of."""

    def find(self, route: Route[Upstream], host: bytes | None) -> None:
        """The client has asked `host` for what `route` leads to."""
        sender, origin, known = self._sender, route.service.origin, self._home_of
        proto = sender.proto
        self.forwarded = forwarded_of(route, sender.address_text, proto, host)
        # The origin is another object once the address was looked up.
        if (
            known is None
            or known[0] is not route
            or known[1] is not origin
            or known[2:] != (host, proto)
        ):
            self._home_of = route, origin, host, proto
            client = b"%b://%b" % (proto, host or b"localhost")
            self.home = home_of(route, client, self._rules, sender.local)

    def __repr__(self) -> str:
        return f"<Presentation [{self.home.client.decode('latin-1') or 'of nothing'}]>"


def home_of(
    route: Route[Upstream], client: bytes, rules: ListenerRules, local: Address | None
) -> Home:
    """What the service is to a client who asked the origin `client`.

    `local`: the listener's address that the client reached.
    """
    upstream = route.service
    addresses = (upstream.origin, *upstream.other_urls)
    return Home(
        services=tuple(str(address).encode() for address in addresses),
        client=client,
        prefix=route.prefix if route.strips else b"",
        mark=upstream.name.encode() if route.shares_host else b"",
        find_address=partial(rules.find_address, local, place_of(client).port),
    )


def forwarded_of(route: Route[Upstream], address: bytes, proto: bytes, host: bytes | None) -> bytes:
    """The X-Forwarded-* lines for the client at `address`, who asked for `host` by `proto`.

    By default the service hears of its own address: the one that Origin becomes.
    """
    upstream = route.service
    if upstream.forwarded_host == "service":
        proto, host = upstream.origin.scheme.encode(), upstream.origin.authority.encode()
    return forwarded_lines(client=address, proto=proto, host=host, prefix=route.told_prefix)
