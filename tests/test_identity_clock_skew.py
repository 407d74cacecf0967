import logging
from email.utils import formatdate

import pytest

from authproxy.identity.clock_skew import Skew, duration, is_google
from tests.support.clock import FakeClock

NOW = 1_800_000_000.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def skew(clock: FakeClock) -> Skew:
    return Skew(clock)


def date(at: float) -> str:
    return formatdate(at, usegmt=True)


def ask(skew: Skew, clock: FakeClock, behind_s: float, *, takes_s: float = 0.2) -> None:
    """An answer from a Google whose clock is so much ahead of ours, written half-way."""
    sent_at = clock()
    clock.advance(takes_s / 2)
    written = date(clock() + behind_s)
    clock.advance(takes_s / 2)
    skew.heard(written, sent_at=sent_at)


def test_until_google_answers_our_clock_is_right(skew: Skew) -> None:
    assert (0.0, NOW, NOW) == (skew.offset_s, skew.now(), skew.clock())


@pytest.mark.parametrize("fraction", [0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("takes_s", [0, 0.2, 3, 18])
def test_a_clock_that_is_right_is_never_corrected(fraction: float, takes_s: float) -> None:
    clock = FakeClock(NOW + fraction)
    skew = Skew(clock)
    ask(skew, clock, 0, takes_s=takes_s)

    assert 0 == skew.offset_s


@pytest.mark.parametrize("behind_s", [7200, 45, -45, -7200])
@pytest.mark.parametrize("fraction", [0, 0.4, 0.9])
def test_a_clock_that_is_wrong_is_corrected_to_about_a_second(
    behind_s: float, fraction: float
) -> None:
    clock = FakeClock(NOW + fraction)
    skew = Skew(clock)
    ask(skew, clock, behind_s)

    assert pytest.approx(behind_s, abs=1.2) == skew.offset_s


def test_a_correction_makes_times_google_s(skew: Skew, clock: FakeClock) -> None:
    ask(skew, clock, 3600, takes_s=0)

    assert NOW + 3600 == skew.now()


def test_a_clock_that_was_mended_is_no_longer_corrected(skew: Skew, clock: FakeClock) -> None:
    ask(skew, clock, 7200)
    clock.jump(7200)
    ask(skew, clock, 0)

    assert pytest.approx(0, abs=1.2) == skew.offset_s


def test_an_answer_across_a_clock_that_was_set_back_says_nothing(
    skew: Skew, clock: FakeClock
) -> None:
    sent_at = clock()
    clock.jump(-7200)
    skew.heard(date(NOW), sent_at=sent_at)

    assert 0 == skew.offset_s


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "Tue, 32 Nov 2026 99:00:00 GMT", "\x00", "0"]
)
def test_what_is_no_date_says_nothing(skew: Skew, clock: FakeClock, text: str | None) -> None:
    skew.heard(text, sent_at=clock())

    assert 0 == skew.offset_s


def test_it_is_told_once_and_again_when_it_changes_much(
    skew: Skew, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for behind_s in (3, 7500, 7500, 7520, -200, 0, 0):
        ask(skew, clock, behind_s, takes_s=0)

    consequence = (
        "Google's: authproxy allows for that, but Google refuses a key file's signatures when the"
        " clock is more than 5 minutes off; set the clock, for example with: timedatectl"
        " set-ntp true"
    )
    assert [
        f"this machine's clock is 2 h 5 min behind {consequence}",
        f"this machine's clock is 3 min 19 s ahead of {consequence}",
        "this machine's clock agrees with Google's again",
    ] == caplog.messages
    assert -7500 == caplog.records[0].__dict__["clock_skew_s"]


@pytest.mark.parametrize(
    ("url", "google"),
    [
        ("https://oauth2.googleapis.com/token", True),
        ("https://iamcredentials.googleapis.com:443/v1/x", True),
        ("https://accounts.google.com/o/oauth2/token", True),
        ("https://googleapis.com.evil.example/token", False),
        ("https://evilgoogleapis.com/", False),
        ("http://127.0.0.1:8080/token", False),
        ("", False),
    ],
)
def test_only_google_s_hosts_are_google(url: str, google: bool) -> None:
    assert google == is_google(url)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (200_000, "2 days")],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert text == duration(seconds)


def test_the_repr_says_by_how_much(skew: Skew, clock: FakeClock) -> None:
    ask(skew, clock, 90, takes_s=0)

    assert ("<Skew [+90 s]>", "<Skew [") == (repr(skew), repr(Skew())[:7])
