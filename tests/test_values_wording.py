from pathlib import Path

import pytest

from authproxy.values.wording import did_you_mean, find_close, parse_path, quoted


def test_a_close_word_is_suggested() -> None:
    assert '; did you mean "allow"?' == did_you_mean("ALOW", ["deny", "allow"])


def test_a_far_word_is_not_suggested() -> None:
    assert "" == did_you_mean("zebra", ["deny", "allow"])


def test_the_closest_of_the_known_words_is_found() -> None:
    assert "status" == find_close("statsu", ["state", "status"])
    assert find_close("run", ["status"]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", '"plain"'),
        ("two\nlines\x1b[31m", '"two?lines?[31m"'),
        ("x" * 61, f'"{"x" * 59}…"'),
    ],
)
def test_text_is_quoted_so_that_it_cannot_spoil_a_terminal(text: str, expected: str) -> None:
    assert expected == quoted(text)


def test_a_path_is_taken_as_it_is() -> None:
    assert Path("/a b") == parse_path("/a b", "/x")


@pytest.mark.parametrize("text", ["", " ", "a\0b"])
def test_no_path_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="needs a path, as in /x"):
        parse_path(text, "/x")
