from authproxy.observe.metrics.reloads import Reloads
from tests.support.clock import FakeClock


def test_a_reload_that_failed_leaves_the_moment_of_the_last_good_one() -> None:
    clock = FakeClock(1000.0)
    reloads = Reloads(clock)
    assert 1000.0 == reloads.succeeded_at
    clock.advance(5)
    reloads.count(worked=True)
    clock.advance(5)
    reloads.count(worked=False)

    assert (1, 1, 1005.0) == (reloads.ok, reloads.failed, reloads.succeeded_at)
