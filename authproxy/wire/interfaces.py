"""Protocols of open connections and of the register that the server keeps of them.

Each of these is the narrow side of something that is made further up, so that what is down here
does not know what is up there.
"""

from typing import Protocol

from authproxy.policy.access.networks import Address
from authproxy.settings import TimeoutSettings
from authproxy.wire.status import Kind


class OpenConnection(Protocol):
    """Something open: a client's connection, or the tunnel that took its place."""

    @property
    def kind(self) -> Kind:
        """What it speaks: `http1` also before the first byte has come."""

    def tick(self, seconds: float, timeouts: TimeoutSettings, /) -> None:
        """`seconds` passed since the last tick: close what is overdue, by the server's `timeouts`
        or those of its service."""

    @property
    def idle_s(self) -> float:
        """Seconds for which nothing has been in flight; 0.0 while something is."""

    @property
    def in_flight(self) -> int:
        """How many requests, calls and tunnels have not ended."""

    def drain(self) -> None:
        """Close now if nothing is in flight, else as soon as that is so; may be called again."""

    def recheck(self) -> None:
        """The rules are others: end at once what may not go on by them."""

    def time_is_up(self) -> None:
        """Close now, with last words where those can be said."""

    def cut(self) -> None:
        """Close at once."""


class Register(Protocol):
    """Knows all that is open: it lets time pass there, and ends it."""

    draining: bool
    """The server ends: what is under way is the last."""

    def opened(self, connection: OpenConnection, client: Address | None, /) -> str | None:
        """Something open, of `client`, None on a Unix socket; `closed` follows.

        Why it is one too many, for the log; None if it is not. It is open all the same: refuse it.
        """

    def closed(self, connection: OpenConnection, /) -> None:
        """It is over, or something else took its place. May be told twice."""
