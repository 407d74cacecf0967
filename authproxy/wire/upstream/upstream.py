"""One service as the running proxy knows it: its address, rules, tokens and connections."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.token_cache.supply import Supply
from authproxy.policy.access.networks import AccessList
from authproxy.policy.access.permissions import Permissions
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.headers import ServiceRules, token_line
from authproxy.policy.messages.site_data import SiteData
from authproxy.settings import TimeoutSettings
from authproxy.values import Origin
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.pool import Pool


@dataclass(slots=True, eq=False)
class Upstream:
    """One service, with all that an exchange with it needs."""

    name: str
    origin: Origin
    rules: ServiceRules
    tokens: Supply
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
    site_data: SiteData = field(default_factory=SiteData)
    """The cookies that it was seen to set."""
    _token: Token = NO_TOKEN
    _lines: tuple[bytes, bytes] = (b"", b"")
    _root: tuple[Origin | None, str] = (None, "")

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
        if token is not self._token:
            self._lines = (
                token_line(self.rules, token, has_authorization=False),
                token_line(self.rules, token, has_authorization=True),
            )
            self._token = token
        return self._lines[facts.has_authorization]

    def __repr__(self) -> str:
        return f"<Upstream {self.name} [{self.origin}]>"
