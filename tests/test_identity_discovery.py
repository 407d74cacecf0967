import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.discovery import Auto, adc_path, find_adc, metadata_answers
from authproxy.identity.google import METADATA
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


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.config/gcloud/application_default_credentials.json"),
        (
            {"HOME": "/home/me", "CLOUDSDK_CONFIG": "/etc/gcloud"},
            "/etc/gcloud/application_default_credentials.json",
        ),
        ({"HOME": ""}, "None"),
        ({}, "None"),
    ],
)
def test_gclouds_file_is_where_gcloud_writes_it(environ: dict[str, str], expected: str) -> None:
    assert expected == str(adc_path(environ))


def test_application_default_credentials_are_looked_for_in_googles_order(tmp_path: Path) -> None:
    named = tmp_path / "named.json"
    named.write_text('{"type": "named"}')
    written = tmp_path / "application_default_credentials.json"
    config = {"CLOUDSDK_CONFIG": str(tmp_path)}
    without = find_adc(config)
    written.write_text('{"type": "written"}')

    assert ({"type": "named"}, {"type": "written"}, True, True) == (
        find_adc({**config, "GOOGLE_APPLICATION_CREDENTIALS": str(named)}),
        find_adc(config),
        without is METADATA,
        find_adc({}) is METADATA,
    )


def test_a_named_file_that_is_missing_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(CredentialError) as caught:
        find_adc({"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"})

    assert (
        "GOOGLE_APPLICATION_CREDENTIALS=/nowhere.json: there is no such file"
        == caught.value.message
    )


# Is there a metadata server?


async def test_a_metadata_server_is_known_by_its_header(world: World) -> None:
    environ = {"GCE_METADATA_IP": f"127.0.0.1:{world.google.port}"}

    assert await asyncio.to_thread(metadata_answers, environ)


async def test_another_server_at_its_address_is_not_taken_for_it() -> None:
    application = web.Application()
    async with TestServer(application) as server:
        environ = {"GCE_METADATA_HOST": f"127.0.0.1:{server.port}"}

        assert not await asyncio.to_thread(metadata_answers, environ)


def test_nothing_at_its_address_is_no_metadata_server() -> None:
    assert not metadata_answers(NOWHERE)


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not metadata_answers({"GCE_METADATA_HOST": f"127.0.0.1:{silent.getsockname()[1]}"})


async def test_a_server_that_speaks_something_else_is_not_taken_for_it() -> None:
    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        environ = {"GCE_METADATA_HOST": f"127.0.0.1:{server.sockets[0].getsockname()[1]}"}

        assert not await asyncio.to_thread(metadata_answers, environ)


def test_an_address_that_is_none_is_no_metadata_server() -> None:
    assert not metadata_answers({"GCE_METADATA_HOST": "127.0.0.1:port"})


# auto


async def test_auto_takes_the_file_that_the_environment_names_first(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "authproxy")
    key = world.service_account_file(RUNNER)
    source = Auto({"GOOGLE_APPLICATION_CREDENTIALS": str(key), "HOME": "/nowhere"})
    tokens = [await asyncio.to_thread(mint, source) for _ in range(2)]

    assert [RUNNER, RUNNER] == [token.principal for token in tokens]
    assert [
        f"credentials: file:{key}, because GOOGLE_APPLICATION_CREDENTIALS names it"
    ] == caplog.messages


async def test_auto_takes_gclouds_file_next(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "authproxy")
    path = tmp_path / "application_default_credentials.json"
    path.write_text(world.service_account_file(RUNNER).read_text())
    token = await asyncio.to_thread(mint, Auto({"CLOUDSDK_CONFIG": str(tmp_path)}))

    assert RUNNER == token.principal
    assert [f"credentials: file:{path}, because {LOGIN} wrote it"] == caplog.messages


async def test_auto_takes_the_metadata_server_next(world: World) -> None:
    result = await mint_apart(world, "auto")
    line = "authproxy.identity.discovery INFO credentials: metadata, because the metadata server"

    assert (METADATA_EMAIL, [f"{line} answers"]) == (result["principal"], result["log"])


async def test_auto_passes_on_whom_to_act_as(world: World) -> None:
    world.google.accounts.allow_acting_as(TARGET, by=METADATA_EMAIL)

    assert TARGET == (await mint_apart(world, "auto", TARGET))["principal"]


def test_auto_takes_gcloud_last(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "authproxy")
    path = f"{SHIM}:{os.environ['PATH']}"
    token = mint(Auto({**NOWHERE, "PATH": path, "GCLOUD_ACCOUNT": "user"}))

    assert "me@x.example" == token.principal
    assert [
        "credentials: gcloud, because gcloud is on PATH and nothing else was found"
    ] == caplog.messages


def test_when_nothing_is_found_the_error_says_where_it_looked_and_what_to_run(
    tmp_path: Path,
) -> None:
    with pytest.raises(CredentialError) as caught:
        mint(Auto({**NOWHERE, "PATH": str(tmp_path)}))

    assert (
        "no credentials were found on this machine",
        f"Run: {LOGIN} -- Looked in vain: GOOGLE_APPLICATION_CREDENTIALS is not set; gcloud has"
        " written no credentials file; no metadata server answers; gcloud is not on PATH.",
        False,
    ) == (caught.value.message, caught.value.hint, caught.value.permanent)


async def test_auto_looks_again_until_it_finds_something(world: World, tmp_path: Path) -> None:
    """As on GKE, where the metadata server is not ready in a pod's first seconds."""
    source = Auto({**NOWHERE, "PATH": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path)})
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
        {**NOWHERE, "PATH": path, "CLOUDSDK_CONFIG": str(tmp_path), "GCLOUD_ACCOUNT": "signed_out"}
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
        f"credentials: file:{written}, because {LOGIN} wrote it",
    ] == caplog.messages
