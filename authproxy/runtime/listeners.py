"""Access rules built from Settings: each listener's and each service's."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from authproxy.config.files.inbound_keys import read_keys
from authproxy.config.files.reading import lasting
from authproxy.file_watch import FileWatch
from authproxy.policy.access.client_limits import ClientLimits
from authproxy.policy.access.cross_site import normal_origin
from authproxy.policy.access.health import HealthProbe
from authproxy.policy.access.inbound_keys import InboundKey, KeyRing, digest_of
from authproxy.policy.access.networks import AccessList, AddressSet
from authproxy.policy.access.permissions import Permissions
from authproxy.policy.routes import Routes, Target
from authproxy.runtime.access_lists import ListSources
from authproxy.settings import KeySettings, ListenerSettings, ServiceSettings, Settings
from authproxy.wire.admission.listener_rules import HEALTH_PATHS, ListenerRules
from authproxy.wire.upstream.upstream import Upstream

EVERYBODY = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


class _Place:
    """A listener, and the rules of each of its sockets."""

    def __init__(
        self,
        listener: ListenerSettings,
        upstreams: Mapping[str, Upstream],
        rules: ListenerRules,
    ) -> None:
        self.listener = listener
        self.upstreams = upstreams
        self.rules = [rules]


class Gate:
    """The rules of all listeners and services, kept up to date with the files they come from."""

    def __init__(
        self,
        settings: Settings,
        files: FileWatch,
        limits: ClientLimits,
        is_ready: Callable[[], bool] = lambda: True,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`is_ready`: what is said at `health_path`; `on_change` is called when files have changed
        who may pass."""
        self._settings = settings
        self._files = files
        self._places: list[_Place] = []
        self._services = dict(settings.services)
        self._by_port: dict[bytes, ListenerRules] = {}
        self._on_change = on_change
        self._is_finding = False
        parts = [KeyPart(name, key) for name, key in settings.keys.items()]
        self._keys = files.add_each(parts, _combine_keys, self._changed_keys)
        self._limits = limits
        path = settings.health_path
        self._probe = None if path is None else HealthProbe(path.encode(), is_ready)

    def rules_for(
        self, listener: ListenerSettings, upstreams: Mapping[str, Upstream]
    ) -> ListenerRules:
        """What holds for all who come in by `listener`. Raises ConfigError."""
        settings = self._settings

        def changed(access: AccessList) -> None:
            for each in place.rules:
                each.access = access
                each.version += 1
            self._on_change()

        sources = _listener_sources(listener, settings)
        rules = ListenerRules(
            routes=self._routes(listener, upstreams),
            access=self._files.add_each(sources.parts, sources.combine, changed),
            trusted=AddressSet(settings.trusted_proxies),
            allow_origins=web_origins(settings.allow_origins),
            peer_uids=frozenset(listener.peer_uids) if _asks_for_user(listener) else None,
            keys=self._keys,
            key_header=settings.key_header.lower().encode(),
            wrong_keys=self._limits.wrong_keys,
            limiter=self._limits.rate,
            by_port=self._by_port,
            health_paths=_health_paths(listener, settings),
            probe=None if listener.proxy_protocol else self._probe,
            mcp=any(service.mcp for service in self._services.values()),
        )
        place = _Place(listener, upstreams, rules)
        self._places.append(place)
        return rules

    def put(self, rules: ListenerRules, before: ListenerRules | None) -> ListenerRules:
        """The rules for one more socket of the listener that has `rules`.

        `before`: those of the socket in a configuration before; they become these, since
        connections that came by it look into them.
        """
        if before is None:
            before = replace(rules, _passing={})
        else:
            before.become(rules)
        for place in self._places:
            if place.rules[0] is rules:
                place.rules.append(before)
        return before

    def opened(self, rules: ListenerRules, port: int) -> None:
        """A TCP listener listens at `port`: addresses with it are addresses here."""
        self._by_port.setdefault(b"%d" % port, rules)

    def found(self, name: str, service: ServiceSettings) -> None:
        """The address of the service of that name has become known."""
        self._services[name] = service
        if not self._is_finding:
            self._lead()

    @contextlib.contextmanager
    def finding(self) -> Iterator[None]:
        """Around the moment when many addresses become known at once."""
        self._is_finding, known = True, dict(self._services)
        try:
            yield
        finally:
            self._is_finding = False
        if known != self._services:
            self._lead()

    def _lead(self) -> None:
        for place in self._places:
            routes = self._routes(place.listener, place.upstreams)
            for rules in place.rules:
                rules.routes = routes
                rules.version += 1

    @property
    def _rules(self) -> Iterator[ListenerRules]:
        return (rules for place in self._places for rules in place.rules)

    def guard(self, upstream: Upstream, service: ServiceSettings) -> None:
        """Give `upstream` what narrows what the listeners let in. Raises ConfigError."""
        upstream.allow_origins = web_origins(service.allow_origins)
        upstream.permissions = _permissions(
            service.methods, service.paths, service.deny_methods, service.deny_paths
        )

        def changed(access: AccessList) -> None:
            upstream.access = access
            for rules in self._rules:
                rules.version += 1
            self._on_change()

        sources = _service_sources(service)
        if sources is not None:
            upstream.access = self._files.add_each(sources.parts, sources.combine, changed)
        else:
            upstream.access = None

    def retire(self) -> None:
        """Another configuration has taken its place, and its rules are that one's now."""
        self._places.clear()

    def _changed_keys(self, keys: KeyRing | None) -> None:
        self._keys = keys
        for rules in self._rules:
            rules.keys = keys
            rules.version += 1
        self._on_change()

    def _routes(
        self, listener: ListenerSettings, upstreams: Mapping[str, Upstream]
    ) -> Routes[Upstream]:
        targets = {
            name: Target(
                service=upstreams[name],
                hosts=service.hosts,
                own_host=service.url.host,
                path=service.path,
                strips=service.strip_path,
                base=service.url.path,
            )
            for name, service in self._services.items()
        }
        return Routes(targets, hosts=self._settings.hosts, only=listener.service)

    def __repr__(self) -> str:
        return f"<Gate [{len(self._places)} listeners]>"


