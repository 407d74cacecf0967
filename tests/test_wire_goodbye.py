import asyncio
from typing import cast

import pytest

from authproxy.wire.goodbye import LAST_LINGER_S, LINGER_S, Goodbye


class Wire:
    """A transport that notes what it is told."""

    def __init__(self, unsent: int = 0, *, half_closes: bool = True, fails: bool = False) -> None:
        self.unsent = unsent
        self.half_closes = half_closes
        self.fails = fails
        self.said: list[str] = []

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def can_write_eof(self) -> bool:
        return self.half_closes

    def write_eof(self) -> None:
        if self.fails:
            raise OSError("gone")
        self.said.append("eof")


def goodbye(wire: Wire) -> Goodbye:
    return Goodbye(cast(asyncio.Transport, wire))


@pytest.mark.parametrize(
    ("wire", "said"),
    [(Wire(), ["eof"]), (Wire(half_closes=False), []), (Wire(fails=True), [])],
    ids=["tcp", "tls", "gone"],
)
def test_the_client_sees_the_end_where_half_of_one_is_possible(wire: Wire, said: list[str]) -> None:
    goodbye(wire).end_writing()

    assert said == wire.said


@pytest.mark.parametrize(
    ("unsent", "hurries", "waits_s"),
    [(0, False, LINGER_S), (0, True, LAST_LINGER_S), (9, False, LINGER_S), (9, True, LINGER_S)],
)
def test_a_client_that_does_not_close_is_waited_for(
    unsent: int, hurries: bool, waits_s: float
) -> None:
    said = goodbye(Wire(unsent))

    assert not said.is_overdue(waits_s, hurries=hurries)
    assert said.is_overdue(0.01, hurries=hurries)
    assert f"<Goodbye [said {waits_s + 0.01:.1f} s ago]>" == repr(said)
