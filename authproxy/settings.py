"""Settings: a configuration, frozen, complete and valid.

`config` fills these models from TOML, environment and command line; everything else only reads
them. Every field's text below it is its documentation.
"""

from typing import Any

from authproxy.bounds import LimitSettings, TimeoutSettings
from authproxy.fields import (
    AdminValue,
    Audience,
    CredentialsValue,
    Digests,
    EgressValue,
    Email,
    Emails,
    FileMode,
    FileValue,
    ForwardedHost,
    HeaderLines,
    HeaderName,
    HostNames,
    KeyHeaderName,
    KeyName,
    ListenerName,
    Listens,
    ListenValue,
    LocalSecretValue,
    LogLevel,
    Methods,
    Networks,
    Origins,
    OriginValue,
    PathPrefix,
    PathPrefixes,
    ProxyLocal,
    ReloadWhen,
    RemovedHeaders,
    RunServiceValue,
    Scopes,
    Seconds,
    SecretHeaders,
    SecretRefValue,
    ServiceName,
    ServiceNames,
    Tag,
    TlsVersion,
    TokenKind,
    Uids,
    WebOrigins,
    Workers,
)
from authproxy.reporting import AuthorizerSettings, InspectSettings, LogSettings, TraceSettings
from authproxy.tables.field import Field
from authproxy.tables.frozen import Frozen
from authproxy.values import (
    CLOUD_PLATFORM,
    LOOPBACK,
    AdminSpec,
    CredentialsSpec,
    EgressSpec,
    Listen,
    RunService,
    SecretRef,
    parse_run_service,
)

__all__ = [
    "AuthorizerSettings",
    "InspectSettings",
    "KeySettings",
    "LimitSettings",
    "ListenerSettings",
    "LogSettings",
    "ServiceSettings",
    "Settings",
    "TimeoutSettings",
    "TraceSettings",
]


