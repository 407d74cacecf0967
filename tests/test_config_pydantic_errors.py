from pathlib import Path

import pytest

from tests.support.configuring import problems

SERVICE = '[services.a]\nurl = "https://a"\n'


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('log.access = "maybe"', "log.access: must be true or false"),
        ("log.access = []", "log.access: must be true or false"),
        ("timeouts.token = nan", "timeouts.token: must be a finite number"),
        ("timeouts.token = inf", "timeouts.token: must be a finite number"),
        (
            'timeouts.token = "x"',
            'timeouts.token: "x" is not a number of seconds, as in 30, or with a unit: 30s, 5m, 1h,'
            " 250ms",
        ),
        ("timeouts.token = []", "timeouts.token: must be a number"),
        ("timeouts.token = 0", "timeouts.token: must be more than 0"),
        ("timeouts.drain = -1", "timeouts.drain: must be at least 0"),
        ("timeouts.drain = true", "timeouts.drain: must be a number, not true or false"),
        ("limits.head_bytes = 3", "limits.head_bytes: must be at least 1024"),
        ("limits.headers = 9.5", "limits.headers: must be a whole number"),
        ('limits.headers = "x"', "limits.headers: must be a whole number"),
        ("limits.headers = {}", "limits.headers: must be a whole number"),
        (f'limits.headers = "{"9" * 5000}"', "limits.headers: is too large"),
        ("allow = {}", 'allow: must be a list, as in ["a", "b"]'),
        ("allow = 1979-05-27", 'allow: must be a list, as in ["a", "b"]'),
        ("hosts = [1979-05-27]", "hosts: must be text in quotes"),
        ("listen = []", "listen: must not be empty; leave it out to get the default"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_our_words(
    line: str, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(f"{line}\n{SERVICE}")

    assert [f"authproxy.toml:1: {sentence}"] == problems(file=file)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("biling", 'did you mean "billing"?'),
        ("other", 'write url = "https://…" in [services.other]'),
    ],
)
def test_a_service_without_a_url_may_be_a_misspelled_one(
    name: str, advice: str, tmp_path: Path
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(f'[services.billing]\nurl = "https://a"\n[services.{name}]\nhosts = []\n')

    assert [
        f'authproxy.toml:3: services.{name}: the service "{name}" has no url; {advice}'
    ] == problems(file=file, flags={"--audience": "x"})


def test_a_service_that_a_variable_misspells_is_the_variables_problem() -> None:
    assert [
        'environment: AUTHPROXY_SERVICES_BILING_AUDIENCE: the service "biling" has no url; did you'
        ' mean "billing"?'
    ] == problems(
        urls=["billing=https://a"],
        environ={"AUTHPROXY_SERVICES_BILING_AUDIENCE": "x", "AUTHPROXY_CREDENTIALS": "none"},
    )


def test_a_wrong_name_is_refused_once(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text('[services.My_App]\nurl = "https://a"\naudience = "x"\n')

    assert [
        'authproxy.toml:1: services.My_App: "My_App" cannot be a service\'s name; write lower-case'
        " letters, digits and hyphens, 63 at most: my-app"
    ] == problems(file=file)


def test_a_problem_is_on_one_line_whatever_it_repeats() -> None:
    [problem] = problems(urls=["a=systemd:we\n\nb"])

    assert problem.isprintable()
