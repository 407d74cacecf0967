"""The same decisions as in one process, whoever of the workers is asked."""

import random
from ipaddress import ip_address

import pytest

from authproxy.policy.access.networks import Address
from authproxy.policy.access.rate_limits import RateLimiter, WrongKeyCounter
from authproxy.settings import LimitSettings
from tests.support.sharing import two_workers

A, B, NET = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("2001:db8::1")


def test_the_rate_is_that_of_one_process_however_requests_are_spread() -> None:
    chance, now = random.Random(1), 1000.0
    alone = RateLimiter(5, 3)
    with two_workers(LimitSettings(requests_per_second=5, burst=3)) as (_, both):
        for _ in range(500):
            now += chance.random() / 4
            who = chance.choice([A, B, "a key"])
            rate = chance.choice(both).rate

            assert rate is not None
            assert alone.take(who, now) == rate.take(who, now)


def test_without_a_rate_nothing_is_counted() -> None:
    with two_workers(LimitSettings()) as (_, both):
        assert [None, None] == [each.rate for each in both]


def test_what_a_worker_has_counted_stays_when_it_dies() -> None:
    with two_workers(LimitSettings(requests_per_second=1)) as (parent, (one, other)):
        assert one.rate is not None
        assert other.rate is not None
        one.rate.take(A, 100.0)
        parent.gone(1)

        assert 1.0 == other.rate.take(A, 100.0)
        assert "<SharedRate <RateLimiter [1 per second, 1 clients]>>" == repr(one.rate)


def test_wrong_keys_are_those_that_all_have_seen() -> None:
    chance, now = random.Random(2), 1000.0
    alone, longest = WrongKeyCounter(), 0.0
    with two_workers(LimitSettings()) as (_, both):
        for _ in range(600):
            now += chance.random() * 10
            client = chance.choice([A, B, NET, None])
            keys = chance.choice(both).wrong_keys
            match chance.randrange(60):
                case 0:
                    keys.forget(client)
                    alone.forget(client)
                case 1:
                    now += 700
                case _:
                    keys.note(client, now)
                    alone.note(client, now)
            waits = [each.wrong_keys.wait_s(client, now) for each in both]

            assert [alone.wait_s(client, now)] * 2 == waits
            longest = max(longest, *waits)
        assert longest > 10


@pytest.mark.parametrize("client", [A, None, NET])
def test_a_right_key_takes_nothing_from_who_has_shown_no_wrong_one(client: Address | None) -> None:
    with two_workers(LimitSettings()) as (_, (one, _other)):
        one.wrong_keys.forget(client)

        assert "<SharedWrongKeys <WrongKeyCounter [0 clients]>>" == repr(one.wrong_keys)
