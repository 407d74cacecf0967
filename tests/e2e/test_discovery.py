"""Cloud Run's services by name, through a whole authproxy."""

import asyncio
import tomllib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.run_api import Described
from authproxy.demo.world import World
from tests.support.program import Program, run_to_end
from tests.support.secrecy import overhear

NAME = "acme-prod/europe-west1/hello"
PLACE = ("--project", "acme-prod", "--region", "europe-west1")


class Noted:
    """What the service was asked, and who it thinks it is."""

    def __init__(self) -> None:
        self.claims: list[str] = []
        self.location = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.claims.append(request.headers["Host"])
        return web.Response(text="ok", headers={"Location": self.location})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    noted = Noted()
    async with World(app=noted.handle, token_life_s=600) as world:
        hosts = sorted(world.cloud_run.run_app_hosts, key=len)
        urls = [f"https://{host}" for host in hosts]
        key = ("acme-prod", "europe-west1", "hello")
        world.google.run_api.services[key] = Described(urls=urls)
        world.google.run_api.viewers.add(METADATA_EMAIL)
        noted.location = f"{urls[-1]}/elsewhere"
        yield world


async def answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    text = await reader.read()
    writer.close()
    return text


def flags(world: World) -> tuple[str, ...]:
    return ("--ca-file", str(world.ca_file), "--credentials", "metadata")


def proxy_for(world: World, *more: str) -> Program:
    return Program(
        *more,
        *flags(world),
        *("-l", "127.0.0.1:0", "--no-access-log"),
        environ=world.environment,
    )


@pytest.mark.parametrize("words", [("hello", *PLACE), (NAME,)], ids=["flags", "one word"])
async def test_a_service_by_name_is_found_and_called(world: World, words: tuple[str, ...]) -> None:
    async with proxy_for(world, *words) as proxy:
        first = await answer(proxy.port)
        await answer(proxy.port)

    assert first.startswith(b"HTTP/1.1 200 ")
    assert f"-> {NAME}\n" in proxy.stderr
    assert f"service {NAME} is at https://" in proxy.stderr
    assert 1 == world.google.run.calls


async def test_all_addresses_of_a_service_lead_back_here(world: World) -> None:
    async with proxy_for(world, NAME) as proxy:
        answers = [await answer(proxy.port) for _ in range(2)]

    expected = b"Location: http://localhost/elsewhere\r\n"
    assert [True, True] == [expected in each for each in answers]


async def test_a_lookup_that_is_refused_is_explained_and_tried_again(world: World) -> None:
    world.google.run_api.viewers.clear()
    async with proxy_for(world, NAME) as proxy:
        refused = await answer(proxy.port)
        world.google.run_api.viewers.add(METADATA_EMAIL)
        await proxy.hear("service address of .* available again")
        found = await answer(proxy.port)

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"X-Authproxy-Error: service_unresolved\r\n" in refused
    assert f"{METADATA_EMAIL} may not look services up in the project acme-prod".encode() in refused
    assert (
        "gcloud projects add-iam-policy-binding acme-prod"
        f" --member=serviceAccount:{METADATA_EMAIL} --role=roles/run.viewer"
    ).encode() in refused
    assert found.startswith(b"HTTP/1.1 200 ")


async def test_a_traffic_tag_leads_to_its_own_address_with_the_services_audience(
    world: World,
) -> None:
    described = world.google.run_api.services["acme-prod", "europe-west1", "hello"]
    host = described.urls[0].removeprefix("https://")
    described.tags["canary"] = f"https://canary---{host}"
    async with proxy_for(world, NAME, "--tag", "canary") as proxy:
        await proxy.hear(f"service {NAME} is at https://canary---{host}, by Cloud Run's API")
        await proxy.hear(f"token for https://{host} as ")


async def test_an_unknown_tag_names_those_there_are(world: World) -> None:
    async with proxy_for(world, NAME, "--tag", "canary") as proxy:
        refused = await answer(proxy.port)

    assert b'the service has no traffic tag "canary"; it has none' in refused


async def test_a_token_for_a_service_by_name_can_be_printed(world: World) -> None:
    words = ("token", "hello", *PLACE, "--decode", "--credentials", "metadata")
    code, out, _ = await run_to_end(*words, environ=world.environment)

    assert code == 0
    url = world.google.run_api.services["acme-prod", "europe-west1", "hello"].urls[0]
    assert f'"aud": "{url}"' in out


async def test_the_doctor_looks_the_service_up_first(world: World) -> None:
    words = ("doctor", "hello", *PLACE, *flags(world))
    code, out, _ = await run_to_end(*words, environ=world.environment)
    world.google.run_api.viewers.clear()
    refused, told, _ = await run_to_end(*words, environ=world.environment)

    assert code == 0, out
    assert f"{NAME} is https://" in out
    assert refused == 20
    assert "may not look services up in the project acme-prod" in told
    assert "roles/run.viewer" in told


async def test_a_list_is_a_configuration_that_works(world: World) -> None:
    key = ("acme-prod", "us-east4", "hello")
    world.google.run_api.services[key] = Described(urls=["https://hello-x-uk.a.run.app"])
    words = ("list", "--project", "acme-prod", "--credentials", "metadata")
    code, out, err = await run_to_end(*words, environ=world.environment)
    one, in_region, _ = await run_to_end(*words, "--region", "us-east4", environ=world.environment)

    assert (code, one) == (0, 0)
    services = tomllib.loads(out)["services"]
    assert {"hello-europe-west1": {"service": NAME}} == {
        name: service for name, service in services.items() if name == "hello-europe-west1"
    }
    assert {"service": "acme-prod/us-east4/hello"} == services["hello-us-east4"]
    assert "2 in acme-prod" in err
    assert (
        '[services.hello]\nservice = "acme-prod/us-east4/hello"  # https://hello-x-uk.a.run.app\n'
        == in_region
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("hello", "--project", "acme-prod"),
            "command line: --region: is needed too, or AUTHPROXY_REGION or CLOUDSDK_RUN_REGION in"
            " the environment",
        ),
        (
            ("hello", "--project", "Acme", "--region", "europe-west1"),
            'command line: --project: "Acme" is not a project\'s id; gcloud projects list shows'
            " them",
        ),
        (
            ("https://a.run.app", *PLACE),
            "command line: --project: is for services given by name, and there is none here",
        ),
        (
            ("list",),
            "command line: --project: is needed too, or AUTHPROXY_PROJECT or"
            " GOOGLE_CLOUD_PROJECT or CLOUDSDK_CORE_PROJECT in the environment",
        ),
        (
            (NAME, "--credentials", "token-env:T"),
            'command line: URL: credentials of the kind "token-env" cannot look a service up; write'
            ' its address: url = "https://…"',
        ),
    ],
)
async def test_what_is_missing_is_said(words: tuple[str, ...], sentence: str) -> None:
    code, _, err = await run_to_end(*words, environ={"T": "x"})

    assert code == 2
    assert sentence in overhear("stderr", err)
