from pathlib import Path

from authproxy.settings import Settings
from tests.support.configuring import URL, problems, settings


def test_a_url_is_configuration_enough() -> None:
    found = settings(urls=[URL])

    assert {"billing": URL} == {name: str(one.url) for name, one in found.services.items()}
    assert Settings.model_fields["allow"].default == found.allow


def test_nothing_at_all_is_a_problem_with_its_way_out() -> None:
    assert [
        "command line: URL: no service is given; write authproxy"
        ' https://SERVICE.run.app, or put [services.NAME] with url = "https://…" into a file and'
        " write authproxy -c FILE"
    ] == problems()


def test_of_a_file_without_a_service_it_is_the_file_that_is_named(tmp_path: Path) -> None:
    """As config.example.toml is, in which nothing is active."""
    file = tmp_path / "authproxy.toml"
    file.write_text('#url = "https://a"\n')
    expected = (
        "authproxy.toml: services: no service is given; add [services.NAME] with"
        ' url = "https://SERVICE.run.app"'
    )

    assert [expected] == problems(file=file)
    assert [f"{file.parent}/{expected}"] == problems(environ={"AUTHPROXY_CONFIG": str(file)})


def test_a_file_that_cannot_be_read_is_not_also_a_missing_service() -> None:
    assert ['command line: --config: there is no file "nowhere"'] == problems(
        file=Path("/proc/nowhere")
    )


def test_every_problem_is_said_at_once_in_the_order_of_reading(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(
        'listen = ["0.0.0.0:8080"]\n'
        'alow = ["10.0.0.0/8"]\n'
        "[services.billing]\n"
        f'url = "{URL}/invoices?all"\n'
        'api_key = "hunter2"\n'
        "[timeouts]\n"
        "connect = -1\n"
    )

    assert [
        "authproxy.toml:1: listen: 0.0.0.0:8080 can be reached from other machines, and nothing"
        ' says which of them may use it; write allow = ["10.0.0.0/8"] or --allow 10.0.0.0/8 with'
        " your clients' addresses, or listen on this machine only: --listen localhost:8080",
        'authproxy.toml:2: alow: there is no such key; did you mean "allow"?',
        "authproxy.toml:4: services.billing.url: a service's address has no query and no fragment;"
        f" write {URL}/invoices",
        "authproxy.toml:5: services.billing.api_key: a key must not be written here; put it"
        " into an environment variable, a file or Secret Manager, and write env:NAME, file:PATH or"
        " secret:projects/PROJECT/secrets/NAME",
        "authproxy.toml:7: timeouts.connect: must be more than 0",
        "environment: AUTHPROXY_LISTN: there is no such variable; did you mean AUTHPROXY_LISTEN?",
        'command line: --log-level: must be one of debug, info, warning, error, not "loud"',
    ] == problems(file=file, environ={"AUTHPROXY_LISTN": "1"}, flags={"--log-level": "loud"})


def test_a_problem_that_concerns_every_service_is_said_once() -> None:
    assert [
        "command line: --audience: must be one word, as in https://SERVICE.run.app"
    ] == problems(urls=["https://a", "https://b"], flags={"--audience": "a b"})


def test_a_password_in_a_url_is_not_repeated() -> None:
    assert [
        "command line: URL: a user name or password in a URL (anything with @) is not supported"
    ] == problems(urls=["https://bob:hunter2@a"])
