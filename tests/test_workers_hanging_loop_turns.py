import asyncio
import contextlib
import os

from authproxy.workers.hanging.loop_turns import LoopTurns


async def test_turns_of_a_loop_are_seen_by_another_process() -> None:
    turns = LoopTurns()
    other = LoopTurns(os.dup(turns.descriptor))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):  # it runs until it waits for the first time
            await other.keep_counting(3)

    assert (0, 1) == (turns.of(1), turns.of(3))
    assert "<LoopTurns [1]>" == repr(turns)
    turns.close()
    other.close()


async def test_one_that_takes_another_s_place_goes_on() -> None:
    turns = LoopTurns()
    for _ in range(2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await turns.keep_counting(256)

    assert 2 == turns.of(256)
    turns.close()
