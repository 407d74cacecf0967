"""One service as the running proxy knows it: its address, rules, tokens and connections."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.identity.token_cache.supply import Supply
from authproxy.policy.access.inbound_keys import InboundKey
from authproxy.policy.access.networks import AccessList
from authproxy.policy.access.permissions import Permissions
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.headers import ServiceRules, token_line
from authproxy.policy.messages.site_data import SiteData
from authproxy.settings import TimeoutSettings
from authproxy.values import Origin
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.pool import Pool


@dataclass(eq=False)
class Upstream:
    """One service, with all that an exchange with it needs."""

    name: str
    origin: Origin
    rules: ServiceRules
    own_tokens: Supply
    """Those of its own identity. A request takes those of its `Admission`, which may be others."""
    pool: Pool
    access: AccessList | None
    """Narrows what the listener lets in; None adds nothing to it."""
    allow_origins: frozenset[bytes] = frozenset()
    """Origins whose pages may use this service, as `normal_origin` gives them."""
    permissions: Permissions | None = None
    """Which methods and paths may be used; None: all."""
    other_urls: tuple[Origin, ...] = ()
    """Further origins by which the service knows itself."""
    forwarded_host: Literal["service", "client"] = "service"
    """Whose address X-Forwarded-Host and -Proto name."""
    timeouts: TimeoutSettings | None = None
    """In place of the server's; None: those."""
    mcp: bool = True
    """MCP clients are told of refusals in their own words."""
    found: Callable[[], Awaitable[object]] | None = None
    """Waits until the address is known, or raises CredentialError; None once it is."""
    supplies: Mapping[str, Supply] = field(default_factory=dict)
    """All that requests take tokens from: by the service account that a key acts as, and empty for
    the service's own identity, unless every key that opens it acts as an account."""
    site_data: SiteData = field(default_factory=SiteData)
    """The cookies that it was seen to set."""
    _written: tuple[Token, bytes, bytes] = (NO_TOKEN, b"", b"")
    """A token, and the line that carries it without and with an Authorization of the client's."""
    _others: dict[int, tuple[Token, bytes, bytes]] = field(default_factory=dict)
    """The same of each account's token, by its `id`: keys take turns."""
    _root: tuple[Origin | None, str] = (None, "")

    def __post_init__(self) -> None:
        if not self.supplies:
            self.supplies = {"": self.own_tokens}

    def tokens_for(self, key: InboundKey | None) -> Supply:
        """Those for who has shown `key`. There is none to fall back to for an account."""
        return self.own_tokens if key is None or not key.account else self.supplies[key.account]

    def statuses(self) -> tuple[TokenStatus, ...]:
        """How all stands that some request waits for: the first token with the service's secrets,
        or its address while that is not known; then the tokens of further accounts."""
        found: list[TokenStatus] = []
        for account, supply in self.supplies.items():
            told = list(supply.statuses())
            told[:1] = [replace(each, account=account) for each in told[:1]]
            if not found:
                found = told
            elif self.found is None:
                found += told[:1]
        return tuple(found)

    @property
    def is_here(self) -> bool:
        """By its address it is on this machine, and no proxy is in between."""
        return self.origin.is_loopback and self.connector.egress is None

    @property
    def connector(self) -> Connector:
        """Opens connections besides the pool's, as for HTTP/2."""
        return self.pool.connector

    @property
    def root(self) -> str:
        """`origin.root`, written once for each origin."""
        if self._root[0] is not self.origin:
            self._root = self.origin, self.origin.root
        return self._root[1]

    def token_line(self, token: Token, facts: RequestFacts) -> bytes:
        """The finished line that carries `token`, written once for each token."""
        written = self._written
        if token is not written[0]:
            written = self._written = self._write(token)
        return written[2] if facts.has_authorization else written[1]

    def _write(self, token: Token) -> tuple[Token, bytes, bytes]:
        known = self._others.get(id(token))
        if known is not None and known[0] is token:
            return known
        written = (
            token,
            token_line(self.rules, token, has_authorization=False),
            token_line(self.rules, token, has_authorization=True),
        )
        if len(self.supplies) > 1:
            if len(self._others) >= len(self.supplies):
                self._others.clear()
            self._others[id(token)] = written
        return written

    def __repr__(self) -> str:
        return f"<Upstream {self.name} [{self.origin}]>"
