"""The pretend Cloud Run Admin API answers as Google's does."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from authproxy.demo.accounts import CLOUD_PLATFORM, Account
from authproxy.demo.run_api import Described
from authproxy.demo.world import World

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
REGION = "projects/acme-prod/locations/europe-west1"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        world.google.run_api.viewers.add(ROBOT)
        for name in ("a", "b", "c"):
            key = ("acme-prod", "europe-west1", name)
            urls = [f"https://{name}-1.europe-west1.run.app", f"https://{name}-x-ew.a.run.app"]
            tags = {"canary": f"https://canary---{name}-x-ew.a.run.app"}
            world.google.run_api.services[key] = Described(urls=urls, tags=tags)
        yield world


async def read(world: World, path: str, email: str = ROBOT) -> tuple[int, Any]:
    token = world.google.accounts.issue_access_token(Account(email=email), [CLOUD_PLATFORM], 60)
    url = f"http://127.0.0.1:{world.google.port}/{path}"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_service_has_all_its_addresses(world: World) -> None:
    status, body = await read(world, f"v2/{REGION}/services/b")

    assert 200 == status
    assert "https://b-1.europe-west1.run.app" == body["uri"]
    assert ["https://b-1.europe-west1.run.app", "https://b-x-ew.a.run.app"] == body["urls"]
    assert [{"tag": "canary", "uri": "https://canary---b-x-ew.a.run.app"}] == body[
        "trafficStatuses"
    ]


async def test_a_list_comes_page_by_page(world: World) -> None:
    _, first = await read(world, f"v2/{REGION}/services")
    _, second = await read(world, f"v2/{REGION}/services?pageToken={first['nextPageToken']}")

    names = [
        each["name"].rpartition("/")[2] for page in (first, second) for each in page["services"]
    ]
    assert ["a", "b", "c"] == names
    assert "nextPageToken" not in second


async def test_regions_are_listed(world: World) -> None:
    _, body = await read(world, "v1/projects/acme-prod/locations")

    assert ["europe-west1"] == [each["locationId"] for each in body["locations"]]


async def test_who_may_not_look_is_told_which_permission_is_missing(world: World) -> None:
    paths = (f"v2/{REGION}/services/b", f"v2/{REGION}/services", "v1/projects/acme-prod/locations")
    found = [await read(world, path, email="else@example.com") for path in paths]

    assert [403] * 3 == [status for status, _ in found]
    assert ["run.services.get", "run.services.list", "run.locations.list"] == [
        body["error"]["message"].split("'")[1] for _, body in found
    ]


async def test_an_unknown_service_is_not_found(world: World) -> None:
    status, body = await read(world, f"v2/{REGION}/services/none")

    assert (404, "NOT_FOUND") == (status, body["error"]["status"])
