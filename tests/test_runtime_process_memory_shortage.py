"""The loop goes on when it lacks memory for its own doings; as a process that does: `e2e`."""

import asyncio
import selectors
from collections.abc import Callable

import pytest

from authproxy.runtime.process.memory_shortage import PAUSE_S, going_on


class Lacking(selectors.DefaultSelector):
    """Has no memory for so many of the loop's questions."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._rounds:
            self._rounds -= 1
            raise MemoryError
        return super().select(timeout)


def lacking(rounds: int, pauses: list[float]) -> Callable[[], asyncio.AbstractEventLoop]:
    return going_on(lambda: asyncio.SelectorEventLoop(Lacking(rounds)), pause=pauses.append)


def test_what_runs_goes_on_after_a_moment_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    pauses: list[float] = []
    with asyncio.Runner(loop_factory=lacking(3, pauses)) as runner:
        assert 7 == runner.run(work())

    assert [PAUSE_S] * 3 == pauses
    assert ["no memory is left: requests wait, and some fail"] == caplog.messages


def test_what_the_work_itself_raises_ends_it() -> None:
    async def work() -> None:
        raise MemoryError

    with (
        asyncio.Runner(loop_factory=lacking(0, [])) as runner,
        pytest.raises(MemoryError),
    ):
        runner.run(work())