class ServiceSettings(Frozen):
    """One IAM-protected service."""

    url: OriginValue
    """The service's address, `https://…`; a path in it is the beginning of all its paths."""
    service: RunServiceValue | None = None
    """In place of `url`: a Cloud Run service by name, `PROJECT/REGION/NAME`, to be looked up."""
    tag: Tag | None = None
    """The traffic tag of `service` to go to."""
    other_urls: Origins = ()
    """Further addresses of the service; what names them in its answers leads back here."""
    hosts: HostNames = ()
    """`Host` names that lead to this service, besides `NAME.localhost`."""
    audience: Audience | None = None
    """The token's `aud`; by default the URL without path and traffic tag."""
    token_header: HeaderName = "auto"
    """`auto`: Authorization unless the client sent its own, then X-Serverless-Authorization."""
    token: TokenKind = "identity"
    """`identity`, for services; `access`, for Google's own APIs at `*.googleapis.com`."""
    scopes: Scopes = (CLOUD_PLATFORM,)
    """What an access token is for; a user's were chosen at the sign-in."""
    credentials: CredentialsValue = CredentialsSpec("auto")
    """Where tokens come from."""
    impersonate: Email | None = None
    """A service account to act as; the credentials need the Token Creator role on it."""
    delegates: Emails = ()
    """The chain of service accounts between the credentials and `impersonate`."""
    api_key: SecretRefValue | None = None
    """A key for the service itself: `env:NAME`, `file:PATH` or `secret:projects/P/secrets/S`."""
    api_key_header: KeyHeaderName = "X-Api-Key"
    """The header that carries `api_key`."""
    secret_headers: SecretHeaders = ()
    """Further headers for every request whose values are secrets, as `Name: env:VARIABLE`."""
    add_headers: HeaderLines = ()
    """Further headers for every request, as `Name: value`, in place of the client's."""
    remove_headers: RemovedHeaders = ()
    """Headers of clients that do not reach this service."""
    allow: Networks = ()
    """Client addresses for this service, of those that the listener lets in; empty: all of them."""
    allow_file: FileValue | None = None
    """A file with more of them, one to a line. Read anew when it changes."""
    deny: Networks = ()
    """Client addresses refused for this service, whatever `allow` says."""
    deny_file: FileValue | None = None
    """A file with more of them, one to a line. Read anew when it changes."""
    methods: Methods = ()
    """Methods that may be used; empty: all. `read-only` stands for GET, HEAD and OPTIONS."""
    deny_methods: Methods = ()
    """Methods that may not, whatever `methods` says."""
    paths: PathPrefixes = ()
    """Paths that may be used, by their beginning; empty: all."""
    deny_paths: PathPrefixes = ()
    """Paths that may not, whatever `paths` says."""
    allow_origins: WebOrigins = ()
    """Origins of other sites, of extensions and desktop apps whose pages may use this service."""
    path: PathPrefix | None = None
    """Requests to localhost and the other shared names that begin with it go to this service."""
    strip_path: bool = False
    """The service does not see `path`, but hears of it in X-Forwarded-Prefix."""
    forwarded_host: ForwardedHost = "service"
    """What X-Forwarded-Host and -Proto name: the service's address, or the one the client asked."""
    mcp: bool = True
    """MCP clients are told of refusals, Google's too, by errors that they show to people."""
    ca_file: FileValue | None = None
    """PEM certificates to trust for this service besides the system's."""
    client_cert_file: FileValue | None = None
    """A PEM certificate to show to this service, and the chain that goes with it."""
    client_key_file: FileValue | None = None
    """The key of `client_cert_file`, when it is not in the same file."""
    tls_min_version: TlsVersion = "1.2"
    """The oldest TLS version to speak with this service: 1.2 or 1.3."""
    egress_proxy: EgressValue | None = None
    """As at the top of the file, for this service alone and whatever NO_PROXY says."""
    record_bodies: bool = False
    """The inspector keeps bodies and messages as well, without the secrets that it finds."""
    connect_timeout: Seconds | None = Field(default=None, gt=0)
    """Seconds, in place of `timeouts.connect`."""
    first_byte_timeout: Seconds | None = Field(default=None, gt=0)
    """Seconds, in place of `timeouts.first_byte`."""
    stream_idle_timeout: Seconds | None = Field(default=None, gt=0)
    """Seconds, in place of `timeouts.stream_idle`."""
    total_timeout: Seconds | None = Field(default=None, ge=0)
    """Seconds, in place of `timeouts.total`."""
    log: LogLevel | None = None
    """The least severe line about this service, those of its exchanges too: `warning`, `error` …"""

    @classmethod
    def complete(cls, given: Any) -> Any:
        """A service by name is nowhere until it was looked up."""
        if not isinstance(given, dict) or "url" in given or given.get("service") is None:
            return given
        try:
            service = parse_run_service(str(given["service"]))
        except ValueError:
            service = RunService(project="unknown", region="unknown", name="unknown")
        return given | {"url": service.nowhere}

    @property
    def is_nowhere(self) -> bool:
        """Whether the address has yet to be looked up."""
        return self.service is not None and self.url == self.service.nowhere

    @property
    def address(self) -> str:
        """For people: where the service is, as far as that is known."""
        return str(self.service) if self.is_nowhere else str(self.url)

    def acting_as(self, account: str) -> "ServiceSettings":
        """The same, asked as `account`; empty: as its own identity."""
        if account in ("", self.impersonate):
            return self
        return self.model_copy(update={"impersonate": account, "delegates": ()})

    @property
    def secrets(self) -> tuple[tuple[str, SecretRef], ...]:
        """Every header that carries a secret, with where that is."""
        key = ((self.api_key_header, self.api_key),) if self.api_key is not None else ()
        return (*key, *self.secret_headers)

    @property
    def token_audience(self) -> str:
        """Empty for an access token, which has none."""
        return "" if self.token == "access" else self.audience or self.url.audience

    @property
    def token_scopes(self) -> tuple[str, ...]:
        """Empty for an identity token."""
        return self.scopes if self.token == "access" else ()

    @property
    def header_for_token(self) -> str:
        """A header's name or `auto`. Google's APIs look into one header only."""
        is_access = self.token == "access" and self.token_header == "auto"
        return "Authorization" if is_access else self.token_header


class ListenerSettings(Frozen):
    """A listener with rules of its own. When there are any, `listen` has no default."""

    listen: ListenValue
    """Where clients connect."""
    service: ServiceName | None = None
    """The service that everything goes to, by whatever `Host` name of ours it is asked for."""
    allow: Networks = ()
    """Client addresses that may connect here, in place of `allow` at the top of the file."""
    allow_file: FileValue | None = None
    """A file with more of them, one to a line. Read anew when it changes."""
    deny: Networks = ()
    """Client addresses that may not, besides `deny` at the top of the file."""
    deny_file: FileValue | None = None
    """A file with more of them, one to a line. Read anew when it changes."""
    proxy_protocol: bool = False
    """Connections begin with the PROXY protocol's header, version 1 or 2, by `trusted_proxies`."""
    proxy_local: ProxyLocal = "health"
    """Where it names no client: `health` answers health checks only, `forward` passes all."""
    peer_uids: Uids = ()
    """Users of this machine who may connect, by number; empty: all, or whom its file lets in."""
    socket_mode: FileMode = 0o600
    """The mode of a Unix socket's file."""


