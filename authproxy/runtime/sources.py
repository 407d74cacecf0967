"""Sources of the services' tokens, kept from one configuration to the next.

A token is worth as much after a change of the configuration as before: whoever asks for the same
gets the same source, with the tokens that it has made, the same client of Google's APIs and the
same TLS context. What the newest configuration does not ask for is given up by `keep_only`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.machine import Machine
from authproxy.identity.source import Source
from authproxy.identity.sources.build import build_source
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.identity.token_cache.shared import Key
from authproxy.settings import ServiceSettings
from authproxy.values import CredentialsSpec
from authproxy.wire.upstream.tls import ServiceTls, TlsContexts

if TYPE_CHECKING:
    from authproxy.identity.apis.client import GoogleApi

Kind = Literal["token", "secret", "address"]
"""Products of an identity."""


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

    @property
    def digest(self) -> str:
        """The same in every process, and for nobody else. The way out does not count: each process
        reads its file by itself, and whoever reads it later may find another password."""
        who = replace(self, egress=AS_ENVIRONMENT)
        return sha256(repr(who).encode()).hexdigest()


Elsewhere = Callable[[Kind, Identity, Source], Source]
"""Makes a source that asks another process for what ours would make."""


@dataclass(slots=True, eq=False)
class Needs:
    """Identities, tokens and TLS settings of one configuration; looking services up adds more."""

    identities: set[Identity] = field(default_factory=set)
    tokens: set[Key] = field(default_factory=set)
    tls: set[ServiceTls] = field(default_factory=set)


class Sources:
    """Sources of one running proxy, whatever its configurations."""

    def __init__(
        self, tokens: TokenCache, machine: Machine, elsewhere: Elsewhere | None = None
    ) -> None:
        """`elsewhere`: makes sources that ask another process, in place of ours."""
        self.machine = machine
        self.contexts = TlsContexts()
        self._cache = tokens
        self._elsewhere = elsewhere
        self._made: dict[tuple[Kind, Identity], Source] = {}

    def source(self, identity: Identity, needs: Needs) -> Source:
        """Makes this identity's tokens."""
        return self._one("token", identity, needs)

    def secret_manager(self, identity: Identity, needs: Needs) -> Source:
        """Secrets, as this identity may read them."""
        return self._one("secret", identity, needs)

    def run_api(self, identity: Identity, needs: Needs) -> Source:
        """Addresses of services by name, as this identity may look them up."""
        return self._one("address", identity, needs)

    def tokens_for(self, source: Source, audience: str, needs: Needs) -> Tokens:
        """The same object for the same source and audience."""
        needs.tokens.add((source, audience))
        return self._cache.tokens_for(source, audience)

    def find_tokens(self, kind: Kind, digest: str, audience: str) -> Tokens | None:
        """For another process that has the same configuration: those of the identity with this
        `digest`, by the way out that was read last; None where there is no such identity any more.
        """
        identities = reversed([identity for _, identity in list(self._made)])
        found = next((each for each in identities if each.digest == digest), None)
        if found is None:
            return None
        return self._cache.tokens_for(self._one(kind, found, Needs()), audience)

    def keep_only(self, needs: Needs) -> None:
        """Give up all that `needs` has not asked for. Whoever still holds it can go on using it,
        but nothing is fetched ahead of time, and who asks next gets a new one."""
        self._cache.keep_only(needs.tokens)
        self.contexts.keep_only(needs.tls)
        for key in list(self._made):
            if key[1] not in needs.identities:
                self._made.pop(key)

    def _one(self, kind: Kind, identity: Identity, needs: Needs) -> Source:
        needs.identities.add(identity)
        known = self._made.get((kind, identity))
        if known is not None:
            return known
        # A thread may build another configuration at this moment: the first one that is there
        # counts for both.
        return self._made.setdefault((kind, identity), self._make(kind, identity, needs))

    def _make(self, kind: Kind, identity: Identity, needs: Needs) -> Source:
        made: Source
        match kind:
            case "token":
                made = self._build(identity)
            case "secret":
                from authproxy.identity.apis.secret_manager import SecretManager

                made = SecretManager(self._api(identity, needs))
            case "address":
                from authproxy.identity.apis.cloud_run import RunApi

                made = RunApi(self._api(identity, needs))
        return made if self._elsewhere is None else self._elsewhere(kind, identity, made)

    def _build(self, identity: Identity) -> Source:
        return build_source(
            identity.credentials,
            impersonate=identity.impersonate,
            delegates=identity.delegates,
            machine=self.machine,
            egress=identity.egress,
            scopes=identity.scopes,
        )

    def _api(self, identity: Identity, needs: Needs) -> "GoogleApi":
        from authproxy.identity.apis.client import GoogleApi

        source = self.source(identity, needs)
        return GoogleApi(
            source, self.machine.skew, egress=identity.egress, helper=self.machine.helper
        )

    def __repr__(self) -> str:
        sources = sum(kind == "token" for kind, _ in self._made)
        return f"<Sources [{sources} sources, {len(self.contexts)} TLS contexts]>"
