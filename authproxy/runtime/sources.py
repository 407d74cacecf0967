"""Sources of the services' tokens, kept from one configuration to the next.

A token is worth as much after a change of the configuration as before: whoever asks for the same
gets the same source, with the tokens that it has made, the same client of Google's APIs and the
same TLS context. What the newest configuration does not ask for is given up by `keep_only`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from authproxy.identity.apis.client import GoogleApi
from authproxy.identity.apis.cloud_run import RunApi
from authproxy.identity.apis.secret_manager import SecretManager
from authproxy.identity.google.egress import Egress
from authproxy.identity.machine import Machine
from authproxy.identity.source import Source
from authproxy.identity.sources.build import build_source
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.identity.token_cache.shared import Key
from authproxy.settings import ServiceSettings
from authproxy.values import CredentialsSpec
from authproxy.wire.upstream.tls import ServiceTls, TlsContexts

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Identity and kind of tokens: two services with the same share a source."""

    credentials: CredentialsSpec
    impersonate: str | None
    delegates: tuple[str, ...]
    scopes: tuple[str, ...]
    egress: Egress

    @classmethod
    def of(cls, service: ServiceSettings, scopes: tuple[str, ...], egress: Egress) -> "Identity":
        return cls(
            credentials=service.credentials,
            impersonate=service.impersonate,
            delegates=tuple(service.delegates),
            scopes=scopes,
            egress=egress,
        )


@dataclass(slots=True, eq=False)
class Needs:
    """Identities, tokens and TLS settings of one configuration; looking services up adds more."""

    identities: set[Identity] = field(default_factory=set)
    tokens: set[Key] = field(default_factory=set)
    tls: set[ServiceTls] = field(default_factory=set)


class Sources:
    """Sources of one running proxy, whatever its configurations."""

    def __init__(self, tokens: TokenCache, machine: Machine) -> None:
        self.machine = machine
        self.contexts = TlsContexts()
        self._cache = tokens
        self._sources: dict[Identity, Source] = {}
        self._managers: dict[Identity, SecretManager] = {}
        self._apis: dict[Identity, RunApi] = {}

    def source(self, identity: Identity, needs: Needs) -> Source:
        """Makes this identity's tokens."""
        return self._one(self._sources, identity, needs, lambda: self._build(identity))

    def secret_manager(self, identity: Identity, needs: Needs) -> SecretManager:
        """Secrets, as this identity may read them."""
        return self._one(
            self._managers, identity, needs, lambda: SecretManager(self._api(identity, needs))
        )

    def run_api(self, identity: Identity, needs: Needs) -> RunApi:
        """Addresses of services by name, as this identity may look them up."""
        return self._one(self._apis, identity, needs, lambda: RunApi(self._api(identity, needs)))

    def tokens_for(self, source: Source, audience: str, needs: Needs) -> Tokens:
        """The same object for the same source and audience."""
        needs.tokens.add((source, audience))
        return self._cache.tokens_for(source, audience)

    def keep_only(self, needs: Needs) -> None:
        """Give up all that `needs` has not asked for. Whoever still holds it can go on using it,
        but nothing is fetched ahead of time, and who asks next gets a new one."""
        self._cache.keep_only(needs.tokens)
        self.contexts.keep_only(needs.tls)
        for made in (self._sources, self._managers, self._apis):
            for identity in made.keys() - needs.identities:
                made.pop(identity)

    def _build(self, identity: Identity) -> Source:
        return build_source(
            identity.credentials,
            impersonate=identity.impersonate,
            delegates=identity.delegates,
            machine=self.machine,
            egress=identity.egress,
            scopes=identity.scopes,
        )

    def _api(self, identity: Identity, needs: Needs) -> GoogleApi:
        source = self.source(identity, needs)
        return GoogleApi(
            source, self.machine.skew, egress=identity.egress, helper=self.machine.helper
        )

    @staticmethod
    def _one(
        made: dict[Identity, Made], identity: Identity, needs: Needs, make: Callable[[], Made]
    ) -> Made:
        needs.identities.add(identity)
        known = made.get(identity)
        # A thread may build another configuration at this moment: the first one that is there
        # counts for both.
        return made.setdefault(identity, make()) if known is None else known

    def __repr__(self) -> str:
        return f"<Sources [{len(self._sources)} sources, {len(self.contexts)} TLS contexts]>"
