"""Counters that are shared, as several processes would share them: what one sees counts at all."""

from collections.abc import Hashable
from ipaddress import ip_address

from authproxy.policy.access.client_limits import (
    ClientLimits,
    ConnectionCounts,
    RateLimit,
    WrongKeyCounts,
)
from authproxy.policy.access.networks import Address
from authproxy.policy.access.rate_limits import ConnectionCounter, RateLimiter, WrongKeyCounter

CLIENT = ip_address("192.0.2.1")


class Elsewhere:
    """Asks somebody else, with what can be written down: names, bytes, numbers."""

    def __init__(self, rate: RateLimit) -> None:
        self._rate = rate
        self.sent: list[tuple[str, float]] = []

    def take(self, who: Hashable, now: float) -> float:
        self.sent.append((repr(who), now))
        return self._rate.take(who, now)


def process(rate: RateLimit, keys: WrongKeyCounts, connections: ConnectionCounts) -> ClientLimits:
    return ClientLimits(rate=Elsewhere(rate), wrong_keys=keys, connections=connections)


def test_what_two_processes_count_together_holds_for_both() -> None:
    shared = RateLimiter(1, 1), WrongKeyCounter(), ConnectionCounter(1, 0)
    one, other = process(*shared), process(*shared)
    assert one.rate is not None is not other.rate
    client: Address | None = CLIENT

    assert (0.0, 1.0) == (one.rate.take("key", 5.0), other.rate.take("key", 5.0))
    assert one.connections.opened(client) is None
    assert other.connections.opened(client) is not None
    one.connections.closed(client)
    other.connections.closed(client)
    assert other.connections.opened(client) is None
    for _ in range(11):
        one.wrong_keys.note(client, 0.0)
    assert other.wrong_keys.wait_s(client, 0.0) > 0
    one.wrong_keys.forget(client)
    assert 0.0 == other.wrong_keys.wait_s(client, 0.0)
