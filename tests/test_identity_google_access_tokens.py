"""Access tokens by real google-auth against the pretend Google, over real sockets."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.machine import Machine
from authproxy.identity.sources.build import build_source
from authproxy.values import CLOUD_PLATFORM, CredentialsSpec
from tests.support.mint import mint_apart

RUNNER = "runner@p.iam.gserviceaccount.com"
TARGET = "target@p.iam.gserviceaccount.com"
VIA = "via@p.iam.gserviceaccount.com"
USER = "me@x.example"
FEDERATED = (
    "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools"
    "/demo/subject/workload"
)
STORAGE = "https://www.googleapis.com/auth/devstorage.read_only"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World() as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        for who in (RUNNER, USER, METADATA_EMAIL, FEDERATED, VIA):
            world.google.accounts.allow_acting_as(TARGET, by=who)
        world.google.accounts.allow_acting_as(VIA, by=RUNNER)
        yield world


async def mint(
    path: Path,
    *,
    scopes: Sequence[str] = (CLOUD_PLATFORM,),
    impersonate: str | None = None,
    delegates: Sequence[str] = (),
) -> Token:
    source = build_source(
        CredentialsSpec("file", str(path)),
        impersonate=impersonate,
        delegates=delegates,
        machine=Machine({}),
        scopes=scopes,
    )
    return await asyncio.to_thread(source.mint, "")


def whose(world: World, token: Token) -> tuple[str, frozenset[str]]:
    """To Google, by the token alone."""
    found = world.google.accounts.find_access_token(token.value.reveal())
    assert found is not None
    return found.account.email, found.scopes


async def test_a_key_file_gives_access_tokens_with_the_scopes_wanted(world: World) -> None:
    token = await mint(world.service_account_file(RUNNER), scopes=[STORAGE])

    assert (RUNNER, frozenset([STORAGE])) == whose(world, token)
    assert (RUNNER, "") == (token.principal, token.audience)


async def test_the_token_ends_when_google_said(world: World) -> None:
    before = time.time()
    token = await mint(world.service_account_file(RUNNER))

    assert before + 50 < token.expires_at < time.time() + 62


async def test_a_user_has_the_scopes_of_the_sign_in(world: World) -> None:
    email, scopes = whose(world, await mint(world.user_adc_file(USER), scopes=[STORAGE]))

    assert (USER, True) == (email, CLOUD_PLATFORM in scopes)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda w: w.service_account_file(RUNNER), id="key"),
        pytest.param(lambda w: w.user_adc_file(USER), id="user"),
        pytest.param(lambda w: w.wif_file(None), id="federated"),
    ],
)
async def test_any_credentials_can_act_as_another_account(
    world: World, make: Callable[[World], Path]
) -> None:
    token = await mint(make(world), scopes=[STORAGE], impersonate=TARGET)

    assert (TARGET, frozenset([STORAGE])) == whose(world, token)
    assert TARGET == token.principal


async def test_delegates_are_the_way_to_the_account(world: World) -> None:
    world.google.accounts.forbid_acting_as(TARGET, by=RUNNER)
    path = world.service_account_file(RUNNER)

    assert TARGET == whose(world, await mint(path, impersonate=TARGET, delegates=[VIA]))[0]


async def test_a_federated_workload_acts_as_the_account_in_its_file(world: World) -> None:
    assert TARGET == whose(world, await mint(world.wif_file(TARGET)))[0]


async def test_a_federated_workload_may_be_nobody_else(world: World) -> None:
    assert FEDERATED == whose(world, await mint(world.wif_file(None)))[0]


async def test_a_file_that_impersonates_is_followed(world: World) -> None:
    path = world.impersonation_file(TARGET, source=world.user_adc_file(USER))
    token = await mint(path, scopes=[STORAGE])

    assert (TARGET, frozenset([STORAGE])) == whose(world, token)


@pytest.mark.parametrize(
    ("impersonate", "expected"), [((), METADATA_EMAIL), ((TARGET,), TARGET)], ids=["own", "acting"]
)
async def test_the_metadata_server_gives_access_tokens(
    world: World, impersonate: tuple[str, ...], expected: str
) -> None:
    result = await mint_apart(world, "metadata", *impersonate, SCOPES=CLOUD_PLATFORM)

    assert (expected, "") == (result.get("principal"), result.get("audience"))


async def test_google_may_refuse(world: World) -> None:
    world.google.accounts.forbid_acting_as(TARGET, by=RUNNER)
    with pytest.raises(CredentialError) as caught:
        await mint(world.service_account_file(RUNNER), impersonate=TARGET)

    assert str(caught.value).endswith(f"the credentials may not make access tokens as {TARGET}")
    assert "roles/iam.serviceAccountTokenCreator" in caught.value.hint


@pytest.mark.parametrize("kind", ["token-file", "token-env", "command"])
def test_a_source_of_finished_identity_tokens_has_none(kind: str) -> None:
    expected = (
        f"{kind} has identity tokens only, and an access token is needed; use one of adc, auto,"
        " file, gcloud, metadata"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        build_source(
            CredentialsSpec(kind, "x"),
            impersonate=None,
            delegates=(),
            machine=Machine({}),
            scopes=[CLOUD_PLATFORM],
        )
