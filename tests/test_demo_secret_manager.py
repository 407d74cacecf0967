"""The pretend Secret Manager answers as Google's does."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from authproxy.demo.accounts import CLOUD_PLATFORM, Account
from authproxy.demo.world import World

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
SECRET = "projects/acme-prod/secrets/key"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.google.secret_manager.readers.add(ROBOT)
        for value in (b"one", b"two"):
            world.google.secret_manager.add_version(SECRET, value)
        yield world


async def read(
    world: World, name: str, scope: str = CLOUD_PLATFORM, email: str = ROBOT
) -> tuple[int, Any]:
    token = world.google.accounts.issue_access_token(Account(email=email), [scope], 60)
    url = f"http://127.0.0.1:{world.google.port}/v1/{name}:access"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(("version", "value"), [("1", "one"), ("2", "two"), ("latest", "two")])
async def test_a_version_is_read(world: World, version: str, value: str) -> None:
    status, body = await read(world, f"{SECRET}/versions/{version}")

    assert (200, value) == (status, base64.b64decode(body["payload"]["data"]).decode())


async def test_each_refusal_has_its_status_and_words(world: World) -> None:
    world.google.secret_manager.disabled.add(f"{SECRET}/versions/1")
    found = [
        await read(world, f"{SECRET}/versions/9"),
        await read(world, f"{SECRET}/versions/1"),
        await read(world, f"{SECRET}/versions/2", email="else@example.com"),
        await read(world, f"{SECRET}/versions/2", scope="openid"),
    ]
    world.google.secret_manager.is_enabled = False
    found.append(await read(world, f"{SECRET}/versions/2"))

    assert [
        (404, "NOT_FOUND"),
        (400, "FAILED_PRECONDITION"),
        (403, "PERMISSION_DENIED"),
        (403, "PERMISSION_DENIED"),
        (403, "PERMISSION_DENIED"),
    ] == [(status, body["error"]["status"]) for status, body in found]
