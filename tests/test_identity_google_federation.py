"""Where subject tokens come from, and what is said when they do not, by real google-auth."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from authproxy.demo.accounts import federated_principal
from authproxy.demo.iam import AWS_TOKEN_TYPE, SUBJECT_TOKEN_TYPE
from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.credentials import read_info
from authproxy.identity.google.federation import ALLOW, subject_file_of, subject_of
from authproxy.identity.google.google_source import Google

TARGET = "target@p.iam.gserviceaccount.com"
BY_HAND = "Run it by hand; it is credential_source.executable.command in the file."
IS_IT_UP = (
    "credential_source in the file says where to get it; is that right, and is the server running?"
)
FORMAT = "Does credential_source.format say how it is written?"
AWS_PLACE = {
    "environment_id": "aws1",
    "region_url": "http://127.0.0.1:9/region",
    "url": "http://127.0.0.1:9/credentials",
    "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity",
}


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World(token_life_s=600) as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(ALLOW, "1")
        world.google.accounts.allow_acting_as(TARGET, by=federated_principal("workload"))
        yield world


def source_of(world: World, place: dict[str, Any], **more: str) -> Google:
    return source_at(world.wif_file(TARGET, place=place, **more))


def source_at(file: Path) -> Google:
    return Google("file:k.json", lambda: read_info(file, "file:k.json"), skew=Skew(), paths=[file])


async def failure(source: Google, world: World) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await asyncio.to_thread(source.mint, world.url)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    ("place", "why", "hint"),
    [
        ({"executable": {"command": "false"}}, "a program: it ended with 1", BY_HAND),
        ({"executable": {"command": "/proc/nowhere/x"}}, "a program: it is not there", BY_HAND),
        ({"executable": {"command": "echo hunter2"}}, "a program: there is none in it", BY_HAND),
        (
            {"executable": {"command": "sleep 30", "timeout_millis": 5000}},
            "a program: it did not finish in time",
            BY_HAND,
        ),
        ({"url": "http://u:hunter2@127.0.0.1:9/t"}, "127.0.0.1:9 (TransportError)", IS_IT_UP),
        (
            {"file": "/proc/nowhere/token"},
            "/proc/nowhere/token: it is not there",
            "Is the path right? What writes the token may not have run yet.",
        ),
        ({"file": "/dev/null"}, "/dev/null: there is none in it", FORMAT),
    ],
)
async def test_a_subject_token_that_cannot_be_had_is_told_of_with_its_place(
    world: World, place: dict[str, Any], why: str, hint: str
) -> None:
    error = await failure(source_of(world, place), world)

    assert f"file:k.json: cannot get the subject token from {why}" == error.message
    assert hint == error.hint
    assert not error.permanent
    assert "hunter2" not in f"{error.message}{error.hint}{error.detail}"


async def test_what_a_server_answers_in_place_of_a_subject_token_is_told_of(world: World) -> None:
    at = f"127.0.0.1:{world.google.port}"
    as_json = {"type": "json", "subject_token_field_name": "token"}
    refused = await failure(source_of(world, {"url": f"http://{at}/elsewhere"}), world)
    other = {"url": f"http://{at}/oauth2/v3/certs", "format": as_json}
    without = await failure(source_of(world, other), world)

    begin = f"file:k.json: cannot get the subject token from {at}"
    assert f"{begin}: it answered 404" == refused.message
    assert f"{begin}: there is none in it" == without.message


async def test_a_program_runs_only_where_that_is_allowed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ALLOW)
    error = await failure(source_of(world, {"executable": {"command": "true"}}), world)

    assert error.message == (
        "file:k.json: the subject token comes from a program, which authproxy may not run"
    )
    assert f"If you trust the file that names the program: export {ALLOW}=1" == error.hint
    assert error.permanent


async def test_outside_aws_its_credentials_are_not_found(world: World) -> None:
    error = await failure(source_of(world, AWS_PLACE, token_type=AWS_TOKEN_TYPE), world)

    assert "file:k.json: cannot get the subject token from AWS (TransportError)" == error.message
    assert error.hint == ("Does this machine have an AWS role, or are the AWS_ variables set?")


async def test_a_program_gives_a_subject_token(world: World, tmp_path: Path) -> None:
    token = world.google.accounts.subject_token("workload")
    program = tmp_path / "program"
    program.write_text(
        "#!/bin/sh\n"
        f'echo \'{{"version": 1, "success": true, "token_type": "{SUBJECT_TOKEN_TYPE}",'
        f' "id_token": "{token}", "expiration_time": 4000000000}}\'\n'
    )
    program.chmod(0o755)
    source = source_of(world, {"executable": {"command": str(program)}})

    assert TARGET == (await asyncio.to_thread(source.mint, world.url)).principal


async def test_what_google_says_of_a_subject_token_is_googles_word(world: World) -> None:
    stranger = world.wif_file("stranger@authproxy-demo.iam.gserviceaccount.com")
    error = await failure(source_at(stranger), world)

    assert "get the subject token" not in error.message


async def test_the_file_with_the_subject_token_is_one_to_watch(
    world: World, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    source = source_of(world, {"file": str(token)})
    assert [] == [path for path in source.paths if path == token]
    await failure(source, world)

    assert token in source.paths


@pytest.mark.parametrize(
    ("info", "subject", "files"),
    [
        ({"type": "service_account"}, "", 0),
        ({"type": "external_account", "credential_source": 1}, "", 0),
        ({"type": "external_account", "credential_source": {"file": "/t"}}, "/t", 1),
        ({"type": "external_account", "credential_source": AWS_PLACE}, "AWS", 0),
        (
            {"type": "external_account", "credential_source": {"url": "https://a.example/t?k=x"}},
            "a.example",
            0,
        ),
    ],
)
def test_the_place_is_named_without_what_is_secret_in_it(
    info: dict[str, object], subject: str, files: int
) -> None:
    assert (subject, files) == (subject_of(info), len(subject_file_of(info)))
