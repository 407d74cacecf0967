"""Who can pass at all. More in tests/test_configurations.py."""

from pathlib import Path

from tests.support.configuring import URL, problems, warnings


def test_clients_behind_a_trusted_proxy_come_from_anywhere() -> None:
    environ = {"AUTHPROXY_TRUSTED_PROXIES": "127.0.0.1", "AUTHPROXY_ALLOW": "10.0.0.0/8"}

    assert [] == warnings(urls=[URL], environ=environ)


def test_who_must_show_a_key_may_come_from_anywhere() -> None:
    environ = {"AUTHPROXY_KEYS_CI_SHA256": "ab" * 32}
    flags = {"--listen": ("0.0.0.0",), "--allow": ("0.0.0.0/0", "::/0")}

    assert [] == warnings(urls=[URL], flags=flags, environ=environ)


def test_a_services_clients_need_to_pass_at_one_listener_only(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(
        'listen = "81"\n[listeners.lan]\nlisten = "0.0.0.0:82"\nallow = ["10.0.0.0/8"]\n'
        f'[services.a]\nurl = "{URL}"\nallow = ["10.1.0.0/16"]\n'
    )

    assert [] == warnings(file=file)


def test_a_services_clients_may_come_by_a_socket(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(f'listen = "unix:/a"\n[services.a]\nurl = "{URL}"\nallow = ["10.1.0.0/16"]\n')

    assert [] == warnings(file=file)


def test_a_file_that_denies_everybody_may_change(tmp_path: Path) -> None:
    (tmp_path / "deny.txt").write_text("127.0.0.0/8\n::1\n")
    file = tmp_path / "authproxy.toml"
    file.write_text('deny_file = "deny.txt"\n')

    assert [] == problems(file=file, urls=[URL])
    [warning] = warnings(file=file, urls=[URL])
    assert warning.startswith("authproxy.toml:1: deny_file: denies all who are allowed")


def test_a_list_that_cannot_be_read_is_one_problem_only(tmp_path: Path) -> None:
    flags = {"--allow": ("10/8",), "--deny": ("::1",)}

    assert 1 == len(problems(urls=[URL], flags=flags))


def test_a_long_list_is_not_weighed_at_each_start(tmp_path: Path) -> None:
    flags = {"--listen": ("8081",)}
    few, many = tmp_path / "few.txt", tmp_path / "many.txt"
    few.write_text("10.0.0.0/8\n")
    many.write_text("10.0.0.0/8\n" * 8000)

    found = [
        len(warnings(urls=[URL], flags=flags, environ={"AUTHPROXY_ALLOW_FILE": str(file)}))
        for file in (few, many)
    ]

    assert [1, 0] == found