class KeyPart:
    """The keys of one name, as the settings or the file in them have them."""

    what = "set of keys"

    def __init__(self, name: str, key: KeySettings) -> None:
        self._name = name
        self._key = key
        self.files = lasting(_files(key.file))

    def read(self) -> dict[bytes, InboundKey]:
        """By digest. Raises ConfigError."""
        key = self._key
        digests = [bytes.fromhex(text) for text in key.sha256]
        if key.file is not None:
            digests += map(digest_of, read_keys(key.file, self._name))
        permissions = _permissions(key.methods, key.paths, key=self._name)
        return {
            digest: InboundKey(
                name=self._name,
                services=frozenset(key.services),
                account=key.impersonate or "",
                permissions=permissions,
                digest=digest,
            )
            for digest in digests
        }


def _combine_keys(parts: Sequence[Mapping[bytes, InboundKey]]) -> KeyRing | None:
    """None when clients need no key."""
    digests = {digest: key for part in parts for digest, key in part.items()}
    return KeyRing(digests) if parts else None


def _listener_sources(listener: ListenerSettings, settings: Settings) -> ListSources:
    """A listener's own `allow` stands in place of that for all; what is denied adds up."""
    own = listener if listener.allow or listener.allow_file else settings
    return ListSources(
        allow=() if _is_file_alone(own) else own.allow,
        allow_files=_files(own.allow_file),
        deny=(*settings.deny, *listener.deny),
        deny_files=_files(settings.deny_file, listener.deny_file),
    )


def _service_sources(service: ServiceSettings) -> ListSources | None:
    """None when the service adds nothing to what the listener demands."""
    if not (service.allow or service.allow_file or service.deny or service.deny_file):
        return None
    names_some = service.allow or service.allow_file
    return ListSources(
        allow=service.allow if names_some else EVERYBODY,
        allow_files=_files(service.allow_file),
        deny=service.deny,
        deny_files=_files(service.deny_file),
    )


def _is_file_alone(own: ListenerSettings | Settings) -> bool:
    """Else the default of `allow` would be added to what the file says."""
    return own.allow_file is not None and "allow" not in own.model_fields_set


def _files(*files: Path | None) -> tuple[Path, ...]:
    return tuple(file for file in files if file is not None)


def _health_paths(listener: ListenerSettings, settings: Settings) -> frozenset[bytes] | None:
    if listener.proxy_local == "forward":
        return None
    own = settings.health_path
    return HEALTH_PATHS if own is None else frozenset([own.encode()])


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


def _permissions(
    methods: Sequence[str],
    paths: Sequence[str],
    deny_methods: Sequence[str] = (),
    deny_paths: Sequence[str] = (),
    *,
    key: str = "",
) -> Permissions | None:
    """None where all is allowed; `key`: the name of the key whose rules these are."""
    if not (methods or paths or deny_methods or deny_paths):
        return None
    return Permissions(
        methods=frozenset(text.encode() for text in methods),
        deny_methods=frozenset(text.encode() for text in deny_methods),
        paths=tuple(text.encode() for text in paths),
        deny_paths=tuple(text.encode() for text in deny_paths),
        key=key,
    )


def web_origins(origins: Iterable[str]) -> frozenset[bytes]:
    """As the data path compares them."""
    return frozenset(normal_origin(origin.encode()) for origin in origins)
