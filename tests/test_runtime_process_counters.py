from ipaddress import ip_address

import pytest

from authproxy.runtime.process.counters import limits_of_one_process
from authproxy.settings import LimitSettings

CLIENT = ip_address("192.0.2.1")


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({}, None),
        ({"requests_per_second": 2.5}, 3),
        ({"requests_per_second": 0.5}, 1),
        ({"requests_per_second": 2.0, "burst": 7}, 7),
    ],
)
def test_a_burst_is_what_a_second_brings_unless_it_is_set(
    settings: dict[str, float], passes: int | None
) -> None:
    rate = limits_of_one_process(LimitSettings.model_validate(settings)).rate
    passed = None if rate is None else [rate.take("a", 0.0) for _ in range(9)].count(0.0)

    assert passes == passed


def test_connections_are_counted_by_the_settings() -> None:
    limits = limits_of_one_process(LimitSettings(connections=3, connections_per_client=1))

    assert limits.connections.opened(CLIENT) is None
    assert "limits.connections_per_client = 1" in (limits.connections.opened(CLIENT) or "")


def test_wrong_keys_are_counted_whatever_the_settings_are() -> None:
    counts = limits_of_one_process(LimitSettings()).wrong_keys
    for _ in range(11):
        counts.note(CLIENT, 0.0)

    assert counts.wait_s(CLIENT, 0.0) > 0
