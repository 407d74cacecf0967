"""All of Google's hosts behind one pair of ports."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from authproxy.demo.world import World

ALLOWED_LOCATIONS = [
    "https://iamcredentials.googleapis.com/v1/projects/1/locations/global"
    "/workloadIdentityPools/demo/allowedLocations",
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.c/allowedLocations",
]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


async def get(world: World, url: str) -> tuple[int, Any]:
    """Ask by the CONNECT proxy, as google-auth does."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            url,
            proxy=f"http://127.0.0.1:{world.google.connect_proxy.port}",
            ssl=world.client_context(),
        ) as answer,
    ):
        return answer.status, await answer.json()


async def test_keys_are_published_in_both_forms(world: World) -> None:
    _, certificates = await get(world, "https://www.googleapis.com/oauth2/v1/certs")
    _, keys = await get(world, "https://www.googleapis.com/oauth2/v3/certs")

    assert [key["kid"] for key in keys["keys"]] == list(certificates)
    assert 2 == world.google.certs.calls


async def test_discovery_names_the_issuer_and_the_keys(world: World) -> None:
    _, document = await get(world, "https://accounts.google.com/.well-known/openid-configuration")

    assert "https://accounts.google.com" == document["issuer"]
    assert "https://www.googleapis.com/oauth2/v3/certs" == document["jwks_uri"]


@pytest.mark.parametrize("url", ALLOWED_LOCATIONS)
async def test_allowed_locations_are_not_found(world: World, url: str) -> None:
    status, body = await get(world, url)

    assert (404, "NOT_FOUND") == (status, body["error"]["status"])


async def test_hosts_that_are_not_googles_are_refused(world: World) -> None:
    with pytest.raises(aiohttp.ClientHttpProxyError) as caught:
        await get(world, "https://example.com/")

    assert 403 == caught.value.status


async def test_run_app_names_lead_to_the_service(world: World) -> None:
    host = world.cloud_run.run_app_hosts[0]
    token = world.mint(audience=f"https://{host}")
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"https://{host}/whoami",
            proxy=f"http://127.0.0.1:{world.google.connect_proxy.port}",
            ssl=world.client_context(),
            headers={"Authorization": f"Bearer {token}"},
        ) as answer,
    ):
        assert 200 == answer.status


async def test_the_private_authority_is_needed(world: World) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(
                "https://oauth2.googleapis.com/",
                proxy=f"http://127.0.0.1:{world.google.connect_proxy.port}",
                ssl=ssl.create_default_context(),
            )


async def test_its_answers_carry_its_own_time() -> None:
    async with (
        World(clock=lambda: 0.0) as world,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{world.google.port}/") as answer,
    ):
        assert "Thu, 01 Jan 1970 00:00:00 GMT" == answer.headers["Date"]
