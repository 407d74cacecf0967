import tomllib
from pathlib import Path

import pytest

from tests.support.configuring import problems


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "authproxy.toml"
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            'listen = 8080\nallow = ["10.0.0.0/8"\ndeny = []\n',
            "authproxy.toml:3: column 1: Unclosed array: a comma or a ] is missing, here or"
            ' above; the line is: "deny = []"',
        ),
        (
            "listen 8080\n",
            "authproxy.toml:1: column 8: Expected '=' after a key in a key/value pair: a line is"
            " KEY = VALUE; the line is:"
            ' "listen 8080"',
        ),
        (
            "\n[services.a\n",
            "authproxy.toml:2: column 12: Expected ']' at the end of a table declaration; the line"
            ' is: "[services.a"',
        ),
        (
            "listen = [1,\n\n",
            "authproxy.toml:1: end of the file: Invalid value: something is not closed: a ], a }"
            ' or a quotation mark is missing; the line is: "listen = [1,"',
        ),
        (
            'secret_headers = ["X-Key: hunter2",\n',
            "authproxy.toml:1: end of the file: Invalid value: something is not closed: a ], a }"
            ' or a quotation mark is missing; the line is: "secret_headers = …"',
        ),
        (
            "  api_key = hunter2\n",
            'authproxy.toml:1: column 13: Invalid value: text must be in quotes: KEY = "VALUE"; the'
            ' line is: "api_key = …"',
        ),
    ],
)
def test_a_mistake_in_the_syntax_is_shown_with_its_line(
    content: str, expected: str, tmp_path: Path
) -> None:
    assert [expected] == problems(file=write(tmp_path, content))


def test_tomllib_says_the_position_at_the_end_of_its_message() -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match=r" \(at line 2, column 5\)$"):
        tomllib.loads("a = 1\nb = x")


SECRET = "hunter2-Xy9_kLmN0pQrStUvWxYz"


@pytest.mark.parametrize(
    "line",
    [
        f"api_key = {SECRET}",
        f'api_key "{SECRET}"',
        f'api_key: "{SECRET}"',
        f'"X-Key: {SECRET}"]]',
        f'sha256 = "{SECRET}',
        f'add_headers = ["Authorization: {SECRET}"',
        f"url = https://bob:{SECRET}@a",
        f'url = "https://bob:{SECRET}',
        f"audience = {SECRET}",
        f"listen = {SECRET}",
        f"unknown = {SECRET}",
        f'credentials = "command:x --token {SECRET}',
        f"{SECRET}",
        f"[keys.a] sha256 = {SECRET}",
        f"level = info # {SECRET}",
        f'egress_proxy = "http://me:{SECRET}@proxy',
    ],
)
def test_a_secret_in_a_line_with_a_mistake_is_not_repeated(line: str, tmp_path: Path) -> None:
    [problem] = problems(file=write(tmp_path, line + "\n"))

    assert problem.startswith("authproxy.toml:1: ")
    assert SECRET[:7] not in problem
    assert SECRET[8:] not in problem


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("listen = localhost:8080", 'text must be in quotes: KEY = "VALUE"'),
        ('listen = "8080', "the quotation mark at the end is missing"),
        ("listen: 8080", "a line is KEY = VALUE"),
        ("listen = 1\nlisten = 2", "it is there twice; remove one"),
        ("[log]\n[log]", "the table is there twice; write all its keys below the first"),
        (
            "listen = 1 2",
            "nothing may follow a value; text and amounts with a unit must be in quotes",
        ),
    ],
)
def test_a_mistake_in_the_syntax_is_answered_with_what_to_do(
    line: str, advice: str, tmp_path: Path
) -> None:
    [problem] = problems(file=write(tmp_path, line + "\n"))

    assert f": {advice}; the line is: " in problem
