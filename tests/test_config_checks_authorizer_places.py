"""What a person may write about the authorizer, and what they hear."""

import pytest

from tests.support.configuring import URL, problems, warnings

TRUSTED = {"AUTHPROXY_TRUSTED_PROXIES": "127.0.0.1"}


def test_it_does_not_start_before_it_is_said_who_may_ask() -> None:
    [problem] = problems(urls=[URL], environ={"AUTHPROXY_AUTHORIZER_LISTEN": "127.0.0.1:9191"})

    assert 'trusted_proxies = ["127.0.0.1"]' in problem
    assert [] == problems(
        urls=[URL], environ=TRUSTED | {"AUTHPROXY_AUTHORIZER_LISTEN": "127.0.0.1:9191"}
    )


@pytest.mark.parametrize("form", ["LISTEN", "GRPC"])
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:8080", "is where clients connect"),
        ("localhost", "needs a port of its own, as in localhost:9191"),
        ("unix:/tmp/s", "must be an address and a port"),
    ],
)
def test_a_place_that_cannot_be_used_is_a_problem(form: str, address: str, message: str) -> None:
    [problem] = problems(urls=[URL], environ=TRUSTED | {f"AUTHPROXY_AUTHORIZER_{form}": address})

    assert message in problem


def test_both_forms_cannot_have_one_port() -> None:
    both = {
        "AUTHPROXY_AUTHORIZER_LISTEN": "127.0.0.1:9191",
        "AUTHPROXY_AUTHORIZER_GRPC": "127.0.0.1:9191",
    }
    [problem] = problems(urls=[URL], environ=TRUSTED | both)

    assert "give it another port" in problem


def test_tokens_on_a_network_are_warned_of() -> None:
    said = warnings(urls=[URL], environ=TRUSTED | {"AUTHPROXY_AUTHORIZER_LISTEN": "10.0.0.5:9191"})

    assert any("tokens leave 10.0.0.5:9191 unencrypted" in each for each in said)
