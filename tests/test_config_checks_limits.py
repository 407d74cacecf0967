"""Bounds that never take hold. More in tests/test_configurations.py."""

import pytest

from tests.support.configuring import URL, warnings


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"AUTHPROXY_LIMITS_BURST": "5"}, ["AUTHPROXY_LIMITS_BURST"]),
        ({"AUTHPROXY_LIMITS_BURST": "5", "AUTHPROXY_LIMITS_REQUESTS_PER_SECOND": "1"}, []),
        ({"AUTHPROXY_TIMEOUTS_DRAIN": "30000"}, ["AUTHPROXY_TIMEOUTS_DRAIN"]),
        ({"AUTHPROXY_TIMEOUTS_TOTAL": "5"}, []),
        (
            {"AUTHPROXY_TIMEOUTS_TOTAL": "5", "AUTHPROXY_CONNECT_TIMEOUT": "9"},
            ["AUTHPROXY_CONNECT_TIMEOUT"],
        ),
        (
            {"AUTHPROXY_TIMEOUTS_FIRST_BYTE": "9", "AUTHPROXY_TOTAL_TIMEOUT": "5"},
            [],
        ),
    ],
)
def test_a_bound_beyond_another_is_warned_of(environ: dict[str, str], expected: list[str]) -> None:
    assert expected == [line.split(": ")[1] for line in warnings(urls=[URL], environ=environ)]
