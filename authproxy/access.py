"""Who may pass where, built from Settings: each listener's rules and each service's."""

from collections.abc import Iterable, Iterator, Mapping
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
        peer_uids=frozenset(listener.peer_uids) if _asks_for_user(listener) else None,
    )


def _asks_for_user(listener: ListenerSettings) -> bool:
    """No file guards an abstract name."""
    return bool(listener.peer_uids) or listener.listen.is_abstract


def addresses(
    url: str, listener: ListenerSettings, settings: Settings
) -> Iterator[tuple[str, str]]:
    """Each service that is reached by the listener at `url`, and the address to ask for."""
    if listener.service is not None:
        yield listener.service, url
        return
    for name, service in settings.services.items():
        if "://" not in url:
            yield name, url
        elif service.path not in (None, "/"):
            yield name, f"{url}{service.path}"
        elif service.path == "/" or len(settings.services) == 1:
            yield name, url
        else:
            scheme, port = url.split("://")[0], url.rpartition(":")[2]
            yield name, f"{scheme}://{name}.localhost:{port}"


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
