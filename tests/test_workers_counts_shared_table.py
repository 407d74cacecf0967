from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.workers.counts.shared_table import (
    ENTRIES,
    PLACES,
    ROWS,
    ClientNames,
    SharedTable,
    row_of,
    table_size,
)


@pytest.fixture
def table() -> Iterator[SharedTable]:
    found = SharedTable(memoryview(bytearray(64 + table_size(2))), 64, 2)
    yield found
    found.close()


def in_one_row(count: int) -> list[int]:
    return [3 + ROWS * number for number in range(count)]


def test_each_client_has_numbers_of_its_own(table: SharedTable) -> None:
    for number in range(1, 1000):
        table.put(number, number, -number)
    table.put(7, 0.5, 1)

    assert [0.5, 1] == table.get(7)
    assert [8, -8] == table.get(8)
    assert table.get(1000) is None
    assert f"<SharedTable [999 of {ENTRIES}]>" == repr(table)


def test_who_is_taken_out_is_known_no_more(table: SharedTable) -> None:
    for client in in_one_row(3):
        table.put(client, 1, 1)
    table.drop(in_one_row(3)[1])
    table.drop(99)

    assert [True, False, True] == [table.get(each) is not None for each in in_one_row(3)]


def test_in_a_full_row_the_lowest_goes(table: SharedTable) -> None:
    clients = in_one_row(PLACES + 1)
    for moment, client in enumerate(clients[:-1]):
        table.put(client, 100 - moment, 0)
    table.put(clients[-1], 200, 0)

    assert [clients[-2]] == [each for each in clients if table.get(each) is None]
    assert PLACES == len(table)


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=200))
def test_it_is_as_a_dictionary_while_rows_have_room(acts: list[tuple[int, int]]) -> None:
    table = SharedTable(memoryview(bytearray(table_size(1))), 0, 1)
    known: dict[int, int] = {}
    for client, number in acts:
        if number:
            table.put(client, number)
            known[client] = number
        else:
            table.drop(client)
            known.pop(client, None)

    assert known == {each: found[0] for each in range(1, 41) if (found := table.get(each))}


def test_names_differ_by_kind_and_by_key() -> None:
    names, others = ClientNames(b"1" * 16), ClientNames(b"2" * 16)
    known = [None, ip_address("117.110.105.120"), b"2001:db8", "2001:db8", "", b""]
    numbers = {names.number_of(each) for each in known}

    assert len(known) == len(numbers)
    assert names.number_of("a") == ClientNames(b"1" * 16).number_of("a")
    assert names.number_of("a") != others.number_of("a")
    assert all(0 < each < 2**64 and 0 <= row_of(each) < ROWS for each in numbers)
