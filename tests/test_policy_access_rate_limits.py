"""How often, how wrong, how many: by clocks that the tests set."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.access.rate_limits import (
    ConnectionCounter,
    RateLimiter,
    WrongKeyCounter,
    network_of,
)

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def test_a_burst_passes_and_then_one_after_another() -> None:
    limiter = RateLimiter(10, 3)

    assert [0.0, 0.0, 0.0] == [limiter.take("a", 100.0) for _ in range(3)]
    assert limiter.take("a", 100.0) == pytest.approx(0.1)
    assert 0.0 == limiter.take("b", 100.0)
    assert 0.0 == limiter.take("a", 100.11)
    assert limiter.take("a", 100.11) == pytest.approx(0.09)
    assert "<RateLimiter [10 per second, 2 clients]>" == repr(limiter)


@given(st.lists(st.floats(0, 0.5), max_size=200), st.integers(1, 20), st.integers(1, 50))
def test_never_more_than_the_burst_and_the_rate_pass(
    pauses: list[float], burst: int, rate: int
) -> None:
    limiter, now, passed = RateLimiter(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        passed += limiter.take("a", now) == 0.0

    assert passed <= burst + now * rate + 1


def test_who_has_not_been_seen_for_longest_is_forgotten() -> None:
    limiter = RateLimiter(0.001, 1, clients=2)
    for who in "abc":
        limiter.take(who, 0.0)

    assert [0.0, True] == [limiter.take("a", 1.0), limiter.take("c", 1.0) > 0]


def test_each_wrong_key_takes_longer_than_the_one_before() -> None:
    failures, now, waits = WrongKeyCounter(), 0.0, []
    for _ in range(18):
        failures.note(A, now)
        waits.append(failures.wait_s(A, now))
        now += waits[-1]

    assert [0.0] * 10 + [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == waits
    assert 0.0 == failures.wait_s(B, now - 30)


def test_who_has_been_wrong_for_days_still_waits_for_a_minute() -> None:
    failures = WrongKeyCounter()
    for minute in range(1100):
        failures.note(A, 60.0 * minute)

    assert 60.0 == failures.wait_s(A, 60.0 * 1099)


def test_what_was_wrong_is_forgiven() -> None:
    failures = WrongKeyCounter()
    for _ in range(12):
        failures.note(A, 0.0)
        failures.note(B, 0.0)
    failures.forget(A)
    failures.note(B, 1000.0)

    assert [0.0, 0.0] == [failures.wait_s(A, 0.0), failures.wait_s(B, 1000.0)]
    assert "<WrongKeyCounter [1 clients]>" == repr(failures)


def test_connections_are_counted_for_each_client_and_in_all() -> None:
    counter = ConnectionCounter(3, 2)
    opened = [counter.opened(client) for client in (A, A, A, None)]
    for client in (A, A, A, None):
        counter.closed(client)

    assert [
        None,
        None,
        "3 connections of 192.0.2.1 are more than limits.connections_per_client = 2",
        "4 connections are more than limits.connections = 3",
    ] == opened
    assert "<ConnectionCounter [0 open, 0 clients]>" == repr(counter)
    assert counter.opened(A) is None


def test_without_bounds_any_number_passes() -> None:
    counter = ConnectionCounter(0, 0)

    assert {None} == {counter.opened(A) for _ in range(100)}


def test_a_client_of_ipv6_is_its_whole_network() -> None:
    one, other = (network_of(ip_address(f"2001:db8::{n}")) for n in (1, 2))

    assert one == other != network_of(ip_address("2001:db8:0:1::1"))
    assert [A, None] == [network_of(A), network_of(None)]
