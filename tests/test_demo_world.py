"""Unmodified google-auth, in a process of its own, takes the world for Google."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from authproxy.demo.accounts import ADC_CLIENT_ID, METADATA_EMAIL, federated_principal
from authproxy.demo.keys import Claims, SigningKey, parse_token
from authproxy.demo.world import World

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
TARGET = "target@authproxy-demo.iam.gserviceaccount.com"
ANNA = "anna@example.com"

METADATA = """
import sys
from google.auth.compute_engine import IDTokenCredentials
from google.auth.transport.requests import Request
credentials = IDTokenCredentials(Request(), sys.argv[1], use_metadata_identity_endpoint=True)
credentials.refresh(Request())
print(credentials.token)
"""
FETCH = """
import sys
from google.auth.transport.requests import Request
from google.oauth2.id_token import fetch_id_token
print(fetch_id_token(Request(), sys.argv[1]))
"""
USER = """
import sys
import google.auth
from google.auth.transport.requests import Request
credentials, _ = google.auth.default()
credentials.refresh(Request())
print(credentials.id_token)
"""
IMPERSONATION = """
import sys
import google.auth
from google.auth import impersonated_credentials as i
from google.auth.transport.requests import Request
source, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/iam"])
target = i.Credentials(source, sys.argv[2], ["https://www.googleapis.com/auth/iam"],
                       delegates=sys.argv[3:])
