import asyncio

import pytest

from authproxy.commands.by_name import find_list, locate, spell_out
from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.run_api import Described
from authproxy.demo.world import World
from authproxy.errors import ConfigError, CredentialError
from authproxy.identity.machine import Machine
from tests.support.configuring import URL, settings

BOTH = {"project": "acme-prod", "region": "europe-west1"}


def problems_of(words: tuple[str, ...], given: dict[str, str], **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        spell_out(words, given, environ)
    return list(map(str, caught.value.problems))


def test_names_get_their_place_and_all_else_stays() -> None:
    words = ("billing", "mine=reports", URL, "other=https://a.example")

    assert [
        "acme-prod/europe-west1/billing",
        "mine=acme-prod/europe-west1/reports",
        URL,
        "other=https://a.example",
    ] == list(spell_out(words, BOTH, {}))


def test_without_a_place_words_are_what_they_were() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "acme-prod", "CLOUDSDK_RUN_REGION": "europe-west1"}

    assert ("billing",) == spell_out(("billing",), {}, environ)


def test_what_one_flag_leaves_out_the_environment_says() -> None:
    environ = {"CLOUDSDK_CORE_PROJECT": "acme-prod"}

    assert ["acme-prod/us-east4/a"] == list(spell_out(("a",), {"region": "us-east4"}, environ))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert [
        'command line: --project: "Acme" is not a project\'s id; gcloud projects list shows them',
        "command line: --region: is needed too, or AUTHPROXY_REGION or CLOUDSDK_RUN_REGION in the"
        " environment",
        "command line: --project: is for services given by name, and there is none here",
    ] == problems_of((URL,), {"project": "Acme"})


def test_a_list_needs_a_project_and_may_have_a_region() -> None:
    assert ("acme-prod", None) == find_list({"project": "acme-prod", "region": None}, {})
    assert ("acme-prod", "us-east4") == find_list(
        {"project": "acme-prod", "region": "us-east4"}, {}
    )
    with pytest.raises(ConfigError, match=r"--project: is needed too"):
        find_list({"project": None, "region": None}, {"CLOUDSDK_RUN_REGION": "us-east4"})


async def test_addresses_are_looked_up_of_those_services_that_are_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with World(token_life_s=600) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        robot = "robot@authproxy-demo.iam.gserviceaccount.com"
        credentials = f"file:{world.service_account_file(robot)}"
        found = settings(
            urls=["acme-prod/europe-west1/a", "acme-prod/europe-west1/b"],
            flags={"--credentials": credentials},
        )
        services = world.google.run_api.services
        services["acme-prod", "europe-west1", "a"] = Described(urls=["https://a-x-ew.a.run.app"])
        with pytest.raises(CredentialError):
            await asyncio.to_thread(locate, found, ["a"], Machine(world.environment))
        world.google.run_api.viewers |= {robot, METADATA_EMAIL}
        there = await asyncio.to_thread(locate, found, ["a"], Machine(world.environment))

    assert "https://a-x-ew.a.run.app" == there.services["a"].address
    assert "acme-prod/europe-west1/b" == there.services["b"].address
