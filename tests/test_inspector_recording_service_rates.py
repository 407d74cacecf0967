from typing import Any

import pytest

from authproxy.inspector.recording.service_rates import STEP_S, STEPS, ServiceRates
from tests.support.exchanges import exchange


def note(rates: ServiceRates, status: int, duration_s: float, ended: float, number: int) -> None:
    made = exchange(status=status)
    made.number, made.started, made.duration_s = number, ended - duration_s, duration_s
    rates.note(made)


def shown(rates: ServiceRates, now: float) -> Any:
    return rates.shown("billing", now)


def test_exchanges_of_the_last_quarter_of_an_hour_are_counted() -> None:
    rates = ServiceRates()
    for at, status in [(5, 200), (1000, 200), (1001, 404), (1500, 503), (1500, 0)]:
        note(rates, status, 0.01, at + 0.001, at)

    found = shown(rates, 1500)

    assert 4 == found["exchanges"]
    assert {"2xx": 1, "4xx": 1, "5xx": 1, "none": 1} == found["statuses"]
    assert STEPS == len(found["rate"]) == len(found["p99"])
    assert (2, 2, 1) == (found["rate"][-1], found["rate"][-51], found["failed"][-1])
    assert [1500, 1500, 1001] == rates.failures("billing")


@pytest.mark.parametrize("took", [0.0001, 0.0005, 0.02, 1.5, 3000.0])
def test_percentiles_are_right_within_a_tenth(took: float) -> None:
    rates = ServiceRates()
    for number in range(100):
        note(rates, 200, took if number < 96 else took * 100, 10, number)

    found = shown(rates, 10)

    assert found["p50_ms"] == pytest.approx(took * 1000, rel=0.1)
    assert found["p95_ms"] == pytest.approx(took * 1000, rel=0.1)
    assert found["p99_ms"] == pytest.approx(took * 100_000, rel=0.1)


def test_service_without_exchanges_has_no_percentiles() -> None:
    found = shown(ServiceRates(), 10)

    assert (0, {}, None) == (found["exchanges"], found["statuses"], found["p50_ms"])
    assert [] == ServiceRates().failures("billing")


def test_what_is_kept_is_bounded_however_long_it_runs() -> None:
    rates = ServiceRates()
    for step in range(5 * STEPS):
        note(rates, 500, 0.1, step * STEP_S + 1, step)

    assert STEPS == shown(rates, 5 * STEPS * STEP_S - 1)["exchanges"]
    assert 10 == len(rates.failures("billing"))
