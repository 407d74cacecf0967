"""Every source of identity, through a whole authproxy with unmodified google-auth."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from authproxy.demo.accounts import (
    METADATA_EMAIL,
    federated_principal,
    workforce_principal,
)
from authproxy.demo.iam import AWS_TOKEN_TYPE, SUBJECT_TOKEN_TYPE
from authproxy.demo.iap import CLIENT_ID
from authproxy.demo.world import World
from authproxy.identity.google.federation import ALLOW
from tests.support.program import Program, run_to_end

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
VIA = "via@authproxy-demo.iam.gserviceaccount.com"
TARGET = "target@authproxy-demo.iam.gserviceaccount.com"
STORAGE = "storage.googleapis.com"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(token_life_s=600, invokers=[TARGET, ROBOT]) as world:
        accounts = world.google.accounts
        for who in (federated_principal("workload"), workforce_principal("anna"), METADATA_EMAIL):
            accounts.allow_acting_as(TARGET, by=who)
        yield world


def in_front_of(world: World, *more: str | Path, url: str = "", **environ: str) -> Program:
    return Program(
        url or world.url,
        *("--ca-file", world.ca_file, "-l", "127.0.0.1:0", "--no-access-log"),
        *more,
        environ={**world.environment, **environ},
    )


async def ask(port: int, *fields: str, host: str = "localhost") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = ["GET /whoami HTTP/1.1", f"Host: {host}", "Connection: close", *fields]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await reader.read()
    writer.close()
    return answer


async def called_by(world: World, *credentials: str | Path, **environ: str) -> str | None:
    """Whose token the service got, when all went well."""
    async with in_front_of(world, *credentials, **environ) as proxy:
        answer = await ask(proxy.port)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return world.cloud_run.seen[-1].principal


@pytest.fixture
async def subject_url(world: World) -> AsyncIterator[str]:
    """A server that hands out a subject token, as CI systems have one."""
    token = world.google.accounts.subject_token("workload")

    async def handle(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer of-the-job"
        return web.json_response({"value": token})

    application = web.Application()
    application.router.add_get("/token", handle)
    server = TestServer(application)
    await server.start_server()
    yield str(server.make_url("/token"))
    await server.close()


async def test_federation_with_a_subject_token_in_a_file(world: World) -> None:
    assert TARGET == await called_by(world, "--credentials", f"file:{world.wif_file(TARGET)}")


async def test_federation_with_a_subject_token_from_a_server(
    world: World, subject_url: str
) -> None:
    place = {
        "url": subject_url,
        "headers": {"Authorization": "Bearer of-the-job"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    }
    file = world.wif_file(TARGET, place=place)

    assert TARGET == await called_by(world, "--credentials", f"file:{file}")


async def test_federation_with_a_subject_token_from_a_program(world: World, tmp_path: Path) -> None:
    said = {
        "version": 1,
        "success": True,
        "token_type": SUBJECT_TOKEN_TYPE,
        "id_token": world.google.accounts.subject_token("workload"),
        "expiration_time": 4_000_000_000,
    }
    (tmp_path / "said.json").write_text(json.dumps(said))
    place = {"executable": {"command": f"cat {tmp_path}/said.json"}}
    file = world.wif_file(TARGET, place=place)

    assert TARGET == await called_by(world, "--credentials", f"file:{file}", **{ALLOW: "1"})


async def test_federation_from_aws(world: World) -> None:
    world.google.accounts.know_aws_key("AKIDDEMO", "machine")
    world.google.accounts.allow_acting_as(TARGET, by=federated_principal("machine"))
    place = {
        "environment_id": "aws1",
        "regional_cred_verification_url": "https://sts.{region}.amazonaws.com"
        "?Action=GetCallerIdentity&Version=2011-06-15",
    }
    file = world.wif_file(TARGET, place=place, token_type=AWS_TOKEN_TYPE)
    aws = {
        "AWS_ACCESS_KEY_ID": "AKIDDEMO",
        "AWS_SECRET_ACCESS_KEY": "aws-secret-of-the-demo",
        "AWS_REGION": "eu-west-1",
    }

    assert TARGET == await called_by(world, "--credentials", f"file:{file}", **aws)


async def test_federation_found_by_itself(world: World) -> None:
    file = str(world.wif_file(TARGET))

    assert TARGET == await called_by(world, GOOGLE_APPLICATION_CREDENTIALS=file)


async def test_a_workforce_user_acts_as_a_service_account(world: World) -> None:
    file = world.workforce_file("anna")

    assert TARGET == await called_by(
        world, "--credentials", f"file:{file}", "--impersonate", TARGET
    )


async def test_a_workforce_user_alone_is_told_to_act_as_one(world: World) -> None:
    file = world.workforce_file("anna")
    async with in_front_of(world, "--credentials", f"file:{file}") as proxy:
        answer = await ask(proxy.port)

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"a workforce identity has no identity tokens of its own" in answer
    assert b"--impersonate NAME@PROJECT.iam.gserviceaccount.com" in answer


async def test_a_file_that_impersonates_and_a_chain_of_delegates(world: World) -> None:
    accounts = world.google.accounts
    accounts.allow_acting_as(VIA, by=ROBOT)
    accounts.allow_acting_as(TARGET, by=VIA)
    key = world.service_account_file(ROBOT)
    file = world.impersonation_file(TARGET, source=key, delegates=(VIA,))

    assert TARGET == await called_by(world, "--credentials", f"file:{file}")
    config = world.directory / "chain.toml"
    config.write_text(
        f'[services.hello]\nurl = "{world.url}"\nca_file = "{world.ca_file}"\n'
        f'credentials = "file:{key}"\nimpersonate = "{TARGET}"\ndelegates = ["{VIA}"]\n'
    )
    async with Program("-c", config, "-l", "127.0.0.1:0", environ=world.environment) as proxy:
        assert (await ask(proxy.port)).startswith(b"HTTP/1.1 200 ")
    assert TARGET == world.cloud_run.seen[-1].principal


async def test_tokens_of_service_accounts_say_their_email(world: World) -> None:
    """Applications that admit by email find it in each, impersonated ones included."""
    for credentials in (world.service_account_file(ROBOT), world.wif_file(TARGET)):
        words = ("token", world.url, "--decode", "--credentials", f"file:{credentials}")
        code, out, _ = await run_to_end(*words, environ=world.environment)
        claims = json.loads(out)

        assert 0 == code
        assert claims["email"] in (ROBOT, TARGET)
        assert claims["email_verified"] is True
        assert world.url == claims["aud"]


async def test_a_metadata_server_that_refuses_at_first_is_waited_for(world: World) -> None:
    world.cloud_run.gate.invokers.add(METADATA_EMAIL)
    world.google.metadata.down()
    managed = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "CLOUDSDK_CONFIG": "/proc/nowhere"}
    async with in_front_of(world, **managed) as proxy:
        before = await ask(proxy.port)
        world.google.metadata.up()
        await proxy.hear("available again")
        after = await ask(proxy.port)

    assert before.startswith(b"HTTP/1.1 503 ")
    assert b"X-Authproxy-Error: token_unavailable\r\n" in before
    assert after.startswith(b"HTTP/1.1 200 ")


async def test_each_service_has_an_identity_of_its_own(world: World) -> None:
    other = await world.add_service("billing", invokers=[TARGET])
    config = world.directory / "two.toml"
    config.write_text(
        f'[services.hello]\nurl = "{world.url}"\nca_file = "{world.ca_file}"\n'
        f'credentials = "file:{world.service_account_file(ROBOT)}"\n'
        f'[services.billing]\nurl = "{other.url}"\nca_file = "{world.ca_file}"\n'
        f'credentials = "file:{world.wif_file(TARGET)}"\n'
    )
    async with Program("-c", config, "-l", "127.0.0.1:0", environ=world.environment) as proxy:
        for name in ("hello", "billing"):
            answer = await ask(proxy.port, host=f"{name}.localhost")
            assert answer.startswith(b"HTTP/1.1 200 ")

    assert (ROBOT, TARGET) == (world.cloud_run.seen[-1].principal, other.seen[-1].principal)


@pytest.mark.parametrize("header", ["Authorization", "Proxy-Authorization"])
async def test_identity_aware_proxy_takes_the_token_in_either_header(
    world: World, header: str
) -> None:
    world.cloud_run.put_behind_iap(ROBOT)
    key = world.service_account_file(ROBOT)
    words = ("--credentials", f"file:{key}", "--audience", CLIENT_ID, "--token-header", header)
    async with in_front_of(world, *words) as proxy:
        alone = await ask(proxy.port)
        beside = await ask(proxy.port, "Authorization: Basic dTpw")

    assert alone.startswith(b"HTTP/1.1 200 ")
    assert ROBOT == world.cloud_run.seen[-1].principal
    # What a client says in Authorization reaches the application only where the token is not.
    is_free = header != "Authorization"
    assert (b"Basic dTpw" in str(world.cloud_run.seen[-1].headers).encode()) is is_free
    assert beside.startswith(b"HTTP/1.1 200 ")


class Bucket:
    """One of Google's own APIs, which takes access tokens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.callers: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        found = self._world.google.accounts.find_access_token(token)
        self.callers.append(found.account.email if found is not None else "nobody")
        return web.json_response({"items": []})


async def test_googles_own_apis_get_access_tokens(world: World) -> None:
    bucket = Bucket(world)
    await world.add_api(STORAGE, bucket.handle)
    config = world.directory / "storage.toml"
    key = world.service_account_file(ROBOT)
    config.write_text(
        f'[services.storage]\nurl = "https://{STORAGE}"\nca_file = "{world.ca_file}"\n'
        f'token = "access"\ncredentials = "file:{key}"\n'
    )
    async with Program("-c", config, "-l", "127.0.0.1:0", environ=world.environment) as proxy:
        answer = await ask(proxy.port)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert [ROBOT] == bucket.callers


async def test_nobody_else_gets_access_tokens(world: World) -> None:
    words = (world.url, "--ca-file", world.ca_file)
    environ = {**world.environment, "AUTHPROXY_TOKEN_KIND": "access"}
    code, _, err = await run_to_end(*words, environ=environ)

    assert 2 == code
    assert "it is sent to https://NAME.googleapis.com only" in err
