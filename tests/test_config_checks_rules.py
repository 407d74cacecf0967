"""Rules for methods and paths. More in tests/test_configurations.py."""

import pytest

from tests.support.configuring import URL, problems, warnings


def said(environ: dict[str, str]) -> list[str]:
    named = {f"AUTHPROXY_{key.upper()}": value for key, value in environ.items()}
    return problems(urls=[URL], environ=named) or warnings(urls=[URL], environ=named)


@pytest.mark.parametrize(
    "rules",
    [
        {"methods": "read-only"},
        {"methods": "PROPFIND,REPORT"},
        {"deny_methods": "DELETE,PUT"},
        {"paths": "/a,/b", "deny_paths": "/a/x,/B/x"},
        {"deny_paths": "/admin"},
        {"path": "/x", "paths": "/x/api"},
        {"path": "/x", "paths": "/"},
    ],
)
def test_rules_that_do_something_and_let_somebody_through_are_taken(rules: dict[str, str]) -> None:
    expected = ["/ has no effect: it is every path; leave the setting out"]

    assert [line.split(": ", 2)[2] for line in said(rules)] == (
        expected if rules.get("paths") == "/" else []
    )


def test_a_rule_for_every_service_is_told_of_once() -> None:
    environ = {"AUTHPROXY_METHODS": "FROBNICATE"}

    assert 1 == len(warnings(urls=[URL, "https://b.example"], environ=environ))


def test_rules_are_about_what_comes_below_the_path_in_a_url() -> None:
    rules = {"AUTHPROXY_PATHS": "/billing/a,/b", "AUTHPROXY_DENY_PATHS": "/billing"}
    said = warnings(urls=["https://lb.example/billing"], environ=rules)

    assert [
        'environment: AUTHPROXY_PATHS: "/billing/a" is about /billing/billing/a at the service:'
        ' rules are about what comes below url; write "/a"',
        'environment: AUTHPROXY_DENY_PATHS: "/billing" is about /billing/billing at the service:'
        ' rules are about what comes below url; write "/"',
    ] == [line for line in said if "below url" in line]
