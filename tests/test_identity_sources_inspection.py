import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.identity.google.egress import AS_ENVIRONMENT
from authproxy.identity.sources.inspection import (
    clock_offset_s,
    describe_file,
    find_place,
    metadata_account,
    require_gcloud,
)
from authproxy.identity.sources.locations import Location
from authproxy.values import CredentialsSpec

ROBOT = "robot@p.iam.gserviceaccount.com"
NO_METADATA = {"GCE_METADATA_HOST": "127.0.0.1:9", "GCE_METADATA_IP": "127.0.0.1:9"}
SHIM = str(Path(__file__).parent / "support")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World() as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        yield world


def message(error: pytest.ExceptionInfo[CredentialError]) -> str:
    return error.value.message


@pytest.mark.parametrize(
    ("spec", "environ", "expected"),
    [
        ("file:~/k", {"HOME": "/h"}, Location(kind="file", path=Path("/h/k"), name="file:~/k")),
        ("file:/k", {}, Location(kind="file", path=Path("/k"), name="file:/k")),
        ("metadata", {}, Location(kind="metadata", name="metadata")),
        ("gcloud", {}, Location(kind="gcloud", name="gcloud")),
        ("token-env:T", {}, Location(kind="given", name="token-env")),
        ("none", {}, Location(kind="none", name="none")),
        ("adc", NO_METADATA, Location(kind="metadata", name="metadata")),
        (
            "adc",
            {"GOOGLE_APPLICATION_CREDENTIALS": "/k"},
            Location(kind="file", path=Path("/k"), name="GOOGLE_APPLICATION_CREDENTIALS=/k"),
        ),
        (
            "auto",
            {"GOOGLE_APPLICATION_CREDENTIALS": "/k"},
            Location(kind="file", path=Path("/k"), name="file:/k"),
        ),
        ("auto", {**NO_METADATA, "PATH": SHIM}, Location(kind="gcloud", name="gcloud")),
    ],
)
def test_credentials_are_found_where_a_mint_finds_them(
    spec: str, environ: dict[str, str], expected: Location
) -> None:
    kind, _, value = spec.partition(":")

    assert expected == find_place(CredentialsSpec(kind, value), environ)


@pytest.mark.parametrize(("kind", "prefix"), [("auto", "file:"), ("adc", "")])
def test_the_file_that_gcloud_wrote_is_found(kind: str, prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "application_default_credentials.json"
    file.write_text("{}")

    assert Location(kind="file", path=file, name=f"{prefix}{file}") == find_place(
        CredentialsSpec(kind), {"CLOUDSDK_CONFIG": str(tmp_path)}
    )


async def test_a_metadata_server_is_found(world: World) -> None:
    found = await asyncio.to_thread(find_place, CredentialsSpec("auto"), world.environment)

    assert Location(kind="metadata", name="metadata") == found


def test_where_nothing_is_found_everything_that_was_tried_is_told() -> None:
    with pytest.raises(CredentialError) as caught:
        find_place(CredentialsSpec("auto"), {**NO_METADATA, "PATH": "/proc/nowhere"})

    assert (
        "no credentials were found on this machine",
        "Run: gcloud auth application-default login -- What was looked for:"
        " GOOGLE_APPLICATION_CREDENTIALS is not set; gcloud has written no credentials file; no"
        " metadata server answers; gcloud is not on PATH"
        " (https://cloud.google.com/sdk/docs/install has it).",
    ) == (caught.value.message, caught.value.hint)


async def test_a_file_is_told_by_its_type_and_account(world: World) -> None:
    user = world.user_adc_file("me@x.example")

    assert f"the key of {ROBOT}" == describe_file(world.service_account_file(ROBOT), "k")
    assert "a user's sign-in" == describe_file(user, "k")
    assert f"an identity that acts as {ROBOT}" == describe_file(
        world.impersonation_file(ROBOT, source=user), "k"
    )
    assert "a federated workload" == describe_file(world.wif_file(None), "k")
    assert f"a federated workload {ROBOT}" == describe_file(world.wif_file(ROBOT), "k")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "k: the file is not JSON, so it is no credentials file"),
        ('{"type": "other"}', 'k: credentials of type "other" cannot be used'),
        ('{"type": "service_account"}', "k: the file's contents cannot be used"),
        (
            json.dumps(
                {
                    "type": "service_account",
                    "client_email": ROBOT,
                    "token_uri": "https://x",
                    "private_key": "-----BEGIN PRIVATE KEY-----\nhunter2\n",
                }
            ),
            "k: the file's contents cannot be used",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_said_as_by_a_mint(
    text: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "k").write_text(text)
    with pytest.raises(CredentialError) as caught:
        describe_file(tmp_path / "k", "k")

    assert expected == message(caught)
    assert "hunter2" not in f"{caught.value.hint} {caught.value.detail}"


async def test_the_metadata_server_says_for_whom_it_answers(world: World) -> None:
    found = await asyncio.to_thread(metadata_account, world.environment)

    assert METADATA_EMAIL == found


async def test_a_metadata_server_without_an_account_is_said_as_by_a_mint(world: World) -> None:
    world.google.metadata.fail_with(404)
    with pytest.raises(CredentialError) as caught:
        await asyncio.to_thread(metadata_account, world.environment)

    assert "metadata: the metadata server knows no service account" == message(caught)


def test_a_metadata_server_that_is_not_there_is_said_as_by_a_mint() -> None:
    with pytest.raises(CredentialError) as caught:
        metadata_account(NO_METADATA)

    assert "metadata: the metadata server does not answer (ConnectionError)" == message(caught)


def test_gcloud_is_found_on_path_or_missed() -> None:
    assert f"{SHIM}/gcloud" == require_gcloud({"PATH": SHIM})
    with pytest.raises(CredentialError, match=r"^gcloud: there is no program gcloud on PATH$"):
        require_gcloud({"PATH": "/proc/nowhere"})


async def test_a_clock_that_is_right_is_never_said_to_be_wrong(world: World) -> None:
    assert 0 == await asyncio.to_thread(clock_offset_s, AS_ENVIRONMENT)


async def test_the_clock_is_compared_with_googles(world: World) -> None:
    found = await asyncio.to_thread(clock_offset_s, AS_ENVIRONMENT, lambda: time.time() + 36_000)

    assert -10 == round(found / 3600)


async def test_a_google_that_does_not_answer_says_nothing_of_the_clock(world: World) -> None:
    world.google.certs.down()
    with pytest.raises(CredentialError, match=r"^clock: cannot reach www\.googleapis\.com"):
        await asyncio.to_thread(clock_offset_s, AS_ENVIRONMENT)
