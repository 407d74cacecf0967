import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.google.credentials import METADATA
from authproxy.identity.machine import Machine
from authproxy.identity.sources.auto import Adc, Auto
from tests.support.mint import mint_apart

RUNNER = "runner@p.iam.gserviceaccount.com"
TARGET = "target@p.iam.gserviceaccount.com"
SHIM = Path(__file__).parent / "support"
NOWHERE = {"GCE_METADATA_HOST": "127.0.0.1:9"}
LOGIN = "gcloud auth application-default login"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


def mint(source: Auto) -> Token:
    return source.mint("https://a.run.app")


# adc


def test_application_default_credentials_are_looked_for_in_googles_order(tmp_path: Path) -> None:
    named = tmp_path / "named.json"
    named.write_text('{"type": "named"}')
    written = tmp_path / "application_default_credentials.json"
    config = {"CLOUDSDK_CONFIG": str(tmp_path)}
    without = Adc(config).find()
    written.write_text('{"type": "written"}')

    assert ({"type": "named"}, {"type": "written"}, True, True) == (
        Adc({**config, "GOOGLE_APPLICATION_CREDENTIALS": str(named)}).find(),
        Adc(config).find(),
        without is METADATA,
        Adc({}).find() is METADATA,
    )


def test_a_named_file_that_is_missing_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(CredentialError) as caught:
        Adc({"GOOGLE_APPLICATION_CREDENTIALS": "/proc/nowhere.json"}).find()

    assert (
        "GOOGLE_APPLICATION_CREDENTIALS=/proc/nowhere.json: there is no such file"
        == caught.value.message
    )


# auto


async def test_auto_takes_the_file_that_the_environment_names_first(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "authproxy")
    key = world.service_account_file(RUNNER)
    source = Auto(Machine({"GOOGLE_APPLICATION_CREDENTIALS": str(key), "HOME": "/proc/nowhere"}))
    tokens = [await asyncio.to_thread(mint, source) for _ in range(2)]

    assert [RUNNER, RUNNER] == [token.principal for token in tokens]
    assert [
        f"credentials: file:{key}, because GOOGLE_APPLICATION_CREDENTIALS names it; tokens are"
        f" {RUNNER}'s, for the audience https://a.run.app"
    ] == caplog.messages


async def test_auto_takes_gclouds_file_next(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "authproxy")
    path = tmp_path / "application_default_credentials.json"
    path.write_text(world.service_account_file(RUNNER).read_text())
    token = await asyncio.to_thread(mint, Auto(Machine({"CLOUDSDK_CONFIG": str(tmp_path)})))

    assert RUNNER == token.principal
    assert [
        f"credentials: file:{path}, because {LOGIN} wrote it; tokens are {RUNNER}'s, for the"
        " audience https://a.run.app"
    ] == caplog.messages


async def test_auto_takes_the_metadata_server_next(world: World) -> None:
    result = await mint_apart(world, "auto")
    line = (
        "authproxy.identity.sources.auto INFO credentials: metadata, because the metadata server"
        f" answers; tokens are {METADATA_EMAIL}'s, for the audience {world.url}"
    )

    assert (METADATA_EMAIL, [line]) == (result["principal"], result["log"])


async def test_access_tokens_have_no_audience_to_tell_of(world: World) -> None:
    result = await mint_apart(world, "auto", SCOPES="https://www.googleapis.com/auth/run")

    assert [
        "authproxy.identity.sources.auto INFO credentials: metadata, because the metadata server"
        f" answers; tokens are {METADATA_EMAIL}'s"
    ] == result["log"]


@pytest.mark.parametrize("gcloud", [SHIM, Path("/proc/nowhere")], ids=["gcloud", "no gcloud"])
async def test_auto_waits_for_the_metadata_server_where_there_must_be_one(
    world: World, gcloud: Path
) -> None:
    """It refuses connections in the first seconds; gcloud would be another identity, or none."""
    environ = {"K_SERVICE": "hello", "PATH": str(gcloud), "GCLOUD_ACCOUNT": "user"}
    refused = await mint_apart(world, "auto", **environ, GCE_METADATA_HOST="127.0.0.1:9")
    answered = await mint_apart(world, "auto", **environ)

    assert (
        "metadata: the metadata server does not answer (ConnectionError)",
        False,
        ["authproxy.identity.sources.auto INFO credentials: metadata, because this is Cloud Run"],
    ) == (refused["error"], refused["permanent"], refused["log"])
    assert (METADATA_EMAIL, "metadata") == (answered["principal"], answered["source"])


