"""Plan of what an engine is to do, as values: listeners, names, services, and the fields that it
copies and takes away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authproxy.bounds import TimeoutSettings
from authproxy.export.coverage import EngineName
from authproxy.policy.messages.headers import HOP_BY_HOP, service_rules
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import Listen, Network, Origin

SYSTEM_TRUST = Path("/etc/ssl/certs/ca-certificates.crt")
FOR_US_TO_SAY = ("X-Authproxy-Error", "X-Authproxy-Hint", "X-Authproxy-Answer", "Alt-Svc")
"""Fields of a service's answer that no client gets."""
QUESTION_S = 5.0
"""How much longer than a token may take the engine waits for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """Addresses of clients that may use something."""

    allow: tuple[Network, ...] | None
    """None: any, as far as the engine knows; a file has them, or nobody has said."""
    deny: tuple[Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """Way to one service."""

    name: str
    url: Origin
    hosts: tuple[str, ...]
    """Names that lead here, whatever the path."""
    path: str | None
    """What paths begin with that lead here at the names that are shared; `/` is all the rest."""
    strips: bool
    lists: Lists
    token_fields: tuple[str, ...]
    """Fields in which the authorizer gives the token, each to be put on or taken away."""
    put_on: tuple[str, ...]
    """Further fields that the authorizer's answer has."""
    taken_away: tuple[str, ...]
    """Fields of the client's that do not pass, in lower case."""
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None
    tls_min_version: str
    timeouts: TimeoutSettings

    @property
    def trusted_file(self) -> Path:
        """What the service's certificate is checked against, for an engine that must be told."""
        return self.ca_file or SYSTEM_TRUST


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """Whole of what an engine is to do."""

    listens: tuple[Listen, ...]
    """Each with its port."""
    cert_file: Path | None
    key_file: Path | None
    shared_hosts: tuple[str, ...]
    """Names at which the path decides, besides localhost, those below it and loopback addresses."""
    trusted: tuple[Network, ...]
    lists: Lists
    services: tuple[ServicePlan, ...]
    authorizer: Listen
    timeouts: TimeoutSettings
    body_bytes: int
    connections_per_service: int | None
    """None: nobody has said."""

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """Where the engine listens, by addresses and ports."""
        return [(host, each.port or 0) for each in self.listens for host in each.hosts]

    @property
    def question_s(self) -> float:
        """How long the engine waits for the authorizer."""
        return self.timeouts.token + QUESTION_S

    @property
    def prefixes(self) -> Mapping[str, str]:
        """By the beginning of a path, the longest first, the service at the names that are shared;
        `/` is the last one, if there is any for all the rest."""
        found = {each.path: each.name for each in self.services if each.path is not None}
        if not found and len(self.services) == 1:
            found = {"/": self.services[0].name}
        return dict(sorted(found.items(), key=lambda item: (-len(item[0]), item[0])))

    @property
    def scheme(self) -> str:
        """By which clients ask."""
        return "http" if self.cert_file is None else "https"


def make_plan(settings: Settings, engine: EngineName) -> ExportPlan:
    """What `engine` is to do by settings that `checks` has found nothing to say of."""
    asked = settings.authorizer.grpc if engine == "envoy" else settings.authorizer.listen
    assert asked is not None  # noqa: S101 -- for the type checker: it was checked
    given = settings.limits.model_fields_set
    limits = settings.limits
    has_file = settings.allow_file is not None
    return ExportPlan(
        listens=settings.listen,
        cert_file=settings.tls_cert_file,
        key_file=settings.tls_key_file or settings.tls_cert_file,
        shared_hosts=settings.hosts,
        trusted=settings.trusted_proxies,
        lists=Lists(allow=None if has_file else settings.allow, deny=settings.deny),
        services=tuple(_service(settings, name) for name in settings.services),
        authorizer=asked,
        timeouts=settings.timeouts,
        body_bytes=limits.body_bytes,
        connections_per_service=(
            limits.connections_per_service if "connections_per_service" in given else None
        ),
    )


def _service(settings: Settings, name: str) -> ServicePlan:
    service = settings.services[name]
    tokens = token_fields(service)
    put_on = names_put_on(service)[len(tokens) :]
    rules = service_rules(
        authority=service.url.authority,
        token_header=service.header_for_token,
        key_header=settings.key_header if settings.keys else None,
        add=[(each, "") for each in put_on],
        remove=service.remove_headers,
    )
    unseen = {b"x-forwarded-method", b"x-forwarded-uri"}  # the question has the engine's own
    kept = {each.lower().encode() for each in (*tokens, *put_on)} | _FOR_THE_ENGINE
    taken_away = sorted(each.decode("latin-1") for each in (rules.drop | unseen) - kept)
    has_file = service.allow_file is not None or not service.allow
    return ServicePlan(
        name=name,
        url=service.url,
        hosts=(f"{name}.localhost", *service.hosts, *_own_host(settings, service)),
        path=service.path,
        strips=service.strip_path,
        lists=Lists(allow=None if has_file else service.allow, deny=service.deny),
        token_fields=tokens,
        put_on=put_on,
        taken_away=tuple(taken_away),
        ca_file=service.ca_file,
        cert_file=service.client_cert_file,
        key_file=service.client_key_file or service.client_cert_file,
        tls_min_version=service.tls_min_version,
        timeouts=settings.timeouts_of(service),
    )


_FOR_THE_ENGINE = HOP_BY_HOP - {
    *(b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"keep-alive"),
}
"""Fields of a connection that the engine needs, and ends or writes itself. Engines differ in what
becomes of the rest: a client's password for a proxy must reach no service."""


def token_fields(service: ServiceSettings) -> tuple[str, ...]:
    """Those in which its token can stand, and the client's own Authorization beside it."""
    named = service.header_for_token
    usual = ("Authorization", "X-Serverless-Authorization")
    own = named != "auto" and named.lower() not in {each.lower() for each in usual}
    return (*usual, named) if own else usual


def names_put_on(service: ServiceSettings) -> tuple[str, ...]:
    """All fields that the authorizer's answer has for the service, each once."""
    names = [*token_fields(service), *_FORWARDED, *(name for name, _ in service.secrets)]
    names += [name for name, _ in service.add_headers]
    return tuple({name.lower(): name for name in reversed(names)}[key] for key in _order(names))


_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix")


def _order(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.lower() for name in names))


def _own_host(settings: Settings, service: ServiceSettings) -> Sequence[str]:
    """The host of its own address, where no other service has it and nothing stands below it."""
    host = service.url.host
    others = [each.url.host for each in settings.services.values() if each is not service]
    taken = {*settings.hosts, *(one for each in settings.services.values() for one in each.hosts)}
    is_free = not service.url.path and host not in others and host not in taken
    return () if service.url.is_loopback or not is_free else (host,)
