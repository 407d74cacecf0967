from pathlib import Path

import pytest

from tests.support.configuring import URL, problems, warnings


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "authproxy.toml"
    file.write_text(content)
    return file


def test_a_host_name_leads_to_one_service(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[services.a]\nurl = "https://a"\nhosts = ["X.example", "a.localhost"]\n'
        '[services.b]\nurl = "https://b"\nhosts = [\n  "y.example",\n  "x.example",\n'
        '  "a.localhost",\n]\n',
    )

    assert [
        'authproxy.toml:8: services.b.hosts: "x.example" already belongs to the service "a"; a name'
        " can belong to one service only",
        'authproxy.toml:9: services.b.hosts: "a.localhost" already belongs to the service "a"; a'
        " name can belong to one service only",
    ] == problems(file=file)


def test_a_path_leads_to_one_service(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[services.a]\nurl = "https://a"\npath = "/x"\n[services.b]\n'
        'url = "https://b"\npath = "/x/"\n'
        '[services.c]\nurl = "https://c"\nstrip_path = true\n',
    )

    assert [
        'authproxy.toml:6: services.b.path: "/x" already belongs to the service "a"; a path can'
        " belong to one service only",
        "authproxy.toml:9: services.c.strip_path: there is no path to strip; add path",
    ] == problems(file=file)


def test_a_service_that_no_listener_leads_to_is_told() -> None:
    environ = {"AUTHPROXY_LISTENERS_L_LISTEN": "81", "AUTHPROXY_LISTENERS_L_SERVICE": "billing"}

    assert [
        "command line: URL: cannot be reached: every listener has another service of its own"
    ] == warnings(urls=[URL, "https://b.example"], environ=environ)


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("localhost:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "https://a.localhost:8080"),
        ("0.0.0.0:8080", "http://[::1]:8080"),
        ("192.0.2.7:8080", "https://192.0.2.7:8080"),
    ],
)
def test_authproxy_is_no_service_of_itself(listen: str, url: str) -> None:
    [problem] = problems(urls=[url], flags={"--listen": (listen,), "--allow": ("192.0.2.0/24",)})

    assert "is authproxy's own listener: it would call itself" in problem
    assert [] == problems(urls=[url], flags={"--port": "8081"})


def test_a_setting_for_every_service_need_not_have_an_effect_on_each(tmp_path: Path) -> None:
    file = write(tmp_path, f'[services.a]\nurl = "{URL}"\ncredentials = "none"\n')
    environ = {"AUTHPROXY_API_KEY_HEADER": "X-Key", "AUTHPROXY_TOKEN_HEADER": "Authorization"}

    assert [] == warnings(file=file, environ=environ)