async def test_auto_passes_on_whom_to_act_as(world: World) -> None:
    world.google.accounts.allow_acting_as(TARGET, by=METADATA_EMAIL)

    assert TARGET == (await mint_apart(world, "auto", TARGET))["principal"]


def test_what_is_passed_over_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "application_default_credentials.json"
    folder.mkdir()
    environ = {**NOWHERE, "CLOUDSDK_CONFIG": str(tmp_path), "PATH": "/proc/nowhere"}
    signed_out = {**environ, "PATH": f"{SHIM}:{os.environ['PATH']}", "GCLOUD_ACCOUNT": "signed_out"}
    adc, auto = Adc(environ), Auto(Machine(signed_out))
    for _ in range(2):
        assert adc.find() is METADATA
        with pytest.raises(CredentialError):
            auto.mint("https://a")

    assert [
        f"credentials: {folder} is a folder: skipped; trying {name} instead"
        for name in ("metadata", "gcloud")
    ] == caplog.messages


def test_auto_takes_gcloud_last(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "authproxy")
    path = f"{SHIM}:{os.environ['PATH']}"
    token = mint(Auto(Machine({**NOWHERE, "PATH": path, "GCLOUD_ACCOUNT": "user"})))

    assert "me@x.example" == token.principal
    assert [
        "credentials: gcloud, because gcloud is on PATH and nothing else was found; tokens are"
        " me@x.example's, for the audience 32555940559.apps.googleusercontent.com"
    ] == caplog.messages


def test_when_nothing_is_found_the_error_says_where_it_looked_and_what_to_run(
    tmp_path: Path,
) -> None:
    with pytest.raises(CredentialError) as caught:
        mint(Auto(Machine({**NOWHERE, "PATH": str(tmp_path)})))

    assert (
        "no credentials were found on this machine",
        f"Run: {LOGIN} -- What was looked for: GOOGLE_APPLICATION_CREDENTIALS is not set; gcloud"
        " has written no credentials file; no metadata server answers; gcloud is not on PATH"
        " (https://cloud.google.com/sdk/docs/install has it).",
        False,
    ) == (caught.value.message, caught.value.hint, caught.value.permanent)


async def test_auto_looks_again_until_it_finds_something(world: World, tmp_path: Path) -> None:
    """As on GKE, where the metadata server is not ready in a pod's first seconds."""
    source = Auto(Machine({**NOWHERE, "PATH": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path)}))
    with pytest.raises(CredentialError):
        await asyncio.to_thread(mint, source)
    info = json.loads(world.service_account_file(RUNNER).read_text())
    (tmp_path / "application_default_credentials.json").write_text(json.dumps(info))

    assert RUNNER == (await asyncio.to_thread(mint, source)).principal


async def test_auto_looks_again_until_what_it_found_gave_a_token_and_then_no_more(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """gcloud that nobody is logged in to must not stand in the way of a file that comes later."""
    caplog.set_level(logging.INFO, "authproxy")
    written = tmp_path / "application_default_credentials.json"
    path = f"{SHIM}:{os.environ['PATH']}"
    source = Auto(
        Machine(
            {
                **NOWHERE,
                "PATH": path,
                "CLOUDSDK_CONFIG": str(tmp_path),
                "GCLOUD_ACCOUNT": "signed_out",
            }
        )
    )
    for _ in range(2):
        with pytest.raises(CredentialError, match="gcloud could not make"):
            await asyncio.to_thread(mint, source)
    written.write_text(world.service_account_file(RUNNER).read_text())
    assert RUNNER == (await asyncio.to_thread(mint, source)).principal
    written.unlink()
    with pytest.raises(CredentialError, match="there is no such file"):
        await asyncio.to_thread(mint, source)

    assert [
        "credentials: gcloud, because gcloud is on PATH and nothing else was found",
        f"credentials: file:{written}, because {LOGIN} wrote it; tokens are {RUNNER}'s, for the"
        " audience https://a.run.app",
    ] == caplog.messages
