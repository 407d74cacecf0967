"""What a person may write about the admin listener, and what they hear."""

from pathlib import Path

import pytest

from tests.support.configuring import URL, problems, settings, warnings

KEY = "a-key-of-sixteen-and-more"


@pytest.mark.parametrize("address", ["0.0.0.0:4040", "[::]:4040", "192.0.2.1"])
def test_an_address_that_others_reach_needs_to_say_who_they_are(address: str) -> None:
    [problem] = problems(urls=[URL], flags={"--admin": address})

    assert problem.startswith("command line: --admin: ")
    assert "can be reached from other machines" in problem
    assert 'admin_allow = ["10.0.0.0/8"]' in problem
    assert [] == problems(
        urls=[URL], flags={"--admin": address}, environ={"AUTHPROXY_ADMIN_ALLOW": "10.0.0.0/8"}
    )


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"AUTHPROXY_ADMIN": "127.0.0.1:8080"}, "is where clients connect"),
        ({"AUTHPROXY_ADMIN": "localhost:8080"}, "is where clients connect"),
        ({"AUTHPROXY_ADMIN": "unix:/" + "x" * 120}, "has 107 bytes at most"),
        ({"AUTHPROXY_ADMIN": "ofF:x"}, "is not a port"),
        ({"AUTHPROXY_ADMIN_KEY": "env:NOWHERE"}, "the environment variable NOWHERE is not set"),
        ({"AUTHPROXY_ADMIN_KEY": "env:SHORT"}, "has fewer than 16 characters"),
        ({"AUTHPROXY_ADMIN_KEY": "file:/proc/nowhere/key"}, "/proc/nowhere/key"),
        (
            {"AUTHPROXY_ADMIN_KEY": "secret:projects/my-project/secrets/s"},
            "must be at hand when Google is not",
        ),
        (
            {"AUTHPROXY_ADMIN_KEY": "my-key-itself-of-today"},
            "into an environment variable or a file, and write env:NAME or file:PATH",
        ),
    ],
)
def test_what_cannot_be_used_is_a_problem(environ: dict[str, str], message: str) -> None:
    [problem] = problems(urls=[URL], environ=environ | {"SHORT": "hunter2"})

    assert message in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"AUTHPROXY_ADMIN": "4040", "AUTHPROXY_ADMIN_ALLOW": "10.0.0.0/8"}, "only this machine"),
        ({"AUTHPROXY_ADMIN": "off", "AUTHPROXY_ADMIN_ALLOW": "10.0.0.0/8"}, "it is off"),
        ({"AUTHPROXY_ADMIN_ALLOW": "10.0.0.0/8"}, "by default it is for this machine only"),
        ({"AUTHPROXY_ADMIN": "off", "AUTHPROXY_ADMIN_KEY": "env:KEY"}, "it is off"),
        ({"AUTHPROXY_ADMIN": "off", "AUTHPROXY_ADMIN_QUIT": "true"}, "it is off"),
        ({"AUTHPROXY_ADMIN": "unix:/proc/nowhere/s"}, "there is no folder /proc/nowhere"),
    ],
)
def test_what_has_no_effect_is_said(environ: dict[str, str], message: str) -> None:
    [warning] = warnings(urls=[URL], environ=environ | {"KEY": KEY})

    assert message in warning


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AUTHPROXY_ADMIN": "off"},
        {"AUTHPROXY_ADMIN": "127.0.0.1:0"},
        {"AUTHPROXY_ADMIN": "unix:@admin"},
        {"AUTHPROXY_ADMIN_KEY": "env:KEY"},
        {"AUTHPROXY_ADMIN_QUIT": "true", "AUTHPROXY_ADMIN": "4040"},
    ],
)
def test_what_is_good_is_not_spoken_of(environ: dict[str, str]) -> None:
    assert [] == warnings(urls=[URL], environ=environ | {"KEY": KEY})


@pytest.mark.parametrize(
    ("written", "shown"),
    [("4041", "localhost:4041"), ("false", "off"), ('"off"', "off"), ("true", "127.0.0.1:4040")],
)
def test_a_file_may_have_a_number_or_a_truth_value(
    tmp_path: Path, written: str, shown: str
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(f'admin = {written}\n[services.a]\nurl = "{URL}"\n')

    assert shown == str(settings(file=file).admin)


def test_paths_are_those_of_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    file = tmp_path / "authproxy.toml"
    file.write_text(
        f'admin = "unix:admin.sock"\nadmin_key = "file:key"\n[services.a]\nurl = "{URL}"\n'
    )

    found = settings(file=file)

    assert tmp_path / "admin.sock" == found.admin.listen.path
    assert f"file:{tmp_path}/key" == str(found.admin_key)


def test_a_key_that_all_can_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o644)

    [problem] = problems(urls=[URL], environ={"AUTHPROXY_ADMIN_KEY": f"file:{tmp_path}/key"})

    assert "can be read by every user" in problem
