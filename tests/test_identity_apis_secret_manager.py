"""Secrets out of the pretend Secret Manager, and what is said when they cannot be had."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest

from authproxy.demo.world import World
from authproxy.errors import Code, CredentialError
from authproxy.identity.apis.client import GoogleApi
from authproxy.identity.apis.secret_manager import KEEP_S, RENEW_S, SecretManager
from authproxy.identity.clock_skew import Skew
from authproxy.identity.machine import Machine
from authproxy.identity.sources.build import build_source
from authproxy.values import CLOUD_PLATFORM, CredentialsSpec

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
SECRET = "projects/acme-prod/secrets/key"
LATEST = f"{SECRET}/versions/latest"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World(token_life_s=600) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        world.google.secret_manager.readers.add(ROBOT)
        world.google.secret_manager.add_version(SECRET, b"hunter2-hunter2\n")
        yield world


@pytest.fixture
def manager(world: World) -> SecretManager:
    spec = CredentialsSpec("file", str(world.service_account_file(ROBOT)))
    source = build_source(
        spec,
        impersonate=None,
        delegates=(),
        machine=Machine(world.environment),
        scopes=(CLOUD_PLATFORM,),
    )
    return SecretManager(GoogleApi(source, Skew()))


async def failure(manager: SecretManager, name: str = LATEST) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await asyncio.to_thread(manager.mint, name)
    return caught.value


async def test_a_secret_is_kept_long_and_asked_for_often(manager: SecretManager) -> None:
    secret = await asyncio.to_thread(manager.mint, LATEST)

    assert "hunter2-hunter2" == secret.value.reveal()
    assert (LATEST, ROBOT, "Secret Manager") == (secret.audience, secret.principal, secret.source)
    assert KEEP_S == secret.expires_at - secret.issued_at
    assert RENEW_S == secret.renew_after_s
    assert "hunter2" not in repr(secret)


def test_errors_and_log_lines_speak_of_a_secret(manager: SecretManager) -> None:
    product = manager.product(LATEST)

    assert f"secret {LATEST}" == product.name == product.missing
    assert Code.SECRET_UNAVAILABLE is product.code


async def test_who_may_not_read_it_gets_the_command_for_the_role(
    world: World, manager: SecretManager
) -> None:
    world.google.secret_manager.readers.clear()
    error = await failure(manager)

    assert f"Secret Manager: {ROBOT} may not read it, or there is no such secret" == error.message
    assert (
        "Run: gcloud secrets add-iam-policy-binding key --project=acme-prod"
        f" --member=serviceAccount:{ROBOT} --role=roles/secretmanager.secretAccessor"
    ) == error.hint
    assert error.permanent


async def test_a_disabled_version_is_to_be_enabled(world: World, manager: SecretManager) -> None:
    world.google.secret_manager.disabled.add(f"{SECRET}/versions/1")
    error = await failure(manager, f"{SECRET}/versions/1")

    assert "Secret Manager: version 1 of the secret is disabled" == error.message
    hint = "Run: gcloud secrets versions enable 1 --secret=key --project=acme-prod"
    assert hint == error.hint


async def test_an_unknown_version_is_told_of(manager: SecretManager) -> None:
    error = await failure(manager, f"{SECRET}/versions/9")

    assert "Secret Manager: there is no such secret, or no such version of it" == error.message
    assert "Run: gcloud secrets versions list key --project=acme-prod" == error.hint


async def test_an_api_that_is_switched_off_is_to_be_switched_on(
    world: World, manager: SecretManager
) -> None:
    world.google.secret_manager.is_enabled = False
    error = await failure(manager)

    message = "Secret Manager: Secret Manager's API is not enabled in the project acme-prod"
    assert message == error.message
    hint = "Run: gcloud services enable secretmanager.googleapis.com --project=acme-prod"
    assert hint == error.hint


async def test_trouble_of_googles_own_passes(world: World, manager: SecretManager) -> None:
    world.google.secrets.fail_with(503, "{}", "application/json")
    error = await failure(manager)

    assert "Secret Manager answered 503" == error.message
    assert not error.permanent


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" \n", f"Secret Manager: {LATEST} is empty"),
        (
            b"hunter2\nhunter3",
            f"Secret Manager: {LATEST} has more than one line; a key is one line",
        ),
    ],
)
async def test_a_secret_that_cannot_stand_in_a_header_is_not_shown(
    world: World, manager: SecretManager, content: bytes, message: str
) -> None:
    world.google.secret_manager.add_version(SECRET, content)
    error = await failure(manager)

    assert message == error.message
    assert error.permanent


@pytest.mark.parametrize("data", ["not base64!", base64.b64encode(b"").decode(), None])
async def test_an_answer_without_a_payload_is_an_empty_secret(
    world: World, manager: SecretManager, data: str | None
) -> None:
    body = json.dumps({"payload": {"data": data}} if data is not None else {})
    world.google.secrets.fail_with(200, body, "application/json")

    assert f"Secret Manager: {LATEST} is empty" == (await failure(manager)).message
