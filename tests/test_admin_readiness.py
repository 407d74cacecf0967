"""Is it ready? Every way that tokens can stand, as a table."""

from contextlib import suppress
from dataclasses import replace

import pytest

from authproxy.admin.inside import Phase, ServiceState
from authproxy.admin.readiness import health, service_health
from authproxy.errors import CredentialError
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import TokenStatus
from tests.support.admin import TROUBLE, service, token_status
from tests.support.caching import A, make_cache, settled
from tests.support.clock import FakeClock
from tests.support.source import FakeSource, until

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


def test_an_account_of_a_key_that_has_no_token_is_named_with_the_reason() -> None:
    own, ci = token_status(), replace(token_status(NONE, trouble=TROUBLE), account="ci@x.example")
    found = service_health(service("a", own, ci))

    assert not found.ready
    assert "For keys that act as ci@x.example: Google said no. Sign in again." == found.why
    assert "me@x.example" == found.principal


@pytest.mark.parametrize(
    ("phase", "ready"), [("starting", False), ("serving", True), ("draining", False)]
)
def test_only_while_serving_anything_is_ready(phase: Phase, ready: bool) -> None:
    assert ready == health(phase, [service("a")]).ready


def test_one_service_that_is_not_ready_is_enough() -> None:
    assert not health("serving", [service("a"), service("b", token_status(NONE, obtained=0))]).ready


class Story:
    """One service with real tokens, by a clock of the test's."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.source = FakeSource(self.clock, life=3600.0)
        self.cache = make_cache(self.clock)
        self.tokens = self.cache.tokens_for(self.source, A)

    def is_ready(self) -> bool:
        state = ServiceState(name="a", address=A, tokens=self.tokens.statuses())
        return health("serving", [state]).ready

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await until(settled(self.cache))

    async def ask(self) -> None:
        with suppress(CredentialError):
            await self.tokens.get()
        await until(settled(self.cache))


async def test_no_credentials_is_not_ready_until_there_are_some() -> None:
    story = Story()
    story.source.fail()
    at_first = story.is_ready()
    await story.ask()
    without = story.is_ready()
    story.source.answer()
    await story.pass_time(120)
    await story.ask()

    assert [False, False, True] == [at_first, without, story.is_ready()]
    await story.cache.close()


async def test_an_outage_counts_once_the_good_token_has_ended() -> None:
    story = Story()
    story.source.answer()
    await story.ask()
    for _ in range(100):
        story.source.fail()
    await story.pass_time(3600 - 200)
    with_good = story.is_ready()
    why = service_health(ServiceState(name="a", address=A, tokens=story.tokens.statuses())).why
    await story.pass_time(600)
    await story.ask()

    assert [True, False] == [with_good, story.is_ready()]
    assert "The token is still good, but renewing it fails: no luck. Try again." == why
    for _ in range(100):
        story.source.answer()
    await story.cache.close()


async def test_an_idle_day_is_no_failure() -> None:
    story = Story()
    for _ in range(50):
        story.source.answer()
    await story.ask()
    for _ in range(24 * 12):
        await story.pass_time(300)
        assert story.is_ready()

    assert not story.tokens.statuses()[0].sendable
    await story.cache.close()
