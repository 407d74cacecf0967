"""Bounds that a configuration sets: amounts, and times."""

from authproxy.fields import Bytes, Count, Rate, Seconds
from authproxy.tables.field import Field
from authproxy.tables.frozen import Frozen


class LimitSettings(Frozen):
    """Bounds that protect authproxy and the service."""

    connections_per_service: Count = Field(default=1000, ge=1)
    """Open connections to one service; requests beyond that wait in line. Tunnels do not count."""
    head_bytes: Bytes = Field(default=64 * 1024, ge=1024)
    """Size of a request's or answer's head."""
    target_bytes: Bytes = Field(default=16 * 1024, ge=256)
    """Length of a request's target."""
    headers: Count = Field(default=200, ge=8)
    """Header fields in a head."""
    body_bytes: Bytes = Field(default=0, ge=0)
    """Size of a request's body; 0: no limit."""
    connections: Count = Field(default=0, ge=0)
    """Open connections of all clients; 0: no limit."""
    connections_per_client: Count = Field(default=0, ge=0)
    """Open connections of one client address; 0: no limit."""
    requests_per_second: Rate = Field(default=0.0, ge=0)
    """Of one client address, or of one key where there are keys; 0: no limit."""
    burst: Count = Field(default=0, ge=0)
    """Requests that may come at once; 0: those of a second."""


class TimeoutSettings(Frozen):
    """Seconds."""

    connect: Seconds = Field(default=10.0, gt=0)
    """Until a connection to the service stands, TLS included."""
    head: Seconds = Field(default=30.0, gt=0)
    """Until a client has sent its whole request head."""
    first_byte: Seconds = Field(default=3600.0, gt=0)
    """From the end of the request to the first byte of the answer."""
    stream_idle: Seconds = Field(default=3600.0, gt=0)
    """Silence in both directions within an exchange."""
    total: Seconds = Field(default=0.0, ge=0)
    """For a whole exchange, however much moves; 0: no limit. Tunnels are not counted."""
    scale_up: Seconds = Field(default=10.0, ge=0)
    """For how long an idempotent request goes out again while Google has no instance; 0: never."""
    keep_alive: Seconds = Field(default=120.0, gt=0)
    """How long an idle client connection is kept."""
    service_keep_alive: Seconds = Field(default=60.0, gt=0)
    """How long an idle connection to a service is kept."""
    token: Seconds = Field(default=20.0, gt=0)
    """Until a source has made a token."""
    drain_delay: Seconds = Field(default=0.0, ge=0)
    """At the end, not ready any more but still taking requests: load balancers need to notice."""
    drain: Seconds = Field(default=9.0, ge=0)
    """For exchanges that still run when authproxy is told to stop."""
