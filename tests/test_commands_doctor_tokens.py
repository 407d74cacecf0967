import dataclasses

import pytest

from authproxy.commands.doctor.report import Result, failed, not_needed, ok
from authproxy.commands.doctor.subject import Subject
from authproxy.commands.doctor.tokens import check_claims, check_token, judge_audience
from authproxy.exchange import NO_TOKEN
from authproxy.identity.machine import Machine
from authproxy.policy.google.cloud_run import GCLOUD_CLIENTS
from tests.support.configuring import URL, settings
from tests.support.jwt import unsigned_jwt
from tests.support.proxying import make_token


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ("https://a", ok("the audience is https://a")),
        (
            GCLOUD_CLIENTS[0],
            ok("the audience is gcloud's client id, which Cloud Run accepts from users"),
        ),
        (
            "mine.apps.googleusercontent.com",
            failed(
                "the token's audience is the OAuth client mine.apps.googleusercontent.com, which"
                " Cloud Run will most likely refuse",
                "Run: gcloud auth application-default login",
            ),
        ),
        (
            "https://b",
            failed(
                "the token is for https://b, not for https://a",
                "Get a token for https://a; or, if the service accepts this one, use"
                " --audience https://b",
            ),
        ),
    ],
)
def test_a_tokens_audience_is_compared_with_the_services(audience: str, expected: Result) -> None:
    token = dataclasses.replace(make_token(), audience=audience)

    assert expected == judge_audience(token, "https://a")


def test_no_token_has_no_audience() -> None:
    assert not_needed("there is no token") == judge_audience(NO_TOKEN, "https://a")


def subject(credentials: str, **environ: str) -> Subject:
    found = settings(urls=[URL], flags={"--credentials": credentials}, environ=environ)
    service = found.services["billing"]
    return Subject(name="billing", service=service, settings=found, machine=Machine(environ))


async def test_a_token_is_told_by_who_it_is_and_how_long_it_lasts() -> None:
    given = subject("token-env:T", T=unsigned_jwt(aud=URL, life=7 * 86400 + 43200))

    assert ok("me@x.example from token-env:T, good for 7 days") == await check_token(given)
    assert ok(f"the audience is {URL}") == await check_claims(given)


async def test_without_credentials_there_is_nothing_to_check() -> None:
    assert not_needed('credentials are "none"') == await check_token(subject("none"))
