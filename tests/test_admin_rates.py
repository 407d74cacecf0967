from authproxy.admin.inside import RequestCounts
from authproxy.admin.rates import EVERY_S, OVER_S, Rate, Rates
from tests.support.clock import FakeClock


def test_a_rate_is_the_mean_of_the_last_minute() -> None:
    clock, counts = FakeClock(), {"a": RequestCounts(100, 0)}
    rates = Rates(lambda: counts, clock=clock)
    for _ in range(int(2 * OVER_S / EVERY_S)):
        clock.advance(EVERY_S)
        counts = {"a": RequestCounts(counts["a"].requests + 10, counts["a"].errors + 1)}
        rates.look()

    assert {"a": Rate(2.0, 0.2)} == rates.now()


def test_a_rate_is_known_before_a_minute_has_passed_and_for_who_comes_later() -> None:
    clock, counts = FakeClock(), dict[str, RequestCounts]()
    rates = Rates(lambda: counts, clock=clock)
    counts["late"] = RequestCounts(3, 3)

    assert {"late": Rate(3.0, 3.0)} == rates.now()
    clock.advance(2.0)
    assert {"late": Rate(1.5, 1.5)} == rates.now()
