import html
from pathlib import Path

import pytest

from authproxy.values.wording import (
    did_you_mean,
    find_close,
    find_slip,
    html_text,
    parse_path,
    printable,
    quoted,
    refuse_placeholder,
    wants_colour,
)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (False, True)),
        ({"TERM": "xterm"}, (False, True)),
        ({"TERM": "dumb"}, (False, False)),
        ({"NO_COLOR": "1"}, (False, False)),
        ({"NO_COLOR": ""}, (False, True)),
        ({"FORCE_COLOR": "1"}, (True, True)),
        ({"FORCE_COLOR": "0"}, (True, True)),  # whatever its value, says force-color.org
        ({"FORCE_COLOR": ""}, (False, True)),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, (True, True)),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (False, False)),
    ],
)
def test_colours_elsewhere_and_at_a_terminal_are_as_the_environment_wants_them(
    environ: dict[str, str], expected: tuple[bool, bool]
) -> None:
    assert expected == tuple(wants_colour(environ, at_terminal=each) for each in (False, True))


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


@pytest.mark.parametrize("text", ["$SERVICE_URL", "https://${HOST}/", "{{ url }}", "%(url)s"])
def test_what_a_shell_or_a_template_would_have_replaced_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="variables are not replaced here") as caught:
        refuse_placeholder(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize("text", ["/a$b", "/v1/$metadata", "$1", "a$"])
def test_a_dollar_sign_may_stand_in_a_value(text: str) -> None:
    refuse_placeholder(text)


@pytest.mark.parametrize(
    ("word", "slip"),
    [
        ("GE", "GET"),
        ("GETT", "GET"),
        ("GTE", "GET"),
        ("GEY", "GET"),
        ("SET", None),
        ("GET", None),
        ("G", None),
        ("TEG", None),
    ],
)
def test_a_slip_of_the_pen_is_one_letter_and_not_the_first(word: str, slip: str | None) -> None:
    assert slip == find_slip(word, ["GET"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines, ä 漢", "two\nlines, ä 漢"),
        ("\x1b[31m\r\t\x9b", "\\u001b[31m\\u000d\\u0009\\u009b"),
        ("a\u202e\u2066b\U000e0001", "a\\u202e\\u2066b?"),
    ],
)
def test_what_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert shown == printable(text)


def test_nothing_of_a_text_is_html() -> None:
    text = "".join(map(chr, range(0x250))) + "<a href='\"&amp;\"'>"

    assert html.escape(text) == html_text(text)
