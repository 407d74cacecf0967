"""What a configuration becomes: frozen, complete and valid.

`config` fills these models from TOML, environment and command line; everything else only reads
them. Every field's text below it is its documentation.
"""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from authproxy.values import (
    CLOUD_PLATFORM,
    LOOPBACK,
    CredentialsSpec,
    EgressSpec,
    Listen,
    Network,
    Origin,
    SecretRef,
    did_you_mean,
    parse_audience,
    parse_credentials,
    parse_egress,
    parse_email,
    parse_file,
    parse_header_name,
    parse_host_name,
    parse_listen,
    parse_network,
    parse_origin,
    parse_scope,
    parse_secret_ref,
    parse_service_name,
    quoted,
)


def _text(parse: Callable[[str], object], *parsed: type) -> BeforeValidator:
    """Run `parse` on text; a value of one of the types `parsed` passes as it is."""

    def run(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, parsed):
            return value
        raise ValueError("must be text in quotes")

    return BeforeValidator(run)


def _one_of(*words: str) -> BeforeValidator:
    """One of these words, in upper or lower case."""

    def run(value: object) -> object:
        word = value if isinstance(value, str) else ""
        if word.lower() not in words:
            got = f", not {quoted(word)}{did_you_mean(word, words)}" if word else ""
            raise ValueError(f"must be one of {', '.join(words)}{got}")
        return word.lower()

    return BeforeValidator(run)


def _listen_value(value: object) -> object:
    """A bare number is a port."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _version(value: object) -> object:
    """TOML takes 1.3 without quotes for a number."""
    return str(value) if isinstance(value, float) else value


def _one_or_many(value: object) -> object:
    """`"x"` means `["x"]`."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _not_empty(value: object) -> object:
    """Not by min_length: pydantic would count elements only after leaving out the wrong ones."""
    if value in ([], ()):
        raise ValueError("must not be empty; leave it out to get the default")
    return value


def _not_a_bool(value: object) -> object:
    """pydantic takes true for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _key_header(text: str) -> str:
    name = parse_header_name(text)
    if name == "auto":
        raise ValueError("needs a header's name, as in X-Api-Key")
    return name


OriginValue = Annotated[Origin, _text(parse_origin, Origin)]
ListenValue = Annotated[Listen, _text(parse_listen, Listen), BeforeValidator(_listen_value)]
CredentialsValue = Annotated[CredentialsSpec, _text(parse_credentials, CredentialsSpec)]
SecretRefValue = Annotated[SecretRef, _text(parse_secret_ref, SecretRef)]
EgressValue = Annotated[EgressSpec, _text(parse_egress, EgressSpec)]
NetworkValue = Annotated[Network, _text(parse_network, IPv4Network, IPv6Network)]
FileValue = Annotated[Path, _text(parse_file, Path)]
HeaderName = Annotated[str, _text(parse_header_name)]
KeyHeaderName = Annotated[str, _text(_key_header)]
HostName = Annotated[str, _text(parse_host_name)]
ServiceName = Annotated[str, _text(parse_service_name)]
Audience = Annotated[str, _text(parse_audience)]
Email = Annotated[str, _text(parse_email)]
Networks = Annotated[tuple[NetworkValue, ...], BeforeValidator(_one_or_many)]
HostNames = Annotated[tuple[HostName, ...], BeforeValidator(_one_or_many)]
Emails = Annotated[tuple[Email, ...], BeforeValidator(_one_or_many)]
Listens = Annotated[
    tuple[ListenValue, ...], BeforeValidator(_not_empty), BeforeValidator(_one_or_many)
]
Count = Annotated[int, BeforeValidator(_not_a_bool)]
Seconds = Annotated[float, BeforeValidator(_not_a_bool)]
TlsVersion = Annotated[Literal["1.2", "1.3"], _one_of("1.2", "1.3"), BeforeValidator(_version)]
TokenKind = Annotated[Literal["identity", "access"], _one_of("identity", "access")]
Scope = Annotated[str, _text(parse_scope)]
Scopes = Annotated[tuple[Scope, ...], BeforeValidator(_not_empty), BeforeValidator(_one_or_many)]
LogFormat = Annotated[Literal["auto", "text", "json"], _one_of("auto", "text", "json")]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], _one_of("debug", "info", "warning", "error")
]


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False
    )


class ServiceSettings(_Frozen):
    """One IAM-protected service."""

    url: OriginValue
    """The service's address, `https://…`."""
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
    """A key for the service itself: `env:NAME` or `file:PATH`."""
    api_key_header: KeyHeaderName = "X-Api-Key"
    """The header that carries `api_key`."""
    allow: Networks = ()
    """Client addresses for this service, of those that the listener lets in; empty: all of them."""
    deny: Networks = ()
    """Client addresses refused for this service, whatever `allow` says."""
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


