"""Status of the data path in numbers, for metrics, pages, `repr` and tests.

They are counted when somebody asks, so that nobody pays for them otherwise. All are gauges, of this
moment, unless they say "since the start": those only grow.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["http1", "http2", "tunnel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    """The connections to one service over HTTP/1.1; those for HTTP/2 belong to their clients."""

    origin: str
    connecting: int
    """On their way: looking up, connecting, in a handshake."""
    open: int
    """Established: in use or idle. Those of tunnels have left the pool."""
    idle: int
    """Of those that are open: waiting for their next request."""
    waiting: int
    """Requests in the queue for a connection."""
    limit: int
    """The most that may be connecting and open together."""
    opened: int
    """Established since the start."""
    failed: int
    """Tries since the start that brought no connection."""
    waits: int
    """Requests since the start that had to wait for a connection."""
    http2_opened: int = 0
    """Connections of HTTP/2 since the start: one for each client's that has called."""
    http2_failed: int = 0
    """Tries since the start that brought none."""

    @property
    def busy(self) -> int:
        """Of those that are open: in use by an exchange."""
        return self.open - self.idle


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """The connections of clients, whatever listener they came in by."""

    http1: int
    """Of HTTP/1.1, and those that have not said anything yet."""
    http2: int
    tunnels: int
    """What connections became after 101."""
    arriving: int
    """Accepted, but still in a TLS handshake or before their PROXY header."""
    accepted: int
    """Connections since the start, of whatever came of them."""
    handshakes: int
    """Of TLS with clients that were finished, since the start."""
    handshakes_failed: int
    """Of TLS with clients that failed or took too long, since the start."""
    most: int | None
    """Connections for which there are descriptors; None while nobody has looked."""
    exchanges: int
    """Under way: requests in HTTP/1.1, those in line behind them included, and calls in HTTP/2."""
    streams: int
    """Of those, the calls in HTTP/2."""
    begun: int
    """Exchanges since the start, refused ones included."""
    draining: bool
    """No connection is accepted any more, and the open ones end with what is under way."""
    pools: tuple[PoolStatus, ...]
    """One for each service, in the order of the configuration."""
    processes: int = 1
    """Those that take connections: workers, or the only one."""
    replaced: int = 0
    """Workers since the start that have ended before their time."""

    @property
    def connections(self) -> int:
        """Of all kinds, without those that are arriving."""
        return self.http1 + self.http2 + self.tunnels
