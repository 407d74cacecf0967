"""generateIdToken and the token exchange: who may, and each refusal."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from authproxy.demo.accounts import (
    CLOUD_PLATFORM,
    IAM,
    Account,
    federated_principal,
    workforce_principal,
)
from authproxy.demo.iam import (
    ACCESS_TOKEN_TYPE,
    AWS_TOKEN_TYPE,
    PROVIDER,
    SUBJECT_TOKEN_TYPE,
    TOKEN_EXCHANGE,
    WORKFORCE_CLIENT,
)
from authproxy.demo.keys import Claims, parse_token
from authproxy.demo.world import World

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
TARGET = "target@authproxy-demo.iam.gserviceaccount.com"
AUDIENCE = "https://hello.example"

DENIED = {
    "error": {
        "code": 403,
        "message": "Permission 'iam.serviceAccounts.getOpenIdToken' denied on resource"
        " (or it may not exist).",
        "status": "PERMISSION_DENIED",
    }
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.google.accounts.allow_acting_as(TARGET, by=ROBOT)
        yield world


def bearer(world: World, *scopes: str) -> str:
    account = Account(email=ROBOT)
    token = world.google.accounts.issue_access_token(account, scopes or (IAM,), 60)
    return f"Bearer {token}"


async def generate(
    world: World, authorization: str, body: object, target: str = TARGET
) -> tuple[int, dict[str, Any]]:
    url = f"http://127.0.0.1:{world.google.port}/v1/projects/-/serviceAccounts"
    headers = {"Authorization": authorization}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/{target}:generateIdToken", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def claims_for(world: World, body: dict[str, object]) -> Claims:
    _, answer = await generate(world, bearer(world), body)
    return parse_token(answer["token"]).claims


async def test_token_carries_no_email_unless_asked(world: World) -> None:
    claims = await claims_for(world, {"audience": AUDIENCE})

    assert {"iss", "aud", "azp", "sub", "iat", "exp"} == claims.keys()
    assert 1 == world.google.iam.mints[AUDIENCE]


@pytest.mark.parametrize("yes", [True, "true"])
async def test_token_carries_the_email_when_asked(world: World, yes: object) -> None:
    claims = await claims_for(
        world, {"audience": AUDIENCE, "includeEmail": yes, "useEmailAzp": yes}
    )

    assert (TARGET, TARGET, True) == (claims["email"], claims["azp"], claims["email_verified"])


@pytest.mark.parametrize("scope", [CLOUD_PLATFORM, IAM])
async def test_both_scopes_suffice(world: World, scope: str) -> None:
    status, _ = await generate(world, bearer(world, scope), {"audience": AUDIENCE})

    assert 200 == status


async def test_delegates_are_followed(world: World) -> None:
    last = "last@authproxy-demo.iam.gserviceaccount.com"
    world.google.accounts.allow_acting_as(last, by=TARGET)
    delegates = {"delegates": [f"projects/-/serviceAccounts/{TARGET}"]}

    direct = await generate(world, bearer(world), {"audience": AUDIENCE}, last)
    delegated = await generate(world, bearer(world), {"audience": AUDIENCE, **delegates}, last)

    assert (403, DENIED) == direct
    assert 200 == delegated[0]


async def test_role_is_needed(world: World) -> None:
    world.google.accounts.forbid_acting_as(TARGET, by=ROBOT)

    assert (403, DENIED) == await generate(world, bearer(world), {"audience": AUDIENCE})


@pytest.mark.parametrize("authorization", ["", "Bearer unknown", "Basic abc"])
async def test_unknown_access_token_is_refused(world: World, authorization: str) -> None:
    status, body = await generate(world, authorization, {"audience": AUDIENCE})

    assert (401, "UNAUTHENTICATED") == (status, body["error"]["status"])


async def test_scope_is_needed(world: World) -> None:
    status, body = await generate(world, bearer(world, "email"), {"audience": AUDIENCE})
    error = body["error"]

    assert (403, "PERMISSION_DENIED") == (status, error["status"])
    assert "Request had insufficient authentication scopes." == error["message"]
    assert "ACCESS_TOKEN_SCOPE_INSUFFICIENT" == error["details"][0]["reason"]


@pytest.mark.parametrize("body", [{}, {"audience": ""}, {"audience": 1}, [], "text"])
async def test_audience_is_needed(world: World, body: object) -> None:
    status, answer = await generate(world, bearer(world), body)

    assert (400, "INVALID_ARGUMENT") == (status, answer["error"]["status"])


async def test_json_is_needed(world: World) -> None:
    url = f"http://127.0.0.1:{world.google.port}/v1/projects/-/serviceAccounts"
    async with (
        aiohttp.ClientSession(headers={"Authorization": bearer(world)}) as session,
        session.post(f"{url}/{TARGET}:generateIdToken", data=b"{") as answer,
    ):
        assert 400 == answer.status


async def post(world: World, path: str, form: dict[str, str], **headers: str) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{world.google.port}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=form, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def exchange(world: World, **changes: str) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "audience": PROVIDER,
        "scope": IAM,
        "requested_token_type": ACCESS_TOKEN_TYPE,
        "subject_token": world.google.accounts.subject_token("workload"),
        "subject_token_type": SUBJECT_TOKEN_TYPE,
        **changes,
    }
    return await post(world, "/v1/token", form)


async def test_subject_token_is_exchanged(world: World) -> None:
    status, body = await exchange(world)

    found = world.google.accounts.find_access_token(body.pop("access_token"))
    assert found is not None
    assert (200, federated_principal("workload")) == (status, found.account.email)
    assert {
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "Bearer",
        "expires_in": 60,
    } == body


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"audience": "//iam.googleapis.com/other"}, "invalid_target"),
        ({"requested_token_type": "other"}, "invalid_request"),
        ({"subject_token": "other"}, "invalid_grant"),
        ({"subject_token_type": "other"}, "invalid_grant"),
    ],
)
async def test_wrong_exchange_is_refused(world: World, changes: dict[str, str], error: str) -> None:
    status, body = await exchange(world, **changes)

    assert (400, error) == (status, body["error"])


def signed_by(key_id: str, provider: str = PROVIDER) -> str:
    """A request to AWS's GetCallerIdentity, as a workload on AWS proves who it is."""
    scope = "20260101/eu-west-1/sts/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}",
        "x-goog-cloud-target-resource": provider,
    }
    fields = [{"key": name, "value": value} for name, value in headers.items()]
    return quote(json.dumps({"url": "https://sts.x", "method": "POST", "headers": fields}))


