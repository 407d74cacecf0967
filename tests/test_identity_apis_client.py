"""Real requests against the pretend Google, through its CONNECT proxy and its private authority."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.apis.client import ApiRefusedError, Case, GoogleApi, explained
from authproxy.identity.clock_skew import Skew
from authproxy.identity.machine import Machine
from authproxy.identity.sources.build import build_source
from authproxy.values import CLOUD_PLATFORM, CredentialsSpec

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
URL = "https://secretmanager.googleapis.com/v1/projects/acme-prod/secrets/key/versions/1:access"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World(token_life_s=600) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        world.google.secret_manager.readers.add(ROBOT)
        world.google.secret_manager.add_version("projects/acme-prod/secrets/key", b"k")
        yield world


def api_of(world: World) -> GoogleApi:
    spec = CredentialsSpec("file", str(world.service_account_file(ROBOT)))
    source = build_source(
        spec,
        impersonate=None,
        delegates=(),
        machine=Machine(world.environment),
        scopes=(CLOUD_PLATFORM,),
    )
    return GoogleApi(source, Skew())


async def ask(api: GoogleApi) -> tuple[object, str]:
    return await asyncio.to_thread(api.get, URL, api="Secret Manager")


async def test_an_answer_comes_with_who_asked_and_one_token_does_for_many(world: World) -> None:
    api = api_of(world)
    answers = [await ask(api) for _ in range(3)]

    assert [ROBOT] * 3 == [principal for _, principal in answers]
    assert 1 == world.google.token.mints["access_token"]
    assert repr(api).startswith("<GoogleApi [file:")


async def test_a_token_that_is_refused_is_not_used_again(world: World) -> None:
    api = api_of(world)
    await ask(api)
    world.google.accounts.forget_access_tokens()
    with pytest.raises(ApiRefusedError) as caught:
        await ask(api)
    await ask(api)

    assert 401 == caught.value.status
    assert caught.value.may_pass
    assert 2 == world.google.token.mints["access_token"]


async def test_a_refusal_has_googles_status_and_words(world: World) -> None:
    world.google.secret_manager.readers.clear()
    with pytest.raises(ApiRefusedError) as caught:
        await ask(api_of(world))

    refusal = caught.value
    assert (403, ROBOT) == (refusal.status, refusal.principal)
    assert refusal.words.startswith("PERMISSION_DENIED Permission 'secretmanager.versions.access'")


async def test_a_page_instead_of_an_answer_is_told_of(world: World) -> None:
    world.google.secrets.fail_with(200, "<html>Sign in</html>")
    with pytest.raises(CredentialError) as caught:
        await ask(api_of(world))

    assert "Secret Manager: the answer was not in the expected form" == caught.value.message
    assert "Is there a proxy or a sign-in page between here and Google?" == caught.value.hint


async def test_an_api_that_cannot_be_reached_is_named(world: World) -> None:
    world.google.secrets.down()
    with pytest.raises(CredentialError) as caught:
        await ask(api_of(world))

    message = "Secret Manager: cannot reach secretmanager.googleapis.com (ProxyError)"
    assert message == caught.value.message
    assert not caught.value.permanent


async def test_credentials_that_fail_are_told_of_as_such(world: World) -> None:
    world.google.accounts.disabled.add(ROBOT)
    with pytest.raises(CredentialError, match=r"is disabled$"):
        await ask(api_of(world))


class Given:
    """Access tokens that nobody knows, and that end when the test says so."""

    name = "given"

    def __init__(self, *ends_at: float) -> None:
        self.ends_at = list(ends_at)

    def mint(self, audience: str, /) -> Token:
        return Token(
            value=Secret("x"),
            expires_at=self.ends_at.pop(0),
            audience=audience,
            principal="me@x.example",
            source=self.name,
            issued_at=0.0,
        )


async def test_a_token_that_is_about_to_end_is_replaced(world: World) -> None:
    world.google.secrets.fail_with(200, "{}", "application/json")
    source = Given(0.0, 4e9, 4e9)
    api = GoogleApi(source, Skew())
    for _ in range(3):
        await ask(api)

    assert [4e9] == source.ends_at


CASES = (Case("DISABLED", "{what} is off", "Switch {what} on."),)


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (403, "SERVICE_DISABLED x", ("Api: it is off", "Switch it on.", True)),
        (
            503,
            "SERVICE_DISABLED x",
            ("Api answered 503", "This is usually temporary; authproxy tries again.", False),
        ),
        (400, "odd", ("Api answered 400", "", True)),
    ],
)
def test_a_refusal_is_explained_by_the_first_case_that_fits(
    status: int, words: str, expected: tuple[str, str, bool]
) -> None:
    error = explained(ApiRefusedError(status, words, "me"), "Api", CASES, {"what": "it"})

    assert expected == (error.message, error.hint, error.permanent)
    assert words == error.detail
