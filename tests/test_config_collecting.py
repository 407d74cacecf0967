from pathlib import Path

import pytest

from tests.support.configuring import URL, problems, settings

AUDIENCE = {"file": "from-file", "environ": "from-environment", "flag": "from-flag"}


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "authproxy.toml"
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"file"}, "from-file"),
        ({"environ"}, "from-environment"),
        ({"flag"}, "from-flag"),
        ({"file", "environ"}, "from-environment"),
        ({"file", "flag"}, "from-flag"),
        ({"environ", "flag"}, "from-flag"),
        ({"file", "environ", "flag"}, "from-flag"),
        (set(), None),
    ],
    ids=lambda given: ",".join(sorted(given)) if isinstance(given, set) else None,
)
def test_flags_beat_the_environment_which_beats_the_file(
    given: set[str], expected: str | None, tmp_path: Path
) -> None:
    line = 'audience = "from-file"' if "file" in given else ""
    found = settings(
        file=write(tmp_path, f'[services.a]\nurl = "https://a"\n{line}\n'),
        environ={"AUTHPROXY_AUDIENCE": "from-environment"} if "environ" in given else {},
        flags={"--audience": "from-flag"} if "flag" in given else {},
    )

    assert expected == found.services["a"].audience


def test_a_flag_for_services_also_beats_a_variable_with_a_services_name() -> None:
    found = settings(
        urls=["a=https://a"],
        environ={"AUTHPROXY_SERVICES_A_AUDIENCE": "x"},
        flags={"--audience": "y"},
    )

    assert "y" == found.services["a"].audience


def test_a_list_replaces_a_list_and_is_not_added_to_it(tmp_path: Path) -> None:
    file = write(tmp_path, 'allow = ["10.0.0.0/8", "::1"]\n')

    found = settings(file=file, urls=[URL], flags={"--allow": ("192.0.2.1",)})

    assert ["192.0.2.1/32"] == [str(network) for network in found.allow]


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[services.a]\nurl = "https://a"\n')

    assert ["a"] == list(settings(environ={"AUTHPROXY_CONFIG": str(file)}).services)


def test_a_file_on_the_command_line_beats_the_one_in_the_environment(tmp_path: Path) -> None:
    file = write(tmp_path, '[services.a]\nurl = "https://a"\n')

    assert settings(file=file, environ={"AUTHPROXY_CONFIG": "/proc/nowhere"}).services


def test_no_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "nonsense")
    monkeypatch.chdir(tmp_path)

    assert settings(urls=[URL]).services


def test_urls_come_on_top_of_the_files_services(tmp_path: Path) -> None:
    file = write(tmp_path, '[services.a]\nurl = "https://a"\n')

    assert ["a", "b"] == list(settings(file=file, urls=["https://b"]).services)


def test_a_url_with_the_name_of_a_service_in_the_file_is_a_problem(tmp_path: Path) -> None:
    file = write(tmp_path, '\n[services.billing]\nurl = "https://a"\n')

    assert [
        'command line: URL: the service "billing" is already defined at authproxy.toml:2; write'
        " OTHERNAME=https://… for this one"
    ] == problems(file=file, urls=[URL])


def test_a_relative_path_belongs_to_the_files_folder(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    for name in ("key.json", "api-key"):
        (folder / name).write_text("x")
    file = write(
        folder,
        'listen = ["unix:a.sock", 8080]\n[services.a]\nurl = "https://a"\n'
        'credentials = "file: key.json"\napi_key = "file:api-key"\n',
    )

    found = settings(file=file)

    assert found.listen[0].path == folder / "a.sock"
    assert f"file:{folder}/key.json" == str(found.services["a"].credentials)
    assert f"file:{folder}/api-key" == str(found.services["a"].api_key)


def test_a_relative_path_on_the_command_line_is_left_alone() -> None:
    found = settings(urls=[URL], flags={"--credentials": "token-file:t"})

    assert "token-file:t" == str(found.services["billing"].credentials)


def test_a_command_is_no_path(tmp_path: Path) -> None:
    file = write(tmp_path, '[services.a]\nurl = "https://a"\ncredentials = "command:get token"\n')

    assert "command:get token" == str(settings(file=file).services["a"].credentials)


def test_the_home_folder_is_put_in_for_a_tilde() -> None:
    found = settings(
        urls=[URL], flags={"--credentials": "token-file:~/t"}, environ={"HOME": "/home/me"}
    )

    assert "token-file:/home/me/t" == str(found.services["billing"].credentials)


def test_a_home_that_does_not_exist_is_a_problem_where_it_is_written() -> None:
    assert [
        'command line: --ca-file: "~nobody-is-called-so" has no home folder here; write the whole'
        " path, beginning with /"
    ] == problems(urls=[URL], flags={"--ca-file": "~nobody-is-called-so/ca.pem"})
