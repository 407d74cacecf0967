import pytest

from authproxy.config.readers.entries import Entries, Entry, find_nearest, get_nearest
from authproxy.errors import Problem

ENTRY = Entry(
    path=("services", "*", "hosts"),
    where="a.toml:3",
    key="services.a.hosts",
    value=["x", "y"],
    places=("a.toml:4", "a.toml:5"),
)


def test_a_problem_with_an_element_is_on_the_elements_line() -> None:
    expected = Problem(where="a.toml:5", key="services.a.hosts", message="is bad")

    assert expected == ENTRY.problem("is bad", index=1)


def test_a_problem_with_no_known_element_is_on_the_lists_line() -> None:
    assert ["a.toml:3"] * 4 == [ENTRY.place(index) for index in (None, 2, -1, "[key]")]


def test_an_entry_for_every_service_becomes_one_for_a_service() -> None:
    assert ("services", "a", "hosts") == ENTRY.for_service("a").path


def test_a_path_that_ends_with_a_name_is_a_mark() -> None:
    mark = Entry(path=("services", "a"), where="a.toml:1", key="services.a", value=None)

    assert [True, False] == [mark.is_mark, ENTRY.is_mark]


def test_the_nearest_entry_is_the_exact_one_else_the_first_beneath() -> None:
    first = ENTRY.for_service("a")
    second = Entry(path=("listen",), where="environment", key="AUTHPROXY_LISTEN", value="1")
    entries = {entry.path: entry for entry in (first, second)}

    assert find_nearest(entries, ("listen",)) is second
    assert find_nearest(entries, ("services", "a")) is first
    assert find_nearest(entries, ("services", "b")) is None


def test_a_problem_with_a_default_is_where_its_service_is_named() -> None:
    entries: Entries = {("services", "a", "url"): ENTRY}

    assert get_nearest(entries, ("services", "a", "credentials")) is ENTRY


def test_a_problem_that_nobody_wrote_is_an_error_of_ours() -> None:
    with pytest.raises(
        LookupError, match=r"^log\.level is not configured, and yet it has a problem$"
    ):
        get_nearest({}, ("log", "level"))
