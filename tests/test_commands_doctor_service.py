import dataclasses
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from authproxy.commands.doctor.report import Status, ok
from authproxy.commands.doctor.service import check_probe, check_role
from authproxy.commands.doctor.subject import Subject
from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from authproxy.exchange import Secret
from authproxy.identity.machine import Machine
from tests.support.configuring import settings
from tests.support.proxying import make_token


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


def subject(world: World, jwt: str, audience: str = "") -> Subject:
    found = settings(urls=[f"a={world.url}"], flags={"--ca-file": str(world.ca_file)})
    given = Subject(name="a", service=found.services["a"], settings=found, machine=Machine({}))
    given.token = dataclasses.replace(
        make_token(), value=Secret(jwt), principal=METADATA_EMAIL, audience=audience or world.url
    )
    return given


async def test_who_is_let_in_gets_the_applications_answer(world: World) -> None:
    given = subject(world, world.mint())

    assert ok("GET / is answered by the application: 200") == await check_probe(given)
    assert ok(f"{METADATA_EMAIL} may call it") == await check_role(given)


async def test_an_applications_own_refusal_is_its_own_affair(world: World) -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=403, text="no")

    world.cloud_run.app = refuse
    given = subject(world, world.mint())

    assert ok("GET / is answered by the application: 403") == await check_probe(given)
    assert Status.OK is (await check_role(given)).status


async def test_a_missing_role_is_the_roles_affair(world: World) -> None:
    world.cloud_run.gate.invokers.clear()
    given = subject(world, world.mint())

    assert ok("GET / is answered by Google with 403; the token itself was accepted") == (
        await check_probe(given)
    )
    found = await check_role(given)
    assert (
        Status.FAILED,
        f"{METADATA_EMAIL} may not call this service: it lacks roles/run.invoker. A new grant takes"
        " a minute or two.",
        "gcloud run services add-iam-policy-binding SERVICE --region=REGION"
        f" --member=serviceAccount:{METADATA_EMAIL} --role=roles/run.invoker",
    ) == (found.status, found.message, found.fix)


async def test_a_token_that_is_not_believed_leads_to_the_services_own_address(
    world: World,
) -> None:
    given = subject(world, world.mint(audience="https://x"), audience="https://x")
    found = await check_probe(given)

    assert (
        Status.FAILED,
        "Google answered 401: The token for https://x was not accepted. The usual causes are a"
        " wrong clock and the audience of another service.",
        f"Is {world.url} the address of this service? It is in: gcloud run services describe"
        " SERVICE --region=REGION --format='yaml(status.url,metadata.annotations)'",
    ) == (found.status, found.message, found.fix)


async def test_a_service_without_an_instance_is_not_the_tokens_fault(world: World) -> None:
    world.cloud_run.no_instance = 503
    found = await check_probe(subject(world, world.mint()))

    assert found.message.startswith("Google answered 503: No instance of the service could answer")


async def test_a_service_for_everybody_needs_no_token(world: World) -> None:
    world.cloud_run.gate.invokers.add("allUsers")
    given = subject(world, "")
    given.token = None
    await check_probe(given)

    assert ok("it may be called without a token") == await check_role(given)