class KeySettings(Frozen):
    """A key that clients may show. When there are any, nobody passes without one."""

    sha256: Digests = ()
    """SHA-256 of the key, in hexadecimal; several while an old one is still in use."""
    file: FileValue | None = None
    """A file with the key itself, or with several, one to a line."""
    services: ServiceNames = ()
    """The services that it opens; empty: all of them."""
    impersonate: Email | None = None
    """A service account that its requests act as, at each service, in place of the service's."""
    methods: Methods = ()
    """Methods that it may use; empty: all. `read-only` stands for GET, HEAD and OPTIONS."""
    paths: PathPrefixes = ()
    """Paths that it may use, by their beginning, as the service's own `paths`; empty: all."""

    def opens(self, service: str) -> bool:
        """Whether it opens the service of this name."""
        return not self.services or service in self.services


class Settings(Frozen):
    """Settings of a run of authproxy."""

    listen: Listens = (Listen(),)
    """Where clients connect; an address without a port gets $PORT, or 8080."""
    hosts: HostNames = ()
    """`Host` names to answer for, besides localhost, `*.localhost` and loopback addresses."""
    allow: Networks = LOOPBACK
    """Client addresses that may connect. A Unix socket's clients are not asked for one."""
    allow_file: FileValue | None = None
    """A file with more of them, one to a line. Read anew when it changes."""
    deny: Networks = ()
    """Client addresses that may not, whatever `allow` says."""
    deny_file: FileValue | None = None
    """A file with more of them, one to a line. Read anew when it changes."""
    allow_origins: WebOrigins = ()
    """Origins of other sites, of extensions and desktop apps whose pages may use all services."""
    trusted_proxies: Networks = ()
    """Load balancers whose `X-Forwarded-For` or `Forwarded` says who the client is."""
    health_path: PathPrefix | None = None
    """A path at listeners where authproxy itself says whether it is ready, to everybody."""
    admin: AdminValue = AdminSpec("auto")
    """The admin listener's address, or `off`; `auto`: 127.0.0.1:4040 at a terminal outside
    containers and CI, else off."""
    admin_allow: Networks = ()
    """Other machines that may ask the admin listener for probes and `/metrics`; nothing else."""
    admin_key: LocalSecretValue | None = None
    """The key to the admin listener, `env:NAME` or `file:PATH`; by default each run makes one."""
    admin_quit: bool = False
    """`POST /quitquitquit` at the admin listener ends authproxy, with exit code 0."""
    reload: ReloadWhen = "on-request"
    """`on-change`: also when the file itself is another; `on-request`: only when told to."""
    workers: Workers = 1
    """Processes that answer clients; `auto`: one for each CPU that authproxy may use."""
    tls_cert_file: FileValue | None = None
    """A PEM certificate with its chain: TCP listeners then speak TLS. Read anew when it changes."""
    tls_key_file: FileValue | None = None
    """The key of `tls_cert_file`, when it is not in the same file."""
    egress_proxy: EgressValue = EgressSpec("auto")
    """The proxy on the way out: a URL, `env:NAME`, `file:PATH`, `none`; `auto`: HTTPS_PROXY."""
    key_header: KeyHeaderName = "X-Api-Key"
    """The header in which clients show a key; it does not reach the service."""
    keys: dict[KeyName, KeySettings] = Field(default={})
    """Keys that clients must show, by name."""
    listeners: dict[ListenerName, ListenerSettings] = Field(default={})
    """Listeners with rules of their own, by name."""
    services: dict[ServiceName, ServiceSettings] = Field(min_length=1)
    """By name; the name is also the label in `NAME.localhost`."""
    log: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()
    inspect: InspectSettings = InspectSettings()
    authorizer: AuthorizerSettings = AuthorizerSettings()
    limits: LimitSettings = LimitSettings()
    timeouts: TimeoutSettings = TimeoutSettings()

    def timeouts_of(self, service: ServiceSettings) -> TimeoutSettings:
        """Those for all, with the service's own in their places."""
        names = ("connect", "first_byte", "stream_idle", "total")
        own = {name: getattr(service, f"{name}_timeout") for name in names}
        given = {name: value for name, value in own.items() if value is not None}
        return self.timeouts.model_copy(update=given) if given else self.timeouts

    def accounts_at(self, service: str) -> dict[str, list[str]]:
        """As whom the service of this name is asked, with the keys that say so: a service account,
        or empty for the service's own identity."""
        found: dict[str, list[str]] = {}
        for name, key in self.keys.items():
            if key.opens(service):
                found.setdefault(key.impersonate or "", []).append(name)
        return found or {"": []}

    @property
    def every_listener(self) -> tuple[ListenerSettings, ...]:
        """Those of `listen`, then those of `listeners`."""
        plain = (ListenerSettings.model_construct(listen=listen) for listen in self.listen)
        return (*plain, *self.listeners.values())
