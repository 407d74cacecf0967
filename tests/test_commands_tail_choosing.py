"""Each exchange is shown once, whatever is told twice."""

from typing import Any

import pytest

from authproxy.commands.tail.choosing import Chooser, Row


def row(number: int, *, live: bool = False, status: int = 200, kinds: Any = ()) -> Row:
    return {"id": str(number), "live": live, "status": status, "kinds": list(kinds)}


def listed(*rows: Row, run: str = "a") -> dict[str, Any]:
    """As the admin listener has it: the newest first."""
    return {"run": run, "exchanges": list(rows)[::-1]}


def ids(rows: list[Row]) -> list[int]:
    return [int(each["id"]) for each in rows]


@pytest.mark.parametrize(("last", "shown"), [(0, []), (2, [2, 3]), (9, [1, 2, 3])])
def test_the_last_ones_come_first_in_the_order_of_time(last: int, shown: list[int]) -> None:
    assert shown == ids(Chooser(last).take_list(listed(row(1), row(2), row(3))))


def test_what_was_in_the_list_is_not_shown_again_when_it_is_told_as_a_change() -> None:
    chooser = Chooser(5)
    chooser.take_list(listed(row(1), row(2, live=True)))

    assert [2, 3] == ids(chooser.take([row(1), row(2), row(3)]))
    assert [] == chooser.take([row(2), row(3)])


def test_what_is_under_way_waits_for_its_end() -> None:
    chooser = Chooser(5)

    assert [] == chooser.take([row(1, live=True, status=0), row(1, live=True)])
    assert [1] == ids(chooser.take([row(1)]))


@pytest.mark.parametrize(
    "more", [{"status": 101}, {"kinds": ["websocket"], "status": 101}, {"kinds": ["sse"]}]
)
def test_what_stays_open_is_shown_when_it_opens_and_when_it_ends(more: dict[str, Any]) -> None:
    chooser = Chooser(5)

    assert [] == chooser.take([row(1, live=True, **{**more, "status": 0})])
    assert [1] == ids(chooser.take([row(1, live=True, **more)]))
    assert [] == chooser.take([row(1, live=True, **more)])
    assert [1] == ids(chooser.take([row(1, **more)]))


@pytest.mark.parametrize("last", [0, 1])
def test_a_list_that_is_read_anew_shows_only_what_came_since(last: int) -> None:
    chooser = Chooser(last)
    chooser.take_list(listed(row(1), row(2), row(3)))

    assert [4, 5] == ids(chooser.take_list(listed(*map(row, range(1, 6)))))


def test_numbers_of_another_run_begin_anew() -> None:
    chooser = Chooser(5)
    chooser.take_list(listed(row(1), row(2)))

    assert [1] == ids(chooser.take_list(listed(row(1), run="b")))
    assert [2] == ids(chooser.take([row(1), row(2)]))
