"""The metadata server answers as the real one, and refuses as it does."""

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.keys import parse_token
from authproxy.demo.world import World

FLAVOR = {"Metadata-Flavor": "Google"}
DEFAULT = "/computeMetadata/v1/instance/service-accounts/default"
AUDIENCE = "https://hello.example"


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
async def world(now: list[float]) -> AsyncIterator[World]:
    async with World(clock=lambda: now[0]) as world:
        yield world


@pytest.fixture
async def session(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{world.google.port}") as session:
        yield session


async def get(
    session: aiohttp.ClientSession, path: str, headers: Mapping[str, str] = FLAVOR
) -> tuple[int, str, Mapping[str, str]]:
    async with session.get(path, headers=headers) as answer:
        return answer.status, await answer.text(), answer.headers


async def test_every_answer_names_its_flavor(session: aiohttp.ClientSession) -> None:
    status, _, headers = await get(session, "/")

    assert 200 == status
    assert {
        "Metadata-Flavor": "Google",
        "Server": "Metadata Server for VM",
        "X-XSS-Protection": "0",
        "X-Frame-Options": "SAMEORIGIN",
    }.items() <= dict(headers).items()


async def test_missing_flavor_is_refused(session: aiohttp.ClientSession) -> None:
    status, text, _ = await get(session, f"{DEFAULT}/email", {})

    assert (403, 'Missing required header "Metadata-Flavor": "Google"') == (status, text)


@pytest.mark.parametrize("path", ["/", f"{DEFAULT}/email"])
async def test_forwarded_request_is_refused(session: aiohttp.ClientSession, path: str) -> None:
    status, _, _ = await get(session, path, {**FLAVOR, "X-Forwarded-For": "192.0.2.1"})

    assert 403 == status


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("instance/service-accounts/default/email", METADATA_EMAIL),
        (f"instance/service-accounts/{METADATA_EMAIL}/email", METADATA_EMAIL),
        (
            "instance/service-accounts/default/scopes",
            "https://www.googleapis.com/auth/cloud-platform\n",
        ),
        ("instance/service-accounts/default/", "aliases\nemail\nidentity\nscopes\ntoken\n"),
        ("project/project-id", "authproxy-demo"),
        ("project/numeric-project-id", "123456789012"),
        ("universe/universe-domain", "googleapis.com"),
        ("instance/zone", "projects/123456789012/zones/europe-west4-a"),
    ],
)
async def test_texts(session: aiohttp.ClientSession, path: str, text: str) -> None:
    assert (200, text) == (await get(session, f"/computeMetadata/v1/{path}"))[:2]


@pytest.mark.parametrize("path", ["nothing", "instance/service-accounts/other@example.com/email"])
async def test_unknown_path_is_not_found(session: aiohttp.ClientSession, path: str) -> None:
    status, _, _ = await get(session, f"/computeMetadata/v1/{path}")

    assert 404 == status


async def test_account_is_described_as_json(session: aiohttp.ClientSession) -> None:
    async with session.get(f"{DEFAULT}/?recursive=true", headers=FLAVOR) as answer:
        assert {
            "aliases": ["default"],
            "email": METADATA_EMAIL,
            "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        } == await answer.json()


@pytest.mark.parametrize("query", ["", "?audience=", "?format=full"])
async def test_identity_needs_an_audience(session: aiohttp.ClientSession, query: str) -> None:
    status, text, _ = await get(session, f"{DEFAULT}/identity{query}")

    assert (400, "non-empty audience parameter required") == (status, text)


async def test_full_identity_carries_email_and_machine(session: aiohttp.ClientSession) -> None:
    _, token, headers = await get(session, f"{DEFAULT}/identity?audience={AUDIENCE}&format=full")
    claims = parse_token(token).claims

    assert "text/html; charset=utf-8" == headers["Content-Type"]
    assert (AUDIENCE, METADATA_EMAIL, 1060) == (claims["aud"], claims["email"], claims["exp"])
    assert "google" in claims


async def test_standard_identity_carries_neither(session: aiohttp.ClientSession) -> None:
    _, token, _ = await get(session, f"{DEFAULT}/identity?audience={AUDIENCE}")

    assert {"iss", "aud", "azp", "sub", "iat", "exp"} == parse_token(token).claims.keys()


async def test_access_token_stands_for_the_account(
    world: World, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{DEFAULT}/token?scopes=a,b", headers=FLAVOR) as answer:
        body = await answer.json()

    found = world.google.accounts.find_access_token(body.pop("access_token"))
    assert {"expires_in": 60, "token_type": "Bearer"} == body
    assert found is not None
    assert (METADATA_EMAIL, frozenset("ab")) == (found.account.email, found.scopes)


async def test_every_request_gets_a_new_token_by_default(
    world: World, session: aiohttp.ClientSession, now: list[float]
) -> None:
    first = await get(session, f"{DEFAULT}/identity?audience={AUDIENCE}")
    now[0] += 1
    second = await get(session, f"{DEFAULT}/identity?audience={AUDIENCE}")

    assert first[1] != second[1]
    assert 2 == world.google.mints_of(AUDIENCE)


async def test_caching_server_hands_out_the_same_token_until_near_its_end(
    world: World, session: aiohttp.ClientSession, now: list[float]
) -> None:
    world.google.metadata_server.keep_until_s = 20
    tokens = await _tokens_at(session, now, [0, 39, 1])

    assert tokens[0] == tokens[1] != tokens[2]
    assert 2 == world.google.mints_of(AUDIENCE)


async def _tokens_at(
    session: aiohttp.ClientSession, now: list[float], steps: list[float]
) -> list[str]:
    tokens = []
    for step in steps:
        now[0] += step
        tokens.append((await get(session, f"{DEFAULT}/identity?audience={AUDIENCE}"))[1])
    return tokens
