"""How many clients fit, and what happens when more come."""

import os

import pytest

from authproxy.errors import StartError
from authproxy.wire.listening.room import (
    FEW_CLIENTS,
    RESERVE,
    Room,
    clients_that_fit,
    count_open_files,
    file_limit,
)


@pytest.mark.parametrize(
    ("limit", "in_use", "most"),
    [
        (1024, 16, (1024 - 16 - RESERVE) // 2),
        (64, 14, (64 - 14 - RESERVE) // 2),
        (14 + RESERVE + 2, 14, 1),
    ],
)
def test_each_client_may_need_two_descriptors_and_some_are_kept_back(
    limit: int, in_use: int, most: int
) -> None:
    assert most == clients_that_fit(limit, in_use)


def test_a_limit_that_is_too_low_is_said_with_the_way_out() -> None:
    with pytest.raises(StartError) as caught:
        clients_that_fit(24, 14)

    least = 14 + RESERVE + 2
    assert str(caught.value) == (
        f"the limit of open files is 24, and authproxy needs at least {least} here"
    )
    assert caught.value.hint.startswith("Raise it: ulimit -n 1024 in a shell, LimitNOFILE=1024")


@pytest.mark.parametrize(("fit", "lines"), [(FEW_CLIENTS, 0), (FEW_CLIENTS - 1, 1)])
def test_little_room_is_said_at_the_start(
    fit: int, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(lambda: 0, lambda: None)
    room.fit(10 + RESERVE + 2 * fit, 10)

    assert (fit, lines) == (room.most, len(caplog.messages))


def test_without_a_bound_there_is_always_a_place() -> None:
    room = Room(lambda: 10**6, lambda: None)
    room.fit(None, 10)

    assert room.has_place()
    assert "<Room [1000000 of any number, 0 arriving]>" == repr(room)


def test_those_on_their_way_count_and_room_is_made_for_who_waits() -> None:
    made, told = list[int](), list[str]()
    room = Room(lambda: 1, lambda: made.append(1))
    room.most = 2
    assert room.has_place()
    room.arriving = 1
    assert not room.has_place()
    room.wait(lambda: told.append("a"))
    room.wait(lambda: told.append("b"))
    assert room.is_awaited
    room.arrived()

    assert ([1], ["a", "b"], False, 0) == (made, told, room.is_awaited, room.arriving)


def test_open_files_are_counted() -> None:
    before = count_open_files()
    more = [os.dup(0) for _ in range(3)]
    assert before + 3 == count_open_files()
    for each in more:
        os.close(each)
    limit = file_limit()

    assert limit is None or limit > before
