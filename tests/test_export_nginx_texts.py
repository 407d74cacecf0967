import pytest

from authproxy.export.nginx_texts import block, map_key, pattern, quote, variable


def test_a_word_is_closed_by_no_value() -> None:
    assert '"a\\"b\\\\c; }"' == quote('a"b\\c; }')


@pytest.mark.parametrize("word", ["default", "hostnames", "include", "volatile"])
def test_a_name_that_is_a_word_of_maps_is_told_apart(word: str) -> None:
    assert f'"\\\\{word}"' == map_key(word)


def test_a_name_is_a_key_as_it_is() -> None:
    assert '"a.example.com"' == map_key("a.example.com")


def test_a_pattern_is_quoted() -> None:
    assert '"~^a\\\\.b"' == pattern(r"^a\.b")


def test_names_become_parts_of_variables() -> None:
    assert "x_partner_key" == variable("X-Partner-Key")


def test_blocks_are_indented() -> None:
    assert ["a {", "  b;", "", "}"] == block("a", ["b;", ""])