credentials = i.IDTokenCredentials(target, sys.argv[1], include_email=True)
credentials.refresh(Request())
print(credentials.token)
"""
FEDERATION = """
import json, os, sys
from google.auth import identity_pool, impersonated_credentials as i
from google.auth.transport.requests import Request
info = json.load(open(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]))
principal = identity_pool.Credentials.from_info(dict(info)).service_account_email
info.pop("service_account_impersonation_url")
source = identity_pool.Credentials.from_info(info)
target = i.Credentials(source, principal, ["https://www.googleapis.com/auth/iam"])
credentials = i.IDTokenCredentials(target, sys.argv[1], include_email=True)
credentials.refresh(Request())
print(credentials.token)
"""
VERIFY = """
import json, sys
from google.auth.transport.requests import Request
from google.oauth2.id_token import verify_oauth2_token
print(json.dumps(verify_oauth2_token(sys.argv[2], Request(), sys.argv[1])))
"""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


async def run(
    world: World, script: str, *arguments: str, credentials: object = ""
) -> tuple[str, str]:
    """Run a script in the world's environment; what it printed and what it complained about."""
    environment = {
        **os.environ,
        **world.environment,
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return output.decode().strip(), errors.decode()


async def call(world: World, token: str) -> int:
    """The service's answer to a token."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{world.url}/whoami",
            ssl=world.client_context(),
            headers={"Authorization": f"Bearer {token}"},
        ) as answer,
    ):
        return answer.status


def claims_of(token: str) -> Claims:
    return parse_token(token).claims


async def test_metadata_gives_a_token_that_the_service_admits(world: World) -> None:
    token, errors = await run(world, METADATA, world.url)

    assert not errors
    assert METADATA_EMAIL == claims_of(token)["email"]
    assert "compute_engine" in claims_of(token)["google"]
    assert 200 == await call(world, token)
    assert 1 == world.google.mints_of(world.url)


async def test_fetch_id_token_finds_the_metadata_server(world: World) -> None:
    token, errors = await run(world, FETCH, world.url)

    assert not errors
    assert 200 == await call(world, token)


async def test_key_file_gives_a_token(world: World) -> None:
    world.cloud_run.gate.invokers.add(ROBOT)

    token, errors = await run(
        world, FETCH, world.url, credentials=world.service_account_file(ROBOT)
    )

    assert not errors
    assert ROBOT == claims_of(token)["email"]
    assert 200 == await call(world, token)


async def test_user_gets_a_token_for_the_oauth_client(world: World) -> None:
    world.cloud_run.gate.invokers.add(ANNA)

    token, _ = await run(world, USER, credentials=world.user_adc_file(ANNA))

    assert ADC_CLIENT_ID == claims_of(token)["aud"]
    assert 200 == await call(world, token)
    assert 1 == world.google.connect_proxy.connected["oauth2.googleapis.com"]


async def test_user_without_openid_gets_no_id_token(world: World) -> None:
    scopes = ("https://www.googleapis.com/auth/cloud-platform",)

    token, _ = await run(world, USER, credentials=world.user_adc_file(ANNA, scopes=scopes))

    assert "None" == token


async def test_impersonation_needs_the_token_creator_role(world: World) -> None:
    user = world.user_adc_file(ANNA)

    _, errors = await run(world, IMPERSONATION, world.url, TARGET, credentials=user)

    assert (
        "Permission 'iam.serviceAccounts.getOpenIdToken' denied on resource"
        " (or it may not exist)." in errors
    )


@pytest.mark.parametrize("delegates", [(), (ROBOT,)], ids=["direct", "delegated"])
async def test_user_acts_as_a_service_account(world: World, delegates: tuple[str, ...]) -> None:
    accounts = world.google.accounts
    accounts.allow_acting_as(delegates[0] if delegates else TARGET, by=ANNA)
    accounts.allow_acting_as(TARGET, by=ROBOT)
    world.cloud_run.gate.invokers.add(TARGET)
    names = [f"projects/-/serviceAccounts/{name}" for name in delegates]

    token, _ = await run(
        world, IMPERSONATION, world.url, TARGET, *names, credentials=world.user_adc_file(ANNA)
    )

    assert TARGET == claims_of(token)["email"]
    assert 200 == await call(world, token)


async def test_impersonation_file_gives_a_token(world: World) -> None:
    world.google.accounts.allow_acting_as(TARGET, by=ANNA)
    world.cloud_run.gate.invokers.add(TARGET)
    file = world.impersonation_file(TARGET, source=world.user_adc_file(ANNA))

    token, errors = await run(world, FETCH, world.url, credentials=file)

    assert not errors
    assert 200 == await call(world, token)


async def test_federated_workload_acts_as_a_service_account(world: World) -> None:
    world.google.accounts.allow_acting_as(TARGET, by=federated_principal("workload"))
    world.cloud_run.gate.invokers.add(TARGET)

    token, _ = await run(world, FEDERATION, world.url, credentials=world.wif_file(TARGET))

    assert TARGET == claims_of(token)["email"]
    assert 200 == await call(world, token)
    assert 1 == world.google.sts.mints["access_token"]


async def test_google_auth_believes_the_published_keys(world: World) -> None:
    token = world.mint()

    output, errors = await run(world, VERIFY, world.url, token)

    assert not errors
    assert claims_of(token) == json.loads(output)


async def test_minted_tokens_are_wrong_where_asked(world: World) -> None:
    statuses = {
        "right": await call(world, world.mint()),
        "custom": await call(world, world.mint(audience="https://billing.example.com")),
        "expired": await call(world, world.mint(life_s=-1)),
        "wrong key": await call(world, world.mint(key=SigningKey())),
        "wrong issuer": await call(world, world.mint(claims={"iss": "https://evil.example"})),
        "unverified": await call(world, world.mint(claims={"email_verified": False})),
        "another": await call(world, world.mint(email=ROBOT)),
    }

    assert {
        "right": 200,
        "custom": 401,
        "expired": 401,
        "wrong key": 401,
        "wrong issuer": 401,
        "unverified": 401,
        "another": 403,
    } == statuses


async def test_custom_audience_is_accepted() -> None:
    audience = "https://billing.example.com"
    async with World(custom_audiences=[audience]) as world:
        assert 200 == await call(world, world.mint(audience=audience))


async def test_revoked_tokens_are_refused_and_new_ones_pass(world: World) -> None:
    old = world.mint()

    world.google.keys.revoke()

    assert 401 == await call(world, old)
    assert 200 == await call(world, world.mint())


async def test_rotated_keys_keep_old_tokens_good(world: World) -> None:
    old = world.mint()

    world.google.keys.rotate()

    assert 200 == await call(world, old)
    assert 200 == await call(world, world.mint())


async def test_services_are_apart(world: World) -> None:
    billing = await world.add_service("billing")

    token = world.mint(audience=billing.url)

    assert 401 == await call(world, token)
    assert billing.url != world.url


async def test_files_hold_secrets_that_only_the_owner_reads_and_vanish() -> None:
    async with World() as world:
        file = world.service_account_file(ROBOT)
        mode = file.stat().st_mode & 0o777
        directory = world.directory

    assert 0o600 == mode
    assert not directory.exists()


async def test_status_lines_show_no_secret(world: World) -> None:
    await call(world, world.mint())
    _, grant = world.google.accounts.grant(ANNA, client_id=ADC_CLIENT_ID, scopes=("openid",))

    assert "<World [1 services]>" == repr(world)
    assert f"<PretendCloudRun {world.url} [1 requests seen]>" == repr(world.cloud_run)
    assert f"<PretendGoogle port={world.google.port} [0 mints]>" == repr(world.google)
    assert "<Endpoint iam [up, 0 calls, 0 mints]>" == repr(world.google.iam)
    assert grant.client_secret not in repr(grant)


async def test_another_of_googles_apis_is_reached_by_way_of_the_proxy_only(world: World) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text="a bucket")

    await world.add_api("storage.googleapis.com", answer)
    proxy = f"http://127.0.0.1:{world.google.connect_proxy.port}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            "https://storage.googleapis.com/b", proxy=proxy, ssl=world.client_context()
        ) as found,
    ):
        assert "a bucket" == await found.text()
