"""What a configuration becomes: frozen, complete and valid.

`config` fills these models from TOML, environment and command line; everything else only reads
them. Every field's text below it is its documentation.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from authproxy.values import (
    LOOPBACK,
    CredentialsSpec,
    Listen,
    Network,
    Origin,
    SecretRef,
    parse_credentials,
    parse_email,
    parse_header_name,
    parse_host_name,
    parse_listen,
    parse_network,
    parse_origin,
    parse_secret_ref,
)


def _text(parse: Any) -> BeforeValidator:
    """Run `parse` on text; a value that was parsed already passes."""

    def run(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, bool | int | float | list | dict):
            raise ValueError("must be text in quotes")
        return value

    return BeforeValidator(run)


def _listen_value(value: object) -> object:
    """A bare number is a port."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _one_or_many(value: object) -> object:
    """`"x"` means `["x"]`."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


OriginValue = Annotated[Origin, _text(parse_origin)]
ListenValue = Annotated[Listen, _text(parse_listen), BeforeValidator(_listen_value)]
CredentialsValue = Annotated[CredentialsSpec, _text(parse_credentials)]
SecretRefValue = Annotated[SecretRef, _text(parse_secret_ref)]
NetworkValue = Annotated[Network, _text(parse_network)]
HeaderName = Annotated[str, _text(parse_header_name)]
HostName = Annotated[str, _text(parse_host_name)]
Email = Annotated[str, _text(parse_email)]
Networks = Annotated[tuple[NetworkValue, ...], BeforeValidator(_one_or_many)]
HostNames = Annotated[tuple[HostName, ...], BeforeValidator(_one_or_many)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ServiceSettings(_Frozen):
    """One IAM-protected service."""

    url: OriginValue
    """The service's address, `https://…`."""
    hosts: HostNames = ()
    """`Host` names that lead to this service, besides `NAME.localhost`."""
    audience: str | None = Field(None, min_length=1)
    """The token's `aud`; by default the URL without path and traffic tag."""
    token_header: HeaderName = "auto"
    """`auto`: Authorization unless the client sent its own, then X-Serverless-Authorization."""
    credentials: CredentialsValue = CredentialsSpec("auto")
    """Where tokens come from."""
    impersonate: Email | None = None
    """A service account to act as; the credentials need the Token Creator role on it."""
    delegates: tuple[Email, ...] = ()
    """The chain of service accounts between the credentials and `impersonate`."""
    api_key: SecretRefValue | None = None
    """A key for the service itself: `env:NAME` or `file:PATH`."""
    api_key_header: HeaderName = "X-Api-Key"
    """The header that carries `api_key`."""
    allow: Networks = ()
    """Client addresses for this service; empty: as for the listener."""
    deny: Networks = ()
    """Client addresses refused for this service, whatever `allow` says."""
    ca_file: Path | None = None
    """PEM certificates to trust for this service besides the system's."""


class LogSettings(_Frozen):
    """What is written to stderr."""

    format: Literal["auto", "text", "json"] = "auto"
    """`auto`: text at a terminal, JSON otherwise."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important line that is still written."""
    access: bool = True
    """One line for each exchange."""


class LimitSettings(_Frozen):
    """Bounds that protect authproxy and the service."""

    connections_per_service: int = Field(1000, ge=1)
    """Open connections to one service; requests beyond that wait in line. Tunnels do not count."""
    head_bytes: int = Field(64 * 1024, ge=1024)
    """Size of a request's or answer's head."""
    target_bytes: int = Field(16 * 1024, ge=256)
    """Length of a request's target."""
    headers: int = Field(200, ge=8)
    """Header fields in a head."""


class TimeoutSettings(_Frozen):
    """Seconds."""

    connect: float = Field(10.0, gt=0)
    """Until a connection to the service stands, TLS included."""
    head: float = Field(30.0, gt=0)
    """Until a client has sent its whole request head."""
    first_byte: float = Field(3600.0, gt=0)
    """From the end of the request to the first byte of the answer."""
    stream_idle: float = Field(3600.0, gt=0)
    """Silence in both directions within an exchange."""
    keep_alive: float = Field(120.0, gt=0)
    """How long an idle client connection is kept."""
    service_keep_alive: float = Field(60.0, gt=0)
    """How long an idle connection to a service is kept."""
    token: float = Field(20.0, gt=0)
    """Until a source has made a token."""
    drain: float = Field(10.0, ge=0)
    """For exchanges that still run when authproxy is told to stop."""


class Settings(_Frozen):
    """Everything that a run of authproxy needs to know."""

    listen: Annotated[tuple[ListenValue, ...], BeforeValidator(_one_or_many)] = (Listen(),)
    """Where clients connect."""
    hosts: HostNames = ()
    """`Host` names to answer for, besides localhost, `*.localhost` and loopback addresses."""
    allow: Networks = LOOPBACK
    """Client addresses that may connect. A Unix socket's clients are not asked for one."""
    deny: Networks = ()
    """Client addresses that may not, whatever `allow` says."""
    services: dict[str, ServiceSettings] = Field(min_length=1)
    """By name; the name is also the label in `NAME.localhost`."""
    log: LogSettings = LogSettings()
    limits: LimitSettings = LimitSettings()
    timeouts: TimeoutSettings = TimeoutSettings()
