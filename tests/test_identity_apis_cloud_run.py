"""Services by name, looked up at the pretend Cloud Run Admin API."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from authproxy.demo.run_api import Described
from authproxy.demo.world import World
from authproxy.errors import Code, CredentialError
from authproxy.identity.apis.client import GoogleApi
from authproxy.identity.apis.cloud_run import (
    RunApi,
    list_services,
    located,
    lookup_name,
    read_addresses,
)
from authproxy.identity.clock_skew import Skew
from authproxy.identity.machine import Machine
from authproxy.identity.sources.build import build_source
from authproxy.settings import ServiceSettings
from authproxy.values import CLOUD_PLATFORM, CredentialsSpec, parse_origin, parse_run_service

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
SERVICE = parse_run_service("acme-prod/europe-west1/billing")
HASH, NUMBER = "https://billing-x-ew.a.run.app", "https://billing-1.europe-west1.run.app"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World(token_life_s=600) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        world.google.run_api.viewers.add(ROBOT)
        tags = {"canary": "https://canary---billing-x-ew.a.run.app"}
        world.google.run_api.services["acme-prod", "europe-west1", "billing"] = Described(
            urls=[HASH, NUMBER], tags=tags
        )
        yield world


@pytest.fixture
def api(world: World) -> GoogleApi:
    spec = CredentialsSpec("file", str(world.service_account_file(ROBOT)))
    source = build_source(
        spec,
        impersonate=None,
        delegates=(),
        machine=Machine(world.environment),
        scopes=(CLOUD_PLATFORM,),
    )
    return GoogleApi(source, Skew())


async def look_up(api: GoogleApi, tag: str | None = None) -> ServiceSettings:
    found = await asyncio.to_thread(RunApi(api).mint, lookup_name(SERVICE, tag))
    service = ServiceSettings.model_validate({"service": SERVICE})
    return located(service, read_addresses(found))


async def failure(api: GoogleApi, tag: str | None = None) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await look_up(api, tag)
    return caught.value


async def test_a_service_has_its_address_its_audience_and_its_other_addresses(
    api: GoogleApi,
) -> None:
    there = await look_up(api)

    assert (HASH, HASH) == (str(there.url), there.token_audience)
    assert [NUMBER] == [str(alias) for alias in there.other_urls]
    assert not there.is_nowhere


async def test_a_tag_has_an_address_of_its_own_and_the_services_audience(api: GoogleApi) -> None:
    there = await look_up(api, "canary")

    assert ("https://canary---billing-x-ew.a.run.app", HASH) == (
        str(there.url),
        there.token_audience,
    )
    assert [HASH, NUMBER] == [str(alias) for alias in there.other_urls]


def test_a_configured_audience_and_other_urls_stay() -> None:
    service = ServiceSettings.model_validate(
        {"service": str(SERVICE), "audience": "mine", "other_urls": ["https://billing.example"]}
    )
    assert service.is_nowhere
    assert "acme-prod/europe-west1/billing" == service.address
    assert [parse_origin("https://billing.example")] == list(service.other_urls)


async def test_an_unknown_tag_names_those_there_are(api: GoogleApi) -> None:
    error = await failure(api, "blue")

    expected = 'Cloud Run\'s API: the service has no traffic tag "blue"; its tags are canary'
    assert expected == error.message
    assert error.permanent


async def test_a_service_that_was_never_deployed_has_no_address(
    world: World, api: GoogleApi
) -> None:
    world.google.run.fail_with(200, "{}", "application/json")

    assert "Cloud Run's API: the service has no address yet" == (await failure(api)).message


async def test_an_unknown_service_is_told_of(world: World, api: GoogleApi) -> None:
    world.google.run_api.services.clear()
    error = await failure(api)

    assert "Cloud Run's API: there is no such service or region" == error.message
    assert "Run: authproxy list --project acme-prod" == error.hint


async def test_who_may_not_look_gets_the_command_for_the_role(world: World, api: GoogleApi) -> None:
    world.google.run_api.viewers.clear()
    error = await failure(api)

    assert error.message == (
        f"Cloud Run's API: {ROBOT} may not look services up in the project acme-prod, or there is"
        " none of that name"
    )
    assert error.hint == (
        f"Run: gcloud projects add-iam-policy-binding acme-prod --member=serviceAccount:{ROBOT}"
        " --role=roles/run.viewer -- roles/run.invoker does not allow it. Or write the service's"
        " https:// address."
    )


def test_errors_speak_of_an_address(api: GoogleApi) -> None:
    product = RunApi(api).product("projects/p/locations/r/services/s")

    assert "service address of projects/p/locations/r/services/s" == product.missing
    assert Code.SERVICE_UNRESOLVED is product.code


async def test_all_regions_are_listed_with_all_their_pages(world: World, api: GoogleApi) -> None:
    services = world.google.run_api.services
    for name in ("a", "b", "c"):
        services["acme-prod", "us-east4", name] = Described(urls=[f"https://{name}.a.run.app"])
    found = await asyncio.to_thread(list_services, api, "acme-prod")
    one = await asyncio.to_thread(list_services, api, "acme-prod", "us-east4")

    assert ["acme-prod/europe-west1/billing", *(f"acme-prod/us-east4/{n}" for n in "abc")] == [
        str(each.service) for each in found
    ]
    assert found[1:] == one
    assert ["https://a.a.run.app", "https://b.a.run.app", "https://c.a.run.app"] == [
        each.url for each in one
    ]
