"""Why nothing is read: reasons add up, and the connection hears of the first and the last."""

import asyncio
from itertools import combinations
from typing import cast

from authproxy.wire import read_holds
from authproxy.wire.read_holds import ReadHolds

ONE, TWO, BOTH = 1, 2, 3


class Transport:
    """Counts what it is told."""

    def __init__(self, *, is_closing: bool = False) -> None:
        self.told: list[str] = []
        self._is_closing = is_closing

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")


def held(transport: Transport) -> ReadHolds:
    return ReadHolds(cast(asyncio.Transport, transport))


def test_reading_goes_on_when_the_last_reason_is_gone() -> None:
    transport = Transport()
    holds = held(transport)
    holds.set(ONE, True)
    holds.set(TWO, True)
    holds.set(ONE, False)
    assert ["pause"] == transport.told
    holds.set(BOTH, False)
    holds.set(BOTH, False)

    assert ["pause", "resume"] == transport.told
    assert "<ReadHolds [0]>" == repr(holds)


def test_a_reason_from_before_the_connection_counts_once_it_is_there() -> None:
    holds, wire, other = ReadHolds(), Transport(), Transport()
    holds.set(ONE, True)
    holds.attach(cast(asyncio.Transport, wire))
    holds.detach()
    holds.set(ONE, False)
    holds.attach(cast(asyncio.Transport, other))

    assert (["pause"], []) == (wire.told, other.told)


def test_a_connection_that_closes_is_not_read_again() -> None:
    transport = Transport(is_closing=True)
    holds = held(transport)
    holds.set(ONE, True)
    holds.set(ONE, False)

    assert ["pause"] == transport.told


def test_each_reason_can_hold_beside_every_other() -> None:
    reasons = (read_holds.EARLY, read_holds.QUEUE, read_holds.CONGESTED, read_holds.SWITCH)

    assert all(one & other == 0 for one, other in combinations(reasons, 2))
    assert sum(reasons) == read_holds.ALL
