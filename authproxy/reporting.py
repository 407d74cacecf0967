"""Settings of what others are told: by the log, by traces, by the inspector and the authorizer."""

from authproxy.fields import (
    Bytes,
    FileValue,
    ListenValue,
    LogFormat,
    LogLevel,
    ProjectId,
    Seconds,
    SecretNames,
    Share,
    Switch,
)
from authproxy.tables.field import Field
from authproxy.tables.frozen import Frozen
from authproxy.values import Listen


class LogSettings(Frozen):
    """Lines that are written, and their place: stderr, or a file."""

    format: LogFormat = "auto"
    """`auto`: text at a terminal, JSON otherwise."""
    level: LogLevel = "info"
    """The least important line that is still written."""
    access: bool = True
    """One line for each exchange."""
    sample: Share = Field(default=1.0, ge=0, le=1)
    """The share of good answers with a line, from 0 to 1; all others have one."""
    slow: Seconds = Field(default=1.0, ge=0)
    """Seconds until an answer's head from which it has its line, whatever `sample` says."""
    user_agent: bool = False
    """The lines of exchanges name the client's program, as it calls itself."""
    file: FileValue | None = None
    """A file in place of stderr. Opened anew on SIGUSR1, and when it was moved or deleted."""
    trace_project: ProjectId | None = None
    """JSON lines name traces as `projects/P/traces/ID`; by default by the ID alone."""


class TraceSettings(Frozen):
    """Traces, which OpenTelemetry's own variables describe: where to, how many, whose."""

    export: Switch = "auto"
    """`auto`: when OTEL_TRACES_EXPORTER or an endpoint for OTLP is set; `on`, `off`."""


class InspectSettings(Frozen):
    """Bounds of what the inspector at the admin listener keeps of exchanges, without secrets."""

    record: Switch = "auto"
    """`on`, `off`, or `auto`: on at a terminal outside containers and CI."""
    memory: Bytes = Field(default=32 * 1024 * 1024, ge=4 * 1024 * 1024)
    """Bound for everything that is kept; the oldest exchanges make room."""
    body_bytes: Bytes = Field(default=256 * 1024, ge=1024)
    """Of each body, and each stream's messages, with `record_bodies`; at most half of `memory`."""
    secret_names: SecretNames = ()
    """Further names of header fields, parameters and JSON members whose values are secrets."""


class AuthorizerSettings(Frozen):
    """Decisions and tokens for an nginx, Caddy, Traefik or Envoy that asks about each request."""

    listen: ListenValue | None = None
    """Where it asks by HTTP, as `127.0.0.1:9191`; only `trusted_proxies` may."""
    grpc: ListenValue | None = None
    """Where Envoy asks by gRPC, as `127.0.0.1:9192`; needs the extra `envoy`."""

    @property
    def places(self) -> tuple[tuple[str, Listen], ...]:
        """Those that are given, each with its name."""
        given = (("listen", self.listen), ("grpc", self.grpc))
        return tuple((name, place) for name, place in given if place is not None)
