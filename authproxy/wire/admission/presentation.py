"""How a service and its client are shown to each other."""

from functools import partial

from authproxy.policy.access.networks import Address
from authproxy.policy.messages.headers import forwarded_lines
from authproxy.policy.messages.origin_mapping import Home, place_of
from authproxy.policy.routes import Route
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.upstream.upstream import Upstream


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
