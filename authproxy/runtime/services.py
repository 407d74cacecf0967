"""The services of a configuration as the running proxy knows them, built from Settings."""

import logging
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from authproxy.config.files.reading import lasting
from authproxy.config.files.secrets import resolve_secret
from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.errors import Code, CredentialError, StartError
from authproxy.exchange import Secret, Token
from authproxy.file_watch import FileWatch
from authproxy.identity.source import Source
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.identity.token_cache.supply import Supply, Unresolved, WithSecrets
from authproxy.policy.messages.headers import ServiceRules, service_rules
from authproxy.runtime.sources import Identity, Needs, Sources
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import CLOUD_PLATFORM, RunService, SecretRef
from authproxy.wire.upstream.connector import Connector, connector_for
from authproxy.wire.upstream.pool import Pool
from authproxy.wire.upstream.tls import ServiceTls
from authproxy.wire.upstream.upstream import Upstream

logger = logging.getLogger(__name__)

Secrets = Mapping[SecretRef, Secret]
Put = Callable[[Secrets], None]


class Builder:
    """Builds the services of one configuration.

    Those with the same identity share its source, and so its tokens, also with the services of a
    configuration before: `sources` outlives its builders.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        files: FileWatch,
        found: Callable[[str, ServiceSettings], None] = lambda _name, _service: None,
        own_names: Iterable[bytes] = (),
    ) -> None:
        """`found` hears of services whose address has become known; `own_names`: of fields that
        observers put on requests, in place of the client's.

        Raises StartError for an egress proxy that cannot be used.
        """
        self.needs = Needs()
        """What its services need of the sources."""
        self._settings = settings
        self._sources = sources
        self._files = files
        self._environ = sources.machine.environ
        self._found = found
        self._own_names = [name.decode("ascii") for name in own_names]
        self._egress = find_egress_for_tokens(settings, self._environ)

    def build_all(self) -> dict[str, Upstream]:
        """By name. Raises StartError."""
        return {name: self.build(name, each) for name, each in self._settings.services.items()}

    def build(self, name: str, service: ServiceSettings) -> Upstream:
        """One service with its rules, tokens and connections. Raises StartError."""
        secrets: dict[SecretRef, Secret] = {}

        def put(found: Secrets) -> None:
            secrets.update(found)
            made = self._rules(service, secrets)
            upstream.rules = replace(
                upstream.rules, extra=made.extra, drop=made.drop, secret_names=made.secret_names
            )

        local: Secrets = self._files.add_each(
            local_secrets(service, self._environ), combine_secrets, put
        )
        secrets.update(local)
        upstream = Upstream(
            name=name,
            origin=service.url,
            rules=self._rules(service, secrets),
            own_tokens=self._supply(service, put),
            supplies=self._supplies(name, service, put),
            pool=Pool(
                self._connector(service),
                limits=self._settings.limits,
                timeouts=self._settings.timeouts_of(service),
            ),
            access=None,
            other_urls=service.other_urls,
            forwarded_host=service.forwarded_host,
            timeouts=self._settings.timeouts_of(service),
            mcp=service.mcp,
        )
        if service.service is not None and service.is_nowhere:
            self._look_up(upstream, service, service.service, put)
        return upstream

    def _look_up(
        self, upstream: Upstream, service: ServiceSettings, name: RunService, put: Put
    ) -> None:
        """Have the service's address found when somebody wants it, and all that rests on it."""
        from authproxy.identity.apis.cloud_run import located, lookup_name, read_addresses

        api = self._sources.run_api(self._identity(service, (CLOUD_PLATFORM,)), self.needs)
        address = self._tokens_for(api, lookup_name(name, service.tag))

        def resolve(found: Token) -> None:
            """Once, whoever asks for it first."""
            if upstream.found is None:
                return
            there = located(service, read_addresses(found))
            try:
                upstream.pool.lead_to(self._connector(there))
            except StartError as error:
                raise CredentialError(
                    str(error), hint=error.hint, code=Code.SERVICE_UNRESOLVED
                ) from None
            upstream.origin, upstream.other_urls = there.url, there.other_urls
            upstream.rules = replace(upstream.rules, authority=there.url.authority.encode())
            upstream.own_tokens = self._supply(there, put)
            upstream.supplies = self._supplies(upstream.name, there, put)
            upstream.found = None
            logger.info("service %s is at %s, by %s", name, there.url, found.source)
            self._found(upstream.name, there)

        def own(found: Token) -> Supply:
            resolve(found)
            return upstream.own_tokens

        def taken_as(account: str, found: Token) -> Supply:
            resolve(found)
            return upstream.supplies[account]

        upstream.own_tokens = pending = Unresolved(address, own)
        upstream.supplies = {
            account: Unresolved(address, partial(taken_as, account))
            for account in upstream.supplies
        }
        upstream.found = pending.wait

    def _connector(self, service: ServiceSettings) -> Connector:
        return connector_for(service, self._settings, self._context, self._environ)

    def _context(self, tls: ServiceTls, alpn: str) -> ssl.SSLContext:
        """Whether its files are others than before is looked at once for each configuration."""
        if tls not in self.needs.tls:
            self._sources.contexts.look(tls)
            self.needs.tls.add(tls)
        return self._sources.contexts(tls, alpn)

    def _rules(self, service: ServiceSettings, secrets: Secrets) -> ServiceRules:
        settings = self._settings
        return service_rules(
            authority=service.url.authority,
            token_header=service.header_for_token,
            secrets=[(n, secrets[ref].reveal()) for n, ref in service.secrets if ref in secrets],
            key_header=settings.key_header if settings.keys else None,
            add=service.add_headers,
            remove=[*service.remove_headers, *self._own_names],
        )

    def _supplies(self, name: str, service: ServiceSettings, put: Put) -> dict[str, Supply]:
        """For each account that the service is asked as; empty for its own identity."""
        accounts = self._settings.accounts_at(name)
        return {account: self._supply(service, put, account) for account in accounts}

    def _supply(self, service: ServiceSettings, put: Put, account: str = "") -> Supply:
        """`account`: as whom the token is; secrets are read as the service's own identity."""
        own = self._identity(service.acting_as(account), service.token_scopes)
        tokens = self._tokens_for(self._sources.source(own, self.needs), service.token_audience)
        names = {ref.value: ref for _, ref in service.secrets if ref.kind == "secret"}
        if not names:
            return tokens
        reader = self._identity(service, (CLOUD_PLATFORM,))
        manager = self._sources.secret_manager(reader, self.needs)
        return WithSecrets(
            tokens,
            [self._tokens_for(manager, name) for name in names],
            lambda found: put({names[name]: secret for name, secret in found.items()}),
        )

    def _tokens_for(self, source: Source, audience: str) -> Tokens:
        return self._sources.tokens_for(source, audience, self.needs)

    def _identity(self, service: ServiceSettings, scopes: tuple[str, ...]) -> Identity:
        return Identity.of(service, scopes, self._egress)


class LocalSecret:
    """A secret that this machine has: in a variable, or in a file that may change."""

    what = "secret"

    def __init__(self, ref: SecretRef, environ: Mapping[str, str]) -> None:
        self._ref = ref
        self._environ = environ
        self.files = lasting([Path(ref.value)] if ref.kind == "file" else [])

    def read(self) -> "Found":
        """Raises StartError."""
        return Found({self._ref: resolve_secret(self._ref, self._environ)})


def local_secrets(service: ServiceSettings, environ: Mapping[str, str]) -> list[LocalSecret]:
    return [LocalSecret(ref, environ) for _, ref in service.secrets if ref.kind != "secret"]


def combine_secrets(parts: Sequence["Found"]) -> "Found":
    return Found(item for part in parts for item in part.items())


class Found(dict[SecretRef, Secret]):
    def __repr__(self) -> str:
        return ", ".join(map(str, self))
