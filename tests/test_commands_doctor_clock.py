import pytest

from authproxy.commands.doctor.clock import check_clock, judge_clock
from authproxy.commands.doctor.report import Result, failed, not_run, ok
from authproxy.values import parse_egress_url

FIX = "Set the clock, for example with: timedatectl set-ntp true"


@pytest.mark.parametrize(
    ("offset_s", "expected"),
    [
        (0, ok("agrees with Google's")),
        (60, ok("1 min 0 s behind Google's, which is harmless")),
        (-12, ok("12 s ahead of Google's, which is harmless")),
        (61, failed("this machine's clock is 1 min 1 s behind Google's", FIX)),
        (-7500, failed("this machine's clock is 2 h 5 min ahead of Google's", FIX)),
    ],
)
def test_a_clock_that_is_far_off_is_wrong(offset_s: float, expected: Result) -> None:
    assert expected == judge_clock(offset_s)


async def test_where_google_cannot_be_asked_nothing_is_known() -> None:
    nobody = parse_egress_url("http://127.0.0.1:9", source="egress_proxy")

    assert not_run("cannot reach www.googleapis.com (ProxyError)") == await check_clock(nobody)
