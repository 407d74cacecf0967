"""The token endpoint: its grants, and each of its refusals word for word."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from authproxy.demo.accounts import ADC_CLIENT_ID, ADC_SCOPES
from authproxy.demo.keys import Claims, SigningKey, parse_token
from authproxy.demo.oauth import JWT_BEARER
from authproxy.demo.world import World

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
ANNA = "anna@example.com"
AUDIENCE = "https://hello.example"
NOW = 1000

SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(clock=lambda: NOW) as world:
        world.google.accounts.key(ROBOT)
        yield world


async def post(world: World, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{world.google.port}/token", data=form) as answer,
    ):
        return answer.status, await answer.json()


def assertion(world: World, *, key: SigningKey | None = None, **changes: Any) -> dict[str, str]:
    claims = {
        "iat": NOW,
        "exp": NOW + 3600,
        "iss": ROBOT,
        "aud": "https://oauth2.googleapis.com/token",
        "target_audience": AUDIENCE,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    signer = key or world.google.accounts.key(ROBOT)
    return {"grant_type": JWT_BEARER, "assertion": signer.sign(kept)}


def refresh(world: World, scopes: tuple[str, ...] = ADC_SCOPES) -> dict[str, str]:
    token, grant = world.google.accounts.grant(ANNA, client_id=ADC_CLIENT_ID, scopes=scopes)
    return {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": grant.client_id,
        "client_secret": grant.client_secret,
    }


def claims_of(body: dict[str, Any]) -> Claims:
    return parse_token(body["id_token"]).claims


async def test_assertion_yields_an_id_token_and_nothing_else(world: World) -> None:
    status, body = await post(world, assertion(world))

    assert 200 == status
    assert {"id_token"} == body.keys()
    assert (AUDIENCE, ROBOT) == (claims_of(body)["aud"], claims_of(body)["email"])
    assert 1 == world.google.token.mints[AUDIENCE]


async def test_email_can_be_left_out(world: World) -> None:
    world.google.token_endpoint.puts_email = False

    _, body = await post(world, assertion(world))

    assert "email" not in claims_of(body)


async def test_scope_yields_an_access_token(world: World) -> None:
    status, body = await post(world, assertion(world, target_audience=None, scope="a b"))

    found = world.google.accounts.find_access_token(body.pop("access_token"))
    assert found is not None
    assert (200, frozenset("ab")) == (status, found.scopes)
    assert {"expires_in": 59, "scope": "a b", "token_type": "Bearer"} == body


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"iss": "nobody@example.com"}, "invalid_grant", "Invalid grant: account not found"),
        ({"exp": NOW + 3601}, "invalid_grant", SHORT_LIVED),
        ({"exp": NOW}, "invalid_grant", SHORT_LIVED),
        ({"exp": None}, "invalid_grant", SHORT_LIVED),
        ({"iat": "now"}, "invalid_grant", SHORT_LIVED),
        ({"iat": NOW + 301, "exp": NOW + 400}, "invalid_grant", SHORT_LIVED),
        (
            {"aud": "https://evil.example"},
            "invalid_grant",
            "Invalid JWT: its audience must be https://oauth2.googleapis.com/token",
        ),
        (
            {"target_audience": None},
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        ),
    ],
)
async def test_wrong_claims_are_refused(
    world: World, changes: dict[str, Any], error: str, description: str
) -> None:
    status, body = await post(world, assertion(world, **changes))

    assert (400, {"error": error, "error_description": description}) == (status, body)


async def test_another_key_is_refused(world: World) -> None:
    status, body = await post(world, assertion(world, key=SigningKey()))

    assert 400 == status
    assert {
        "error": "invalid_grant",
        "error_description": "Invalid JWT Signature.",
    } == body


async def test_replaced_key_is_refused(world: World) -> None:
    form = assertion(world)

    world.google.accounts.replace_key(ROBOT)

    _, body = await post(world, form)
    assert "Invalid JWT Signature." == body["error_description"]


@pytest.mark.parametrize(
    ("close", "description"),
    [
        (lambda world: world.google.accounts.disabled.add(ROBOT), "Robot is disabled."),
        (
            lambda world: world.google.accounts.deleted.add(ROBOT),
            "Invalid grant: account not found",
        ),
    ],
    ids=["disabled", "deleted"],
)
async def test_closed_account_is_refused(
    world: World, close: Callable[[World], None], description: str
) -> None:
    close(world)

    _, body = await post(world, assertion(world))

    assert {"error": "invalid_grant", "error_description": description} == body


async def test_garbage_is_refused(world: World) -> None:
    status, body = await post(world, {"grant_type": JWT_BEARER, "assertion": "garbage"})

    assert 400 == status
    assert {
        "error": "invalid_grant",
        "error_description": "Invalid JWT: it cannot be decoded.",
    } == body


async def test_unknown_grant_is_refused(world: World) -> None:
    status, body = await post(world, {"grant_type": "password"})

    assert (400, "unsupported_grant_type") == (status, body["error"])


async def test_refresh_token_yields_both_tokens(world: World) -> None:
    status, body = await post(world, refresh(world))

    assert 200 == status
    assert {"access_token", "expires_in", "scope", "token_type", "id_token"} == body.keys()
    assert (ADC_CLIENT_ID, ANNA) == (claims_of(body)["aud"], claims_of(body)["email"])


async def test_refresh_token_without_openid_yields_no_id_token(world: World) -> None:
    _, body = await post(world, refresh(world, scopes=("email",)))

    assert "id_token" not in body


async def test_revoked_refresh_token_is_refused(world: World) -> None:
    form = refresh(world)

    world.google.accounts.revoked.add(ANNA)

    assert (
        400,
        {
            "error": "invalid_grant",
            "error_description": "Token has been expired or revoked.",
        },
    ) == await post(world, form)


async def test_user_who_must_sign_in_again_is_refused(world: World) -> None:
    form = refresh(world)

    world.google.accounts.must_reauthenticate.add(ANNA)

    assert (
        400,
        {
            "error": "invalid_grant",
            "error_description": "reauth related error (invalid_rapt)",
            "error_subtype": "invalid_rapt",
        },
    ) == await post(world, form)


@pytest.mark.parametrize(
    ("field", "error"),
    [("client_id", "unauthorized_client"), ("client_secret", "invalid_client")],
)
async def test_another_client_is_refused(world: World, field: str, error: str) -> None:
    status, body = await post(world, {**refresh(world), field: "other"})

    assert (401, error) == (status, body["error"])


async def test_refusals_repeat_no_secret(world: World) -> None:
    form = refresh(world)

    _, body = await post(world, {**form, "client_id": "other"})

    assert form["refresh_token"] not in str(body)
    assert form["client_secret"] not in str(body)
