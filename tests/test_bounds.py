from typing import Any

import pytest
from pydantic import ValidationError

from authproxy.bounds import LimitSettings, TimeoutSettings


def test_amounts_and_times_may_have_a_unit() -> None:
    limits = LimitSettings.model_validate(
        {"head_bytes": "64KiB", "body_bytes": "10MB", "requests_per_second": "600/min"}
    )
    timeouts = TimeoutSettings.model_validate({"connect": "250ms", "total": "1h"})

    assert (65536, 10_000_000, 10) == (
        limits.head_bytes,
        limits.body_bytes,
        limits.requests_per_second,
    )
    assert (0.25, 3600) == (timeouts.connect, timeouts.total)


@pytest.mark.parametrize(
    "given",
    [{"connect": 0}, {"connect": "0s"}, {"connect": "-1s"}, {"drain": -1}, {"token": float("nan")}],
)
def test_a_time_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TimeoutSettings.model_validate(given)


@pytest.mark.parametrize(
    "given", [{"headers": 1}, {"body_bytes": "-1KB"}, {"connections_per_service": 0}]
)
def test_an_amount_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LimitSettings.model_validate(given)
