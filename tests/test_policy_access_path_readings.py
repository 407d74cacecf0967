"""What services may read a path as; `tests/e2e/test_paths.py` asks Node and nginx."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authproxy.policy.access.path_readings import MAX_READINGS, PathError, leaves, readings
from tests.support.readers import PATHS, check_rules, read_as_aiohttp, read_as_tomcat

MANY = b"/%25252f..;b//c\\d/./e%20/%2525252f"
"""So many spellings at once that they do not settle."""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/a/b.c", {b"/a/b.c"}),
        (b"/caf%c3%a9", {b"/caf%c3%a9", b"/caf\xc3\xa9"}),
        (b"/%61", {b"/%61", b"/a"}),
        (b"/%2561", {b"/%2561", b"/%61", b"/a"}),
        (b"/a/./b", {b"/a/./b", b"/a/b"}),
        (b"/../a", {b"/../a", b"/a"}),
        (b"/a//b", {b"/a//b", b"/a/b"}),
        (b"/a;x/b", {b"/a;x/b", b"/a/b"}),
        (b"/a/...", {b"/a/...", b"/a/.", b"/a"}),
        (b"/a%3fb", {b"/a%3fb", b"/a?b", b"/a"}),
        (b"/a\\b", {b"/a\\b", b"/a/b"}),
        (b"//h/a", {b"//h/a", b"/h/a", b"/a"}),
        (b"/a%2fb", {b"/a%2fb", b"/a/b"}),
        (b"/%ef%bc%a1", {b"/%ef%bc%a1", b"/\xef\xbc\xa1", b"/A"}),
    ],
)
def test_a_path_has_all_its_readings(path: bytes, expected: set[bytes]) -> None:
    assert expected == set(readings(path))


@given(st.text("aZ09_~-./%;\\ +@:\xe9", max_size=12))
def test_a_reading_has_no_readings_that_are_not_there(text: str) -> None:
    try:
        found = set(readings(f"/{text}".encode()))
    except PathError:
        return

    for reading in found:
        assert found >= set(readings(reading))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (MANY, "the path can be read in too many ways"),
        (b"/ " * 30_000, "the path can be read in too many ways"),
        (b"/a%0ab", "the path has a control character"),
        (b"/a%2500", "the path has a control character"),
        (b"/%U002e", "the path has a character that is encoded with %u"),
        (b"/%25u002e", "the path has a character that is encoded with %u"),
        *(
            (path, "the path has a character that is encoded with more bytes than it needs")
            for path in (b"/\xc0\xae", b"/%c1%9c", b"/%e0%80%af", b"/%f0%80%80%af", b"/%fc%80")
        ),
    ],
)
def test_what_has_too_many_readings_or_one_that_nobody_needs_has_none(
    path: bytes, reason: str
) -> None:
    with pytest.raises(PathError, match=reason):
        readings(path)


@given(PATHS)
def test_the_number_of_readings_is_bounded(path: bytes) -> None:
    try:
        assert len(readings(path)) <= MAX_READINGS
    except PathError:
        return


@settings(max_examples=500)
@given(PATHS)
def test_no_spelling_gets_round_a_rule_in_tomcat(path: bytes) -> None:
    check_rules(path, read_as_tomcat(path.partition(b"?")[0]))


async def test_no_spelling_gets_round_a_rule_in_aiohttp() -> None:
    @settings(max_examples=500)
    @given(PATHS)
    def check(path: bytes) -> None:
        check_rules(path, read_as_aiohttp(path))

    check()


@pytest.mark.parametrize(
    "path",
    [
        *(
            b"/..",
            b"/../x",
            b"/a/../../x",
            b"/%2e%2e/x",
            b"/a%2f..%2f..%2fx",
            b"/..;/x",
            b"/..%2fx",
        ),
        *(b"/.%252e/x", b"/\\..\\x", b"/a/..\\../x", b"/a//../../x", b"/a;/..;b/../x", b"/..%20/x"),
        *(b"/\xef\xbc\x8e\xef\xbc\x8e/x", b"/%e2%80%a5/x", MANY),
        *(b"/%%32e%%32e/x", b"/%" + b"25" * 20 + b"2e./x"),
    ],
)
def test_dots_lead_out_in_whatever_way_they_are_written(path: bytes) -> None:
    assert leaves(path)


@pytest.mark.parametrize(
    "path",
    [
        *(b"", b"/", b"/a/b", b"/a/../b", b"/a/b/../../c", b"/a..b/c", b"/.../a", b"/a/..."),
        *(b"/a%2fb/../c", b"/caf%c3%a9", b"/100%25", b"/%252f", b"/a%2fb%2f..%2fc", b"//..a"),
    ],
)
def test_what_stays_is_not_said_to_lead_out(path: bytes) -> None:
    assert not leaves(path)
