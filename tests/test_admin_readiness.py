"""Is it ready? Every way that tokens can stand, as a table."""

import pytest

from authproxy.admin.inside import Phase
from authproxy.admin.readiness import health, service_health
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import TokenStatus
from tests.support.admin import TROUBLE, service, token_status

GOOD, STALE, NONE = TokenState.FRESH, TokenState.STALE, TokenState.INVALID

STANDINGS = [
    ("all is well", token_status(GOOD), True, ""),
    ("it is being renewed", token_status(STALE, minting=True), True, ""),
    ("an outage with a good token", token_status(STALE, trouble=TROUBLE), True, "still good"),
    ("an outage without one", token_status(NONE, trouble=TROUBLE), False, "Google said no. Sign"),
    ("no credentials", token_status(NONE, trouble=TROUBLE, obtained=0), False, "Google said no."),
    ("an idle day", token_status(NONE), True, ""),
    ("the next token after an idle day", token_status(NONE, minting=True), True, ""),
    ("just started", token_status(NONE, obtained=0, minting=True), False, "No token has come yet."),
    ("not begun", token_status(NONE, obtained=0), False, "No token has come yet."),
]


@pytest.mark.parametrize(
    ("what", "status", "ready", "why"), STANDINGS, ids=[each[0] for each in STANDINGS]
)
def test_a_service_is_ready_unless_its_requests_would_fail(
    what: str, status: TokenStatus, ready: bool, why: str
) -> None:
    found = service_health(service("a", status))

    assert (ready, True) == (found.ready, why in found.why), what
    assert bool(why) == bool(found.why)


def test_what_keeps_a_service_from_working_is_said_before_what_does_not() -> None:
    found = service_health(
        service(
            "a", token_status(STALE, trouble=TROUBLE), token_status(NONE, obtained=0, minting=True)
        )
    )

    assert (False, "No token has come yet.") == (found.ready, found.why)


@pytest.mark.parametrize(
    ("phase", "ready"), [("starting", False), ("serving", True), ("draining", False)]
)
def test_only_while_serving_anything_is_ready(phase: Phase, ready: bool) -> None:
    assert ready == health(phase, [service("a")]).ready


def test_one_service_that_is_not_ready_is_enough() -> None:
    assert not health("serving", [service("a"), service("b", token_status(NONE, obtained=0))]).ready
