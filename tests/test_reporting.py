from typing import Any

import pytest
from pydantic import ValidationError

from authproxy.reporting import AuthorizerSettings, LogSettings
from authproxy.values import Listen


@pytest.mark.parametrize(
    ("given", "expected"), [(0.1, 0.1), ("10%", 0.1), ("0.5", 0.5), (1, 1.0), (0, 0.0)]
)
def test_a_share_is_a_number_or_percent(given: object, expected: float) -> None:
    assert expected == LogSettings.model_validate({"sample": given}).sample


@pytest.mark.parametrize(
    "given",
    [
        {"sample": 1.5},
        {"sample": "150%"},
        {"sample": -0.1},
        {"sample": "half"},
        {"sample": True},
        {"slow": -1},
        {"trace_project": "My Project"},
        {"file": ""},
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LogSettings.model_validate(given)


def test_slow_may_have_a_unit() -> None:
    assert 0.25 == LogSettings.model_validate({"slow": "250ms"}).slow


def test_only_places_that_are_given_count() -> None:
    here = Listen("127.0.0.1", 9191)

    assert () == AuthorizerSettings().places
    assert (("grpc", here),) == AuthorizerSettings(grpc=here).places
