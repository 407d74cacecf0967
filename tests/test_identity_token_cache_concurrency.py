import asyncio

from authproxy.identity.token_cache.concurrency import AT_ONCE, PATIENCE_S, ConcurrencyLimit
from tests.support.clock import FakeClock


class Mint:
    """Takes a turn that lasts until the test says so."""

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self.began = False
        self.end = asyncio.Event()
        self.task = asyncio.gather(self._run(limit))

    async def _run(self, limit: ConcurrencyLimit) -> None:
        async with limit.turn():
            self.began = True
            await self.end.wait()


async def steps() -> None:
    """As many as it takes the loop to hand places on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_few_run_at_once_and_the_next_when_one_ends() -> None:
    limit = ConcurrencyLimit(FakeClock().call_later)
    mints = [Mint(limit) for _ in range(AT_ONCE + 1)]
    await steps()
    assert [True] * AT_ONCE + [False] == [mint.began for mint in mints]

    mints[0].end.set()
    await steps()
    assert mints[-1].began
    for mint in mints:
        mint.end.set()
        await mint.task


async def test_those_that_hang_give_their_places_up_once() -> None:
    clock = FakeClock()
    limit = ConcurrencyLimit(clock.call_later)
    hung = [Mint(limit) for _ in range(AT_ONCE)]
    await steps()
    waiting = [Mint(limit) for _ in range(AT_ONCE + 1)]
    clock.advance(PATIENCE_S)
    await steps()
    for mint in hung:
        mint.end.set()
    await steps()

    assert [True] * AT_ONCE + [False] == [mint.began for mint in waiting]
    for mint in waiting:
        mint.end.set()
        await mint.task


async def test_a_turn_that_ends_leaves_no_timer() -> None:
    clock = FakeClock()
    async with ConcurrencyLimit(clock.call_later).turn():
        assert 1 == len(clock.pending)

    assert [] == clock.pending
