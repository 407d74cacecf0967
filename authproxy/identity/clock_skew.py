"""Difference between this machine's clock and Google's, by the `Date` of Google's answers.

Laptops and virtual machines wake up with clocks that are hours off. Tokens end by Google's clock,
so theirs is the time that counts here. A `Date` is cut to whole seconds (RFC 9110 5.6.7) and was
written at some moment between question and answer: it says of the difference only that it lies
between two bounds. What is believed is the difference nearest to the one believed before, so a
clock that is right is never corrected, and a slow answer changes nothing.
"""

import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

WORTH_TELLING_S = 10.0
"""Less than this does nobody any harm."""
CHANGED_S = 60.0
"""What was told is told again when the difference has changed by more than this."""
GOOGLE_TAKES_S = 300.0
"""An assertion that a key file signed is refused when it is further off than some minutes:
`Token must be a short-lived token (60 minutes) and in a reasonable timeframe`."""

DOMAINS = (".googleapis.com", ".google.com")
RESOLUTION_S = 1.0


class Skew:
    """The difference, as far as it is known; written by the threads that mint."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.offset_s = 0.0
        """Google's clock minus ours: positive when ours is behind. 0 until an answer says more."""
        self._clock = clock
        self._told_s = 0.0

    def clock(self) -> float:
        """Our own clock, uncorrected."""
        return self._clock()

    def now(self) -> float:
        """Google's time, in seconds since the epoch."""
        return self._clock() + self.offset_s

    def heard(self, date: str | None, *, sent_at: float) -> None:
        """An answer of Google's, received now, to a question sent at `sent_at` by `clock`."""
        written_at = _moment(date)
        if written_at is None:
            return
        least = written_at - self._clock()
        most = written_at + RESOLUTION_S - sent_at
        if least > most:
            return  # our clock was set back meanwhile
        self.offset_s = min(max(self.offset_s, least), most)
        self._tell()

    def _tell(self) -> None:
        offset_s = self.offset_s
        if abs(offset_s) < WORTH_TELLING_S:
            if self._told_s:
                logger.info("this machine's clock agrees with Google's again")
            self._told_s = 0.0
        elif not self._told_s or abs(offset_s - self._told_s) > CHANGED_S:
            self._told_s = offset_s
            _warn(offset_s)

    def __repr__(self) -> str:
        return f"<Skew [{self.offset_s:+.0f} s]>"


def is_google(url: str) -> bool:
    """Whether the host of `url` is known to be Google's own."""
    return ("." + (urlsplit(url).hostname or "")).endswith(DOMAINS)


def _warn(offset_s: float) -> None:
    logger.warning(
        "this machine's clock is %s %s Google's: authproxy allows for that, but Google refuses a"
        " key file's signatures when the clock is more than %.0f minutes off; set the clock, for"
        " example with: timedatectl set-ntp true",
        duration(abs(offset_s)),
        "behind" if offset_s > 0 else "ahead of",
        GOOGLE_TAKES_S / 60,
        extra={"clock_skew_s": round(-offset_s)},
    )


def duration(seconds: float) -> str:
    """`12 s`, `3 min 20 s`, `2 h 5 min`, `3 days`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} days"


def _moment(date: str | None) -> float | None:
    from email.utils import parsedate_to_datetime  # comes with much of what mails are made of

    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None
