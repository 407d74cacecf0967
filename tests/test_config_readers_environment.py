import pytest

from authproxy.config.readers.environment import read_flags, read_urls, read_variables, split_urls
from authproxy.config.readers.setting_names import SERVICE_KEYS
from tests.support.configuring import URL, problems, settings

OF_A_SERVICE = ", ".join(key.upper() for key in SERVICE_KEYS)


def test_a_variable_sets_what_it_is_called_after() -> None:
    found = settings(
        urls=[URL],
        environ={
            "AUTHPROXY_LISTEN": "8081, unix:/run/a.sock",
            "AUTHPROXY_ALLOW": "10.0.0.0/8,192.168.0.0/16,",
            "AUTHPROXY_LOG_LEVEL": "debug",
            "AUTHPROXY_ACCESS_LOG": "off",
            "AUTHPROXY_LIMITS_HEADERS": "50",
            "AUTHPROXY_TIMEOUTS_CONNECT": "2.5",
            "AUTHPROXY_AUDIENCE": "aud",
        },
    )

    assert ["localhost:8081", "unix:/run/a.sock"] == [str(one) for one in found.listen]
    assert ["10.0.0.0/8", "192.168.0.0/16"] == [str(one) for one in found.allow]
    assert ("debug", False) == (found.log.level, found.log.access)
    assert (50, 2.5) == (found.limits.headers, found.timeouts.connect)
    assert "aud" == found.services["billing"].audience


def test_a_variable_with_a_services_name_beats_one_without() -> None:
    found = settings(
        urls=["a-b=https://a", "c=https://c"],
        environ={"AUTHPROXY_SERVICES_A_B_AUDIENCE": "mine", "AUTHPROXY_AUDIENCE": "all"},
    )

    assert ["mine", "all"] == [service.audience for service in found.services.values()]


def test_a_variable_can_bring_a_service() -> None:
    found = settings(
        environ={
            "AUTHPROXY_SERVICES_MY_APP_URL": "https://a",
            "AUTHPROXY_SERVICES_MY_APP_API_KEY_HEADER": "X-Key",
            "AUTHPROXY_TOKEN_HEADER": "X-Token",
        }
    )

    assert ["my-app"] == list(found.services)
    assert ("X-Key", "X-Token") == (
        found.services["my-app"].api_key_header,
        found.services["my-app"].token_header,
    )


def test_urls_in_a_variable_are_separated_by_commas_or_spaces() -> None:
    assert ["a", "b=c", "d"] == split_urls(" a, b=c\td,")


def test_urls_in_a_variable_are_services() -> None:
    found = settings(environ={"AUTHPROXY_URL": f"{URL} two=https://b"})

    assert ["billing", "two"] == list(found.services)


def test_an_argument_beats_the_variable_of_the_same_service() -> None:
    found = settings(
        urls=["a=https://argument.example"],
        environ={
            "AUTHPROXY_SERVICES_A_URL": "https://variable.example",
            "AUTHPROXY_SERVICES_A_AUDIENCE": "x",
        },
    ).services["a"]

    assert ("https://argument.example", "x") == (str(found.url), found.audience)


def test_urls_as_arguments_replace_those_in_the_variable() -> None:
    found = settings(urls=["https://one"], environ={"AUTHPROXY_URL": "https://two"})

    assert ["one"] == list(found.services)


def test_an_empty_variable_counts_as_not_set() -> None:
    environ = {"AUTHPROXY_LISTEN": "", "AUTHPROXY_AUDIENCE": " ", "AUTHPROXY_NONSENSE": ""}

    assert ([], []) == read_variables(environ, ())


def test_what_kubernetes_sets_for_a_service_of_our_name_is_ignored() -> None:
    environ = {
        "AUTHPROXY_SERVICE_HOST": "10.0.0.1",
        "AUTHPROXY_SERVICE_PORT": "80",
        "AUTHPROXY_SERVICE_PORT_HTTP": "80",
        "AUTHPROXY_PORT": "tcp://10.0.0.1:80",
        "AUTHPROXY_PORT_80_TCP": "tcp://10.0.0.1:80",
        "AUTHPROXY_PORT_80_TCP_PROTO": "tcp",
        "AUTHPROXY_BILLING_SERVICE_HOST": "10.0.0.2",
    }

    assert ([], []) == read_variables(environ, ())


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("AUTHPROXY_LISTN", "1", "did you mean AUTHPROXY_LISTEN?"),
        ("AUTHPROXY_URLS", "x", "did you mean AUTHPROXY_URL?"),
        ("AUTHPROXY_DEBUG", "1", "write AUTHPROXY_LOG_LEVEL=debug, or warning for less"),
        (
            "AUTHPROXY_TOKEN",
            "eyJ",
            "write AUTHPROXY_CREDENTIALS=token-env:NAME with the name of a variable",
        ),
        (
            "AUTHPROXY_SERVICES_A_COLOUR",
            "x",
            f"AUTHPROXY_SERVICES_NAME_ is followed by one of {OF_A_SERVICE}",
        ),
        (
            "AUTHPROXY_SERVICES_URL",
            "x",
            f"AUTHPROXY_SERVICES_NAME_ is followed by one of {OF_A_SERVICE}",
        ),
        (
            "AUTHPROXY_COLOURS",
            "x",
            "docs/configuration.md lists all; remove it or correct its name",
        ),
    ],
)
def test_an_unknown_variable_is_answered_with_what_to_write(
    name: str, value: str, advice: str
) -> None:
    expected = f"environment: {name}: there is no such variable; {advice}"

    assert [expected] == problems(urls=[URL], environ={name: value})


def test_a_problem_with_a_variable_names_the_variable() -> None:
    assert [
        'environment: AUTHPROXY_LISTEN: "x" is not a port; write a number from 0 to 65535',
        "environment: AUTHPROXY_LIMITS_HEADERS: must be a whole number",
        'environment: AUTHPROXY_TIMEOUTS_TOKEN: "soon" is not a number of seconds, as in 30, or'
        " with a unit: 30s, 5m, 1h, 250ms",
    ] == problems(
        urls=[URL],
        environ={
            "AUTHPROXY_LISTEN": "localhost:x",
            "AUTHPROXY_TIMEOUTS_TOKEN": "soon",
            "AUTHPROXY_LIMITS_HEADERS": "many",
        },
    )


def test_two_services_of_one_name_are_told_apart_by_a_number() -> None:
    entries, found = read_urls([URL, "billing-2=https://b", URL], where="x", key="URL")

    assert [] == found
    assert ["billing", "billing-2", "billing-3"] == [entry.path[1] for entry in entries]


def test_a_name_given_twice_is_a_problem() -> None:
    assert ['command line: URL: two services are called "a"; rename one'] == problems(
        urls=["a=https://one", "a=https://two"]
    )


def test_flags_that_were_not_given_are_no_entries() -> None:
    assert [] == read_flags({"--listen": (), "--audience": None})


def test_flags_keep_their_spelling() -> None:
    entries = read_flags({"--allow": ("10.0.0.1",), "--access-log": False})

    assert [("--allow", ["10.0.0.1"]), ("--no-access-log", False)] == [
        (entry.key, entry.value) for entry in entries
    ]
