import pytest

from authproxy.wire.rare_warnings import QUIET_S, Seldom
from tests.support.clock import FakeClock


def test_what_anybody_can_cause_is_written_seldom(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    seldom = Seldom(clock)
    for _ in range(1500):
        seldom.warn("again")
    assert "<Seldom [1499 unsaid]>" == repr(seldom)
    clock.advance(QUIET_S)
    seldom.warn("later")
    clock.advance(QUIET_S)
    seldom.warn("last")

    expected = ["again", "later; and 1,499 more since the last such line", "last"]
    assert expected == caplog.messages
