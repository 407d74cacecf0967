import asyncio
from itertools import combinations
from typing import cast

from authproxy.wire.client import holds


def test_each_reason_can_hold_beside_every_other() -> None:
    reasons = (holds.EARLY, holds.QUEUE, holds.CONGESTED, holds.SWITCH)

    assert all(one & other == 0 for one, other in combinations(reasons, 2))
    assert holds.ALL == sum(reasons)


class Transport:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")


def test_reading_goes_on_when_the_last_reason_is_gone() -> None:
    transport = Transport()
    held = holds.ReadHolds(cast(asyncio.Transport, transport))
    held.set(holds.EARLY, True)
    held.set(holds.QUEUE, True)
    held.set(holds.EARLY, False)
    assert ["pause"] == transport.told
    held.set(holds.ALL, False)

    assert ["pause", "resume"] == transport.told
    assert "<ReadHolds [0]>" == repr(held)
