import random
from ipaddress import ip_address

from authproxy.policy.access.client_limits import ConnectionCounts
from authproxy.policy.access.networks import Address
from authproxy.policy.access.rate_limits import ConnectionCounter
from authproxy.settings import LimitSettings
from tests.support.sharing import two_workers

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
CLIENTS = [A, B, None, ip_address("2001:db8::1"), ip_address("2001:db8::2")]


def test_they_are_counted_as_in_one_process_however_they_are_spread() -> None:
    chance, alone = random.Random(3), ConnectionCounter(12, 4)
    open_now: list[tuple[ConnectionCounts, Address | None]] = []
    with two_workers(LimitSettings(connections=12, connections_per_client=4)) as (_, both):
        for _ in range(1000):
            if open_now and chance.random() < 0.48:
                counts, client = open_now.pop(chance.randrange(len(open_now)))
                counts.closed(client)
                alone.closed(client)
            else:
                counts, client = chance.choice(both).connections, chance.choice(CLIENTS)
                open_now.append((counts, client))

                assert alone.opened(client) == counts.opened(client)


def test_those_of_a_worker_that_has_died_count_no_more() -> None:
    with two_workers(LimitSettings(connections_per_client=3)) as (parent, (one, other)):
        for _ in range(3):
            one.connections.opened(A)
        refused = other.connections.opened(A)
        other.connections.closed(A)
        parent.gone(1)

        assert refused == (
            "4 connections of 192.0.2.1 are more than limits.connections_per_client = 3"
        )
        assert other.connections.opened(A) is None
        assert "<SharedConnections [1 of 1 open]>" == repr(other.connections)


def test_one_bound_goes_without_the_other() -> None:
    with two_workers(LimitSettings(connections=1)) as (_, (one, other)):
        assert one.connections.opened(A) is None
        assert "2 connections are more than limits.connections = 1" == other.connections.opened(A)


def test_without_bounds_nothing_is_written() -> None:
    with two_workers(LimitSettings()) as (_, (one, _other)):
        assert one.connections.opened(A) is None
        one.connections.closed(A)

        assert "<SharedConnections [0 of 0 open]>" == repr(one.connections)
