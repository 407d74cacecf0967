import asyncio

import pytest

from authproxy.observe.metrics.loop_lag import EVERY_S, LoopLag
from tests.support.clock import FakeClock


async def test_only_what_passes_the_planned_second_is_lag() -> None:
    clock = FakeClock()
    late = [0.0, 0.003, 0.2]

    async def sleep(seconds: float) -> None:
        if not late:
            raise asyncio.CancelledError
        clock.advance(seconds + late.pop(0))

    lag = LoopLag(clock.steady, sleep)
    with pytest.raises(asyncio.CancelledError):
        await lag.keep_measuring()

    assert 3 == lag.counts.count
    assert abs(lag.counts.total - 0.203) < 1e-6
    assert EVERY_S == 1.0
