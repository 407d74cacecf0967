import logging
import random
from collections.abc import Callable

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.source import product_of
from authproxy.identity.token_cache.lifetime import Held
from authproxy.identity.token_cache.retry_state import RetryState, told
from authproxy.values.wording import utc
from tests.support.source import FakeSource

NOW = 1_800_000_000.0
NO = CredentialError("no", permanent=False)
NEVER = CredentialError("never", permanent=True)
CROWD = CredentialError("too many ask", pause_s=0.0)


class Steady(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@pytest.fixture
def retries() -> RetryState:
    return RetryState(
        "fake", "https://a", product_of(FakeSource(lambda: 0.0), "https://a"), Steady()
    )


def holding(left_s: float) -> Held:
    token = Token(
        value=Secret("x"),
        expires_at=NOW + left_s,
        audience="https://a",
        principal="p",
        source="fake",
        issued_at=NOW,
    )
    return Held(token=token, stale_at=NOW + left_s - 300, invalid_at=NOW + left_s)


def test_at_first_there_is_no_failure_and_nothing_to_wait_for(retries: RetryState) -> None:
    assert (None, None, True) == (
        retries.failure,
        retries.recent_failure(NOW),
        retries.retry_at < 0,
    )


@pytest.mark.parametrize(
    ("error", "age", "expected"),
    [(NO, 0.9, NO), (NO, 1, None), (NEVER, 4.9, NEVER), (NEVER, 5, None), (NO, -3600, None)],
)
def test_a_failure_answers_for_a_little_while(
    retries: RetryState, error: CredentialError, age: float, expected: CredentialError | None
) -> None:
    retries.failed(error, None, NOW)

    assert expected is retries.recent_failure(NOW + age)


def test_where_too_many_ask_the_failure_answers_until_the_next_try(retries: RetryState) -> None:
    found = []
    for _ in range(5):
        retries.failed(CROWD, None, NOW)
        found.append(retries.retry_at - NOW)
        assert CROWD is retries.recent_failure(retries.retry_at - 0.1)
        assert None is retries.recent_failure(retries.retry_at)

    assert [2, 4, 8, 16, 16] == found


def test_who_was_asked_to_be_let_alone_is_let_alone(retries: RetryState) -> None:
    retries.failed(CredentialError("no", pause_s=30.0), None, NOW)

    assert 32 == retries.wait_s(NOW)


def test_who_waits_hears_when_the_next_try_is_where_too_many_ask(retries: RetryState) -> None:
    retries.failed(CredentialError("no", pause_s=30.0), None, NOW)
    refusal = retries.refusal(CROWD, NOW + 0.5)

    assert (32, {"Retry-After": "32"}, 0.0) == (
        refusal.retry_after_s,
        dict(refusal.fields),
        refusal.pause_s,
    )


def test_a_clock_that_was_set_back_keeps_nobody_from_asking_where_too_many_do(
    retries: RetryState,
) -> None:
    retries.failed(CROWD, None, NOW)

    assert None is retries.recent_failure(NOW - 3600)


def test_failures_in_a_row_put_the_next_try_off(retries: RetryState) -> None:
    waits = []
    for _ in range(3):
        retries.failed(NO, holding(300), NOW)
        waits.append(retries.retry_at - NOW)

    assert [1, 2, 4] == waits


def test_a_fresh_token_ends_the_failures(retries: RetryState) -> None:
    retries.failed(NO, holding(300), NOW)
    retries.obtained(holding(3600), NOW)

    assert (None, True) == (retries.failure, retries.retry_at < 0)


def test_a_token_that_is_stale_when_it_comes_is_no_progress(retries: RetryState) -> None:
    waits = []
    for _ in range(3):
        retries.obtained(holding(200), NOW)
        waits.append(retries.retry_at - NOW)

    assert [1, 2, 4] == waits


def test_a_refusal_names_the_audience_and_keeps_everything_else(retries: RetryState) -> None:
    error = CredentialError("no", hint="h", detail="d", permanent=True, retry_after_s=7)
    refusal = retries.refusal(error, NOW)

    assert ("no identity token for https://a: no", "h", "d", True, 7) == (
        refusal.message,
        refusal.hint,
        refusal.detail,
        refusal.permanent,
        refusal.retry_after_s,
    )


@pytest.mark.parametrize(
    ("second", "levels"),
    [
        pytest.param(
            lambda retries: retries.failed(NO, None, NOW), ["WARNING", "DEBUG"], id="the same again"
        ),
        pytest.param(
            lambda retries: retries.failed(NO, None, NOW + 299),
            ["WARNING", "DEBUG"],
            id="a little later",
        ),
        pytest.param(
            lambda retries: retries.failed(NO, None, NOW + 300),
            ["WARNING", "WARNING"],
            id="much later",
        ),
        pytest.param(
            lambda retries: retries.failed(NEVER, None, NOW), ["WARNING", "WARNING"], id="another"
        ),
        pytest.param(
            lambda retries: retries.failed(NO, holding(9), NOW),
            ["WARNING", "WARNING"],
            id="the same in another situation",
        ),
        pytest.param(
            lambda retries: (retries.obtained(holding(3600), NOW), retries.failed(NO, None, NOW)),
            ["WARNING", "INFO", "WARNING"],
            id="again after a token came",
        ),
    ],
)
def test_only_what_is_new_or_lasts_is_a_warning(
    retries: RetryState,
    caplog: pytest.LogCaptureFixture,
    second: Callable[[RetryState], object],
    levels: list[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    retries.failed(NO, None, NOW)
    second(retries)

    assert levels == [record.levelname for record in caplog.records]


def test_the_log_says_since_when_and_what_happens_next(
    retries: RetryState, caplog: pytest.LogCaptureFixture
) -> None:
    retries.failed(NO, None, NOW)
    retries.failed(NEVER, holding(60), NOW + 9)

    assert [
        "no identity token for https://a since 2027-01-15T08:00:00Z, so requests get 503 (next try"
        " in 1.0 s or at the next request): no",
        "no new token for https://a since 2027-01-15T08:00:00Z (the last one is good until"
        " 2027-01-15T08:01:00Z, next try in 2.0 s): never",
    ] == caplog.messages
    fields = ("audience", "source", "failing_since", "next_try_s", "permanent")
    assert ("https://a", "fake", NOW, 2.0, True) == tuple(
        caplog.records[-1].__dict__[name] for name in fields
    )


def test_the_operator_is_told_everything_in_one_line() -> None:
    error = CredentialError("no", hint="Do this.", detail="why")

    assert ("no [why]. Do this.", "no") == (told(error), told(NO))


def test_moments_are_written_in_utc() -> None:
    assert "2027-01-15T08:00:00Z" == utc(NOW)


def test_without_a_token_the_next_try_is_put_off_too(retries: RetryState) -> None:
    waits = []
    for _ in range(7):
        retries.failed(NO, None, NOW)
        waits.append(retries.wait_s(NOW))

    assert [1, 2, 4, 8, 16, 30, 30] == waits


def test_what_nobody_asks_for_is_tried_less_often(retries: RetryState) -> None:
    for _ in range(20):
        retries.failed(NO, None, NOW, wanted=False)

    assert 300 == retries.wait_s(NOW)


@pytest.mark.parametrize(("later", "wait_s"), [(0.25, 0.75), (1, 0), (9, 0), (-3, 0), (-7200, 0)])
def test_a_clock_that_was_set_back_does_not_put_the_next_try_off(
    retries: RetryState, later: float, wait_s: float
) -> None:
    retries.failed(NO, None, NOW)

    assert wait_s == retries.wait_s(NOW + later)


def test_when_the_cause_may_be_gone_nothing_is_to_be_waited_for(retries: RetryState) -> None:
    retries.failed(NEVER, None, NOW)
    retries.failed(NEVER, None, NOW)
    retries.forgive()
    assert (None, 0, NEVER) == (retries.recent_failure(NOW), retries.wait_s(NOW), retries.failure)

    retries.failed(NO, None, NOW)
    assert (1, 3) == (retries.wait_s(NOW), retries.failures)


def test_access_tokens_which_have_no_audience_are_called_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    retries = RetryState("fake", "", product_of(FakeSource(lambda: 0.0), ""), Steady())
    retries.failed(NO, None, NOW)

    assert "no access token for Google APIs: no" == retries.refusal(NO, NOW).message
    assert caplog.messages[0].startswith("no access token for Google APIs since ")
