"""Counts: how often somebody may ask, how often be wrong, how often connected.

Memory has a bound: of very many clients, those that have not been seen for longest are forgotten.
It is that of one process, if nobody gives another (`ClientValues`).
"""

from collections import Counter
from collections.abc import Hashable
from ipaddress import IPv6Address
from typing import Protocol, TypeVar

from cachetools import LRUCache

from authproxy.policy.access.networks import Address

MAX_CLIENTS = 65_536
FREE_TRIES = 10
"""Wrong keys that cost nothing, as a client may have an old one for a moment."""
LONGEST_WAIT_S = 60.0
FORGIVEN_AFTER_S = 600.0

Value = TypeVar("Value")


class ClientValues(Protocol[Value]):
    """A value for each client. Some may be forgotten."""

    def get(self, who: Hashable, default: Value, /) -> Value:
        """`default` where nothing is known."""

    def __setitem__(self, who: Hashable, value: Value, /) -> None:
        """From now on it is `value`."""

    def pop(self, who: Hashable, default: Value, /) -> Value:
        """Forget it; what it was."""

    def __len__(self) -> int:
        """How many are known."""


class RateLimiter:
    """So many requests per second for each client, and as many at once as `burst` says.

    The generic cell rate algorithm (ITU-T I.371): a client's state is the moment at which its debt
    will have been worked off.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        *,
        clients: int = MAX_CLIENTS,
        kept: ClientValues[float] | None = None,
    ) -> None:
        self._each_s = 1.0 / per_second
        self._tolerance_s = self._each_s * max(burst, 1) - self._each_s
        self._free_at: ClientValues[float] = LRUCache(clients) if kept is None else kept

    def take(self, who: Hashable, now: float) -> float:
        """Zero when the request passes, else the seconds until one will. `now` never goes back."""
        free_at = self._free_at.get(who, now)
        wait = free_at - now - self._tolerance_s
        if wait > 0:
            return wait
        self._free_at[who] = max(free_at, now) + self._each_s
        return 0.0

    def __repr__(self) -> str:
        return f"<RateLimiter [{1 / self._each_s:g} per second, {len(self._free_at)} clients]>"


class WrongKeyCounter:
    """Wrong keys by client: after some of them, each takes longer than the one before."""

    def __init__(
        self, *, clients: int = MAX_CLIENTS, kept: ClientValues[tuple[int, float]] | None = None
    ) -> None:
        self._counts: ClientValues[tuple[int, float]] = LRUCache(clients) if kept is None else kept
        """How many, and when the next one will be looked at."""

    def wait_s(self, client: Address | None, now: float) -> float:
        """Zero when a key of this client's will be looked at, else the seconds until then."""
        _, until = self._counts.get(network_of(client), (0, now))
        return max(0.0, until - now)

    def note(self, client: Address | None, now: float) -> None:
        """It showed a wrong key."""
        who = network_of(client)
        count, until = self._counts.get(who, (0, now))
        if now - until > FORGIVEN_AFTER_S:
            count = 0
        self._counts[who] = count + 1, now + wait_after(count)

    def forget(self, client: Address | None) -> None:
        """It showed a right key."""
        self._counts.pop(network_of(client), (0, 0.0))

    def __repr__(self) -> str:
        return f"<WrongKeyCounter [{len(self._counts)} clients]>"


class ConnectionCounter:
    """Open connections, of each client and in all. A bound of zero is none."""

    def __init__(self, total: int, per_client: int) -> None:
        self._total = total
        self._per_client = per_client
        self._open: Counter[Hashable] = Counter()
        self._all = 0

    def opened(self, client: Address | None) -> str | None:
        """Count one more; why it is one too many, for the log. It is counted all the same."""
        who = network_of(client)
        self._open[who] += 1
        self._all += 1
        if self._total and self._all > self._total:
            return too_many(self._all, self._total)
        if self._per_client and self._open[who] > self._per_client:
            return too_many_of(client, self._open[who], self._per_client)
        return None

    def closed(self, client: Address | None) -> None:
        who = network_of(client)
        self._all -= 1
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]

    def __repr__(self) -> str:
        return f"<ConnectionCounter [{self._all} open, {len(self._open)} clients]>"


def wait_after(count: int) -> float:
    """One more wrong key after `count` of them: the seconds until another is looked at."""
    if count < FREE_TRIES:
        return 0.0
    return min(2.0 ** min(count - FREE_TRIES, 10), LONGEST_WAIT_S)  # 2.0 ** 1024 is too large


def too_many(count: int, most: int) -> str:
    """For the log."""
    return f"{count} connections are more than limits.connections = {most}"


def too_many_of(client: Address | None, count: int, most: int) -> str:
    """For the log."""
    return (
        f"{count} connections of {client or 'Unix sockets'} are more than"
        f" limits.connections_per_client = {most}"
    )


def network_of(client: Address | None) -> Hashable:
    """What counts as one client: an address, of IPv6 the /64 that a single one may have whole."""
    return client.packed[:8] if isinstance(client, IPv6Address) else client
