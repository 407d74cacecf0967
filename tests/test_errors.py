import re
from collections.abc import Callable
from pathlib import Path

import pytest

from authproxy.errors import (
    STATUS_OF,
    AuthProxyError,
    Code,
    ConfigError,
    CredentialError,
    Problem,
    Refused,
    StartError,
    UpstreamError,
)

TROUBLESHOOTING = Path(__file__).parent.parent / "docs" / "troubleshooting.md"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("bad_request", 400),
        ("address_not_allowed", 403),
        ("no_route", 404),
        ("connect_not_supported", 405),
        ("trace_not_supported", 405),
        ("request_timeout", 408),
        ("target_too_long", 414),
        ("host_not_allowed", 421),
        ("head_too_large", 431),
        ("connect_failed", 502),
        ("upstream_broke", 502),
        ("shutting_down", 503),
        ("token_unavailable", 503),
        ("upstream_timeout", 504),
    ],
)
def test_code_and_status_belong_together(code: str, status: int) -> None:
    assert status == STATUS_OF[Code(code)]


def test_every_code_has_a_status() -> None:
    assert set(Code) == set(STATUS_OF)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Refused("No.", code=Code.NO_ROUTE, hint="Ask.", detail="rule 7"),
        lambda: CredentialError("No.", hint="Ask.", detail="rule 7"),
        lambda: UpstreamError(
            "No.", code=Code.CONNECT_FAILED, sent=False, hint="Ask.", detail="rule 7"
        ),
    ],
    ids=["Refused", "CredentialError", "UpstreamError"],
)
def test_the_sentence_is_the_message_alone(make: Callable[[], AuthProxyError]) -> None:
    error = make()

    assert ("No.", "Ask.", "rule 7") == (str(error), error.hint, error.detail)


def test_an_error_knows_its_status() -> None:
    assert 404 == Refused("No such service.", code=Code.NO_ROUTE).status
    assert 503 == CredentialError("No token.").status
    assert 504 == UpstreamError("Too slow.", code=Code.UPSTREAM_TIMEOUT, sent=True).status


def test_a_credential_error_is_worth_another_try_unless_it_says_otherwise() -> None:
    error = CredentialError("The metadata server does not answer.")

    assert (Code.TOKEN_UNAVAILABLE, False, 5) == (error.code, error.permanent, error.retry_after_s)


def test_an_upstream_error_says_whether_the_service_could_have_seen_the_request() -> None:
    error = UpstreamError("Refused.", code=Code.CONNECT_FAILED, sent=False)

    assert error.sent is False


def test_a_config_error_reads_as_one_line_for_each_problem() -> None:
    error = ConfigError(
        [
            Problem(where="authproxy.toml:3", key="listn", message="unknown; did you mean listen?"),
            Problem(where="environment", key="AUTHPROXY_ALLOW", message='"x" is not an address'),
        ]
    )

    assert (
        "authproxy.toml:3: listn: unknown; did you mean listen?\n"
        'environment: AUTHPROXY_ALLOW: "x" is not an address'
    ) == str(error)


def test_a_start_error_carries_its_hint() -> None:
    error = StartError("Port 8080 is taken.", hint="Choose another with --listen.")

    assert ("Port 8080 is taken.", "Choose another with --listen.") == (str(error), error.hint)


def test_every_code_has_a_heading_in_troubleshooting_and_no_other_has() -> None:
    headings = re.findall(r"^### `(\w+)` \((\d+)\)$", TROUBLESHOOTING.read_text(), re.MULTILINE)

    assert {(code.value, str(status)) for code, status in STATUS_OF.items()} == set(headings)


@pytest.mark.parametrize(
    ("message", "hint", "expected"),
    [
        ("No token", "Log in.", "No token. Log in."),
        ("No token.", "Log in.", "No token. Log in."),
        ("Is it on?", "Look.", "Is it on? Look."),
        ("No token", "", "No token"),
    ],
)
def test_there_is_one_full_stop_between_message_and_hint(
    message: str, hint: str, expected: str
) -> None:
    assert expected == CredentialError(message, hint=hint).text