class LogSettings(_Frozen):
    """What is written to stderr."""

    format: LogFormat = "auto"
    """`auto`: text at a terminal, JSON otherwise."""
    level: LogLevel = "info"
    """The least important line that is still written."""
    access: bool = True
    """One line for each exchange."""


class LimitSettings(_Frozen):
    """Bounds that protect authproxy and the service."""

    connections_per_service: Count = Field(1000, ge=1)
    """Open connections to one service; requests beyond that wait in line. Tunnels do not count."""
    head_bytes: Count = Field(64 * 1024, ge=1024)
    """Size of a request's or answer's head."""
    target_bytes: Count = Field(16 * 1024, ge=256)
    """Length of a request's target."""
    headers: Count = Field(200, ge=8)
    """Header fields in a head."""


class TimeoutSettings(_Frozen):
    """Seconds."""

    connect: Seconds = Field(10.0, gt=0)
    """Until a connection to the service stands, TLS included."""
    head: Seconds = Field(30.0, gt=0)
    """Until a client has sent its whole request head."""
    first_byte: Seconds = Field(3600.0, gt=0)
    """From the end of the request to the first byte of the answer."""
    stream_idle: Seconds = Field(3600.0, gt=0)
    """Silence in both directions within an exchange."""
    total: Seconds = Field(0.0, ge=0)
    """For a whole exchange, however much moves; 0: no bound. Tunnels are not counted."""
    scale_up: Seconds = Field(10.0, ge=0)
    """For how long an idempotent request goes out again while Google has no instance; 0: never."""
    keep_alive: Seconds = Field(120.0, gt=0)
    """How long an idle client connection is kept."""
    service_keep_alive: Seconds = Field(60.0, gt=0)
    """How long an idle connection to a service is kept."""
    token: Seconds = Field(20.0, gt=0)
    """Until a source has made a token."""
    drain: Seconds = Field(10.0, ge=0)
    """For exchanges that still run when authproxy is told to stop."""


class Settings(_Frozen):
    """Everything that a run of authproxy needs to know."""

    listen: Listens = (Listen(),)
    """Where clients connect; an address without a port gets $PORT, or 8080."""
    hosts: HostNames = ()
    """`Host` names to answer for, besides localhost, `*.localhost` and loopback addresses."""
    allow: Networks = LOOPBACK
    """Client addresses that may connect. A Unix socket's clients are not asked for one."""
    deny: Networks = ()
    """Client addresses that may not, whatever `allow` says."""
    tls_cert_file: FileValue | None = None
    """A PEM certificate with its chain: TCP listeners then speak TLS. Read anew when it changes."""
    tls_key_file: FileValue | None = None
    """The key of `tls_cert_file`, when it is not in the same file."""
    egress_proxy: EgressValue = EgressSpec("auto")
    """The proxy on the way out: a URL, `env:NAME`, `file:PATH`, `none`; `auto`: HTTPS_PROXY."""
    services: dict[ServiceName, ServiceSettings] = Field(min_length=1)
    """By name; the name is also the label in `NAME.localhost`."""
    log: LogSettings = LogSettings()
    limits: LimitSettings = LimitSettings()
    timeouts: TimeoutSettings = TimeoutSettings()
