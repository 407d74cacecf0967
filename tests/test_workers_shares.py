import os
from collections.abc import Iterator

import pytest

from authproxy.workers.shares import FIRST_S, Shares


@pytest.fixture
def shares() -> Iterator[Shares]:
    shares = Shares()
    yield shares
    shares.close()


def test_who_has_more_lets_others_go_first(shares: Shares) -> None:
    shares.tell(1, 4)

    assert FIRST_S == shares.wait_s(2, 5)
    assert 0.0 == shares.wait_s(2, 4)
    assert 0.0 == shares.wait_s(1, 4)


def test_a_small_difference_between_many_is_none(shares: Shares) -> None:
    shares.tell(1, 100)

    assert 0.0 == shares.wait_s(2, 106)
    assert FIRST_S == shares.wait_s(2, 120)


def test_one_that_is_gone_is_not_waited_for(shares: Shares) -> None:
    shares.tell(1, 0)
    shares.gone(1)

    assert 0.0 == shares.wait_s(2, 50)


def test_another_process_sees_the_same(shares: Shares) -> None:
    shares.tell(1, 3)
    other = Shares(os.dup(shares.descriptor))
    other.tell(2, 7)

    assert "<Shares [3, 7]>" == repr(shares) == repr(other)
    other.close()
