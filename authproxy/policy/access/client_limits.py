"""Limits that all clients have to keep within, as the data path asks for them.

Protocols only: who counts is handed in. Several processes that answer at the same address can so
count together; `rate_limits` counts for one. All three are asked on the event loop and answer at
once. `now` is in seconds of `time.monotonic`, which all processes of one machine share.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from authproxy.policy.access.networks import Address


class RateLimit(Protocol):
    """Limit of one client's requests in a time."""

    def take(self, who: Hashable, now: float) -> float:
        """Zero when the request passes, which counts it, else the seconds until one will.

        `who`: the name of the key that was shown, else what `rate_limits.network_of` gives. `now`
        never goes back.
        """


class WrongKeyCounts(Protocol):
    """Limit of one client's tries with wrong keys. A client is as `network_of` has it."""

    def wait_s(self, client: Address | None, now: float) -> float:
        """Zero when a key of this client's will be looked at, else the seconds until then.

        `now` as for `RateLimit.take`.
        """

    def note(self, client: Address | None, now: float) -> None:
        """It showed a wrong key; `now` as before."""

    def forget(self, client: Address | None) -> None:
        """It showed a right one: those before count no more."""


class ConnectionCounts(Protocol):
    """Limits of connections, of one client and in all."""

    def opened(self, client: Address | None) -> str | None:
        """Count one more, also when it is one too many; then why, for the log, else None.

        `client`: None for one on a Unix socket. `closed` follows once, with the same one.
        """

    def closed(self, client: Address | None) -> None:
        """It is no more; `client` as it was when it was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """All that counts clients, wherever they come in."""

    connections: ConnectionCounts
    wrong_keys: WrongKeyCounts
    rate: RateLimit | None
    """None: they may ask as often as they like."""
