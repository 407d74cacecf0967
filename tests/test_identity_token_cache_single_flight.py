import asyncio
import threading
from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.file_watch import marks
from authproxy.identity.source import NoSource
from authproxy.identity.token_cache.concurrency import ConcurrencyLimit
from authproxy.identity.token_cache.single_flight import (
    LOST_AFTER_S,
    Outcome,
    SingleFlight,
    mint_once,
)
from authproxy.tasks import Tasks
from tests.support.caching import A
from tests.support.clock import FakeClock
from tests.support.proxying import make_token
from tests.support.source import FakeSource, until


class Field:
    """Where the flights of one source land."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.source = FakeSource(self.clock)
        self.tasks = Tasks()
        self.arrived: list[str] = []
        self.flights = SingleFlight(
            self.source,
            A,
            limit=ConcurrencyLimit(self.clock.call_later),
            tasks=self.tasks,
            arrived=self._arrive,
            steady=self.clock.steady,
        )

    def _arrive(self, token: Token) -> Outcome:
        self.arrived.append(token.value.reveal())
        return token

    async def outcome(self, deadline_s: float = 10) -> str:
        outcome = await self.flights.landed(deadline_s)
        return outcome.value.reveal() if isinstance(outcome, Token) else str(outcome)

    async def end(self, *values: str) -> None:
        for value in values:
            self.source.answer(value)
        await until(lambda: len(self.tasks) == 0)


@pytest.fixture
def field() -> Field:
    return Field()


LATE = "fake has not answered within 0.01 seconds"


async def test_a_token_is_handed_in_and_handed_out(field: Field) -> None:
    field.source.answer("one")

    assert ("one", ["one"], False) == (
        await field.outcome(),
        field.arrived,
        field.flights.is_running,
    )


async def test_what_the_source_raises_is_handed_out(field: Field) -> None:
    field.source.fail(CredentialError("no luck"))

    assert ("no luck", []) == (await field.outcome(), field.arrived)


async def test_all_who_wait_share_one_flight(field: Field) -> None:
    waiters = asyncio.gather(*(field.outcome() for _ in range(2)))
    await until(lambda: field.source.running == 1)
    field.source.answer("one")

    assert (["one", "one"], [A]) == (await waiters, field.source.calls)


async def test_a_flight_that_is_late_is_waited_for_again_and_used(field: Field) -> None:
    assert LATE == await field.outcome(0.01)
    field.clock.advance(LOST_AFTER_S - 1)
    assert LATE == await field.outcome(0.01)
    await field.end("late")

    assert (["late"], [A]) == (field.arrived, field.source.calls)


async def test_a_flight_that_hangs_for_good_is_given_up_ever_less_often(field: Field) -> None:
    begun_at: list[int] = []
    for minute in range(16):
        await field.outcome(0.001)
        await until(lambda: field.source.running == len(field.tasks))  # all that have taken off
        if len(field.source.calls) > len(begun_at):
            begun_at.append(minute)
        field.clock.advance(60)
    await field.end(*"abcde")

    assert [0, 1, 3, 7, 15] == begun_at


async def test_what_a_lost_flight_brings_is_used_and_the_next_one_goes_on(field: Field) -> None:
    for count in (1, 2):
        await field.outcome(0.001)
        await until(lambda: field.source.running == count)  # noqa: B023 -- awaited in this turn
        field.clock.advance(LOST_AFTER_S)
    field.source.answer("lost")
    await until(lambda: field.arrived == ["lost"])
    assert field.flights.is_running
    await field.end("found")

    assert (["lost", "found"], False) == (field.arrived, field.flights.is_running)


async def test_files_are_looked_at_before_they_are_read(field: Field, tmp_path: Path) -> None:
    path = tmp_path / "key.json"

    class OnFile:
        name = "file"
        paths = (path,)

        def mint(self, _audience: str, /) -> Token:
            path.write_text("written while it was being read")
            raise CredentialError("no luck")

    source = OnFile()
    before = marks(source.paths)
    flights = SingleFlight(
        source,
        A,
        limit=ConcurrencyLimit(field.clock.call_later),
        tasks=field.tasks,
        arrived=lambda token: token,
    )
    await flights.landed(10)

    assert (before, (None,)) == (flights.seen, before)


# One token, now


class Given:
    name = "given"

    def __init__(self, outcome: Token | Exception) -> None:
        self._outcome = outcome

    def mint(self, audience: str, /) -> Token:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class Hanging(NoSource):
    name = "hanging"
    released = threading.Event()

    def mint(self, audience: str, /) -> Token:
        self.released.wait()
        return super().mint(audience)


async def failure(outcome: Exception) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await mint_once(Given(outcome), "https://a", deadline_s=60)
    return caught.value


async def test_the_sources_token_is_given() -> None:
    token = make_token()

    assert token is await mint_once(Given(token), "https://a", deadline_s=60)


async def test_the_sources_error_is_passed_on() -> None:
    error = CredentialError("No.")

    assert error is await failure(error)


async def test_an_error_that_no_source_may_raise_becomes_one_without_its_text() -> None:
    error = await failure(KeyError("hunter2"))

    assert error.message.startswith("given failed unexpectedly (KeyError at ")
    assert "hunter2" not in error.message


async def test_a_source_that_hangs_is_left_to_itself() -> None:
    source = Hanging()
    with pytest.raises(CredentialError) as caught:
        await mint_once(source, "https://a", deadline_s=0)
    source.released.set()

    assert "hanging has not answered within 0 seconds" == caught.value.message