async def test_a_request_that_an_aws_key_signed_is_exchanged(world: World) -> None:
    world.google.accounts.know_aws_key("AKIDDEMO", "machine")
    status, body = await exchange(
        world, subject_token=signed_by("AKIDDEMO"), subject_token_type=AWS_TOKEN_TYPE
    )

    found = world.google.accounts.find_access_token(body["access_token"])
    assert (200, federated_principal("machine")) == (status, found and found.account.email)


@pytest.mark.parametrize(
    "token",
    [signed_by("OTHER"), signed_by("AKIDDEMO", "//other"), "{", "[]", "{}", signed_by("")],
    ids=["unknown key", "other provider", "no JSON", "a list", "empty", "no key"],
)
async def test_what_no_known_aws_key_signed_is_refused(world: World, token: str) -> None:
    world.google.accounts.know_aws_key("AKIDDEMO", "machine")

    assert (400, "invalid_grant") == refused(
        await exchange(world, subject_token=token, subject_token_type=AWS_TOKEN_TYPE)
    )


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]


async def test_a_workforce_user_s_refresh_token_gives_access_tokens(world: World) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "other"}
    good = {**form, "refresh_token": world.google.accounts.workforce_token("anna")}
    client = f"Basic {b64encode(f'{WORKFORCE_CLIENT}:{WORKFORCE_CLIENT}'.encode()).decode()}"
    path = "/v1/oauthtoken"
    status, body = await post(world, path, good, Authorization=client)

    found = world.google.accounts.find_access_token(body["access_token"])
    assert (200, workforce_principal("anna")) == (status, found and found.account.email)
    assert (400, "invalid_grant") == refused(await post(world, path, form, Authorization=client))
    assert (401, "invalid_client") == refused(await post(world, path, good))


async def test_a_refresh_token_is_no_subject_token(world: World) -> None:
    token = world.google.accounts.workforce_token("anna")

    assert (400, "invalid_grant") == refused(await exchange(world, subject_token=token))
