"""Checks of this machine: the clock."""

import time
from collections.abc import Callable

from authproxy.commands.doctor.report import Result, failed, not_run, ok
from authproxy.errors import CredentialError
from authproxy.identity.clock_skew import duration
from authproxy.identity.google.egress import Egress
from authproxy.identity.sources.inspection import clock_offset_s
from authproxy.threads import in_thread

TOLERATED_S = 60.0
"""What is further off than this is a clock that nobody sets."""


async def check_clock(egress: Egress, clock: Callable[[], float] = time.time) -> Result:
    """By the time in an answer of Google's; where Google cannot be asked, nothing is known."""
    try:
        offset_s = await in_thread(clock_offset_s, egress, clock, name="doctor-clock")
    except CredentialError as error:
        return not_run(error.message.removeprefix("clock: "))
    return judge_clock(offset_s)


def judge_clock(offset_s: float) -> Result:
    """`offset_s` is Google's clock minus ours."""
    if offset_s == 0:
        return ok("agrees with Google's")
    side = "behind" if offset_s > 0 else "ahead of"
    told = f"{duration(abs(offset_s))} {side} Google's"
    if abs(offset_s) <= TOLERATED_S:
        return ok(f"{told}, which is harmless")
    return failed(
        f"this machine's clock is {told}",
        "Set the clock, for example with: timedatectl set-ntp true",
    )
