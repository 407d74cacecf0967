"""Who may pass where, built from Settings: each listener's rules and each service's."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network

from authproxy.policy.access import AccessList, AddressSet
from authproxy.policy.routes import Routes, Target
from authproxy.settings import ListenerSettings, ServiceSettings, Settings
from authproxy.values import Origin
from authproxy.wire.rules import ListenerRules
from authproxy.wire.upstream import Upstream

EVERYBODY = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


def listener_rules(
    listener: ListenerSettings, settings: Settings, upstreams: Mapping[str, Upstream]
) -> ListenerRules:
    """What holds for all who come in by `listener`."""
    return ListenerRules(
        routes=_routes(listener, settings, upstreams),
        access=AccessList(
            allow=listener.allow or settings.allow, deny=(*settings.deny, *listener.deny)
        ),
        trusted=AddressSet(settings.trusted_proxies),
        allow_origins=web_origins(settings.allow_origins),
    )


def web_origins(origins: Iterable[Origin]) -> frozenset[bytes]:
    """As the data path compares them."""
    return frozenset(str(origin).encode() for origin in origins)


def service_access(service: ServiceSettings) -> AccessList | None:
    """None when the service adds nothing to what the listener demands."""
    if not service.allow and not service.deny:
        return None
    return AccessList(allow=service.allow or EVERYBODY, deny=service.deny)


def _routes(
    listener: ListenerSettings, settings: Settings, upstreams: Mapping[str, Upstream]
) -> Routes[Upstream]:
    targets = {
        name: Target(
            service=upstreams[name],
            hosts=service.hosts,
            own_host=service.url.host,
            path=service.path,
            strips=service.strip_path,
        )
        for name, service in settings.services.items()
    }
    return Routes(targets, hosts=settings.hosts, only=listener.service)
