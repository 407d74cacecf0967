from pathlib import Path

import pytest

from tests.support.configuring import problems, settings


def write(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "authproxy.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


GOOD = '[services.a]\nurl = "https://a"\n'


def test_a_file_is_read(tmp_path: Path) -> None:
    assert ["a"] == list(settings(file=write(tmp_path, GOOD)).services)


def test_what_windows_editors_write_is_read(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()

    assert ["a"] == list(settings(file=write(tmp_path, content)).services)


def test_lines_are_counted_right_with_either_line_end(tmp_path: Path) -> None:
    content = GOOD.replace("\n", "\r\n") + "x = 1\r\n"

    [problem] = problems(file=write(tmp_path, content))

    assert problem.startswith("authproxy.toml:3: services.a.x: there is no such key")


def test_a_file_that_is_not_utf_8_is_a_problem(tmp_path: Path) -> None:
    file = write(tmp_path, b'a = 1\nb = "\xe4"\n')

    assert [
        'command line: --config: "authproxy.toml" is not UTF-8 text (line 2); save it as UTF-8'
    ] == problems(file=file)


def test_a_file_that_is_not_there_is_a_problem_of_who_named_it(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"

    assert ['command line: --config: there is no file "authproxy.toml"'] == problems(file=file)
    assert [f'environment: AUTHPROXY_CONFIG: there is no file "{file}"'] == problems(
        environ={"AUTHPROXY_CONFIG": str(file)}
    )


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()

    assert ['command line: --config: "conf" is a folder; name the file in it'] == problems(
        file=folder
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "[servces.a]\n",
            'authproxy.toml:1: servces: there is no such key; did you mean "services"?',
        ),
        ("log = 3\n", "authproxy.toml:1: log: must be a table: write [log]"),
        ("services = 3\n", "authproxy.toml:1: services: must be a table: write [services.NAME]"),
        ("[[services]]\n", "authproxy.toml:1: services: must be a table: write [services.NAME]"),
        ("services.a = 1\n", "authproxy.toml:1: services.a: must be a table: write [services.a]"),
        (
            "log.lvel = 1\n",
            'authproxy.toml:1: log.lvel: there is no such key; did you mean "level"?',
        ),
    ],
)
def test_a_key_out_of_place_is_shown_where_it_belongs(
    content: str, expected: str, tmp_path: Path
) -> None:
    assert [expected] == problems(file=write(tmp_path, content))


def test_an_element_of_a_list_has_its_own_line(tmp_path: Path) -> None:
    content = 'allow = [\n  "10.0.0.0/8",\n  "10/8",\n]\n' + GOOD

    [problem] = problems(file=write(tmp_path, content))

    assert problem.startswith('authproxy.toml:3: allow: "10/8" is not an address')


def test_a_folder_that_may_not_be_entered_is_no_traceback(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD) / "x"

    [problem] = problems(file=file)

    assert problem.endswith("cannot be read: Not a directory")


def test_a_path_with_a_null_byte_is_a_problem(tmp_path: Path) -> None:
    assert ['environment: AUTHPROXY_CONFIG: "a?b" cannot be read: this is not a path'] == problems(
        environ={"AUTHPROXY_CONFIG": "a\0b"}
    )


@pytest.mark.parametrize("depth", [350, 3000])
def test_brackets_that_nobody_can_follow_are_a_problem(depth: int, tmp_path: Path) -> None:
    """`tomllib` and what finds the lines of its keys each go down a call or more for each."""
    content = GOOD + "allow = " + "[" * depth + "]" * depth + "\n"

    [problem] = problems(file=write(tmp_path, content))

    assert "brackets within brackets" in problem or "allow" in problem
