import re

import pytest

from authproxy.export.nginx_texts import block, literal, map_key, pattern, quote, seconds, variable


def test_a_word_is_closed_by_no_value() -> None:
    assert '"a\\"b\\\\c; }"' == quote('a"b\\c; }')


@pytest.mark.parametrize("word", ["default", "hostnames", "include", "volatile"])
def test_a_name_that_is_a_word_of_maps_is_told_apart(word: str) -> None:
    assert f'"\\\\{word}"' == map_key(word)


def test_a_name_is_a_key_as_it_is() -> None:
    assert '"a.example.com"' == map_key("a.example.com")


def test_a_path_is_matched_as_it_is_written() -> None:
    path = "/a.b$c(d)+e'f&g!h,i=j:k@l~m"

    assert re.fullmatch(literal(path), path)
    assert not re.fullmatch(literal("/a.b"), "/aXb")


def test_a_pattern_is_quoted() -> None:
    assert '"~^a\\\\.b"' == pattern(r"^a\.b")


def test_names_become_parts_of_variables() -> None:
    assert "x_partner_key" == variable("X-Partner-Key")


@pytest.mark.parametrize(("given", "told"), [(20.0, "20000ms"), (0.25, "250ms"), (0.0001, "1ms")])
def test_times_are_whole_milliseconds_and_never_none(given: float, told: str) -> None:
    assert told == seconds(given)


def test_blocks_are_indented() -> None:
    assert ["a {", "  b;", "", "}"] == block("a", ["b;", ""])
