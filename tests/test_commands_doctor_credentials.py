from pathlib import Path

import pytest

from authproxy.commands.doctor.credentials import check_credentials, check_gcloud, check_metadata
from authproxy.commands.doctor.report import Result, not_needed, ok
from authproxy.commands.doctor.subject import Subject
from authproxy.errors import CredentialError
from authproxy.identity.machine import Machine
from tests.support.configuring import URL, settings

SHIM = Path(__file__).parent / "support"


def subject(credentials: str, **environ: str) -> Subject:
    found = settings(urls=[URL], flags={"--credentials": credentials}, environ=environ)
    service = found.services["billing"]
    return Subject(name="billing", service=service, settings=found, machine=Machine(environ))


async def checked(given: Subject) -> list[Result]:
    return [await check(given) for check in (check_credentials, check_metadata, check_gcloud)]


@pytest.mark.parametrize(
    ("credentials", "first", "rest"),
    [
        ("none", 'they are "none", so no token is sent', "no token is sent"),
        ("token-env:T", "token-env has a ready-made token", "tokens come from token-env"),
        ("command:x --secret", "command has a ready-made token", "tokens come from command"),
    ],
)
async def test_finished_tokens_need_none_of_it(credentials: str, first: str, rest: str) -> None:
    assert [not_needed(first), not_needed(rest), not_needed(rest)] == await checked(
        subject(credentials, T="x")
    )


async def test_gcloud_is_found_on_path() -> None:
    assert [
        ok("gcloud: from gcloud"),
        not_needed("tokens come from gcloud"),
        ok(f"it is at {SHIM}/gcloud"),
    ] == await checked(subject("gcloud", PATH=str(SHIM)))


async def test_gcloud_that_is_not_there_is_said_with_where_to_get_it() -> None:
    given = subject("gcloud", PATH="/proc/nowhere")
    await check_credentials(given)
    with pytest.raises(CredentialError) as caught:
        await check_gcloud(given)

    assert (
        "gcloud: there is no program gcloud on PATH",
        "Install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install) and run:"
        " gcloud auth login",
    ) == (caught.value.message, caught.value.hint)


async def test_the_metadata_server_that_does_not_answer_is_said() -> None:
    given = subject("metadata", GCE_METADATA_HOST="127.0.0.1:9")
    await check_credentials(given)
    with pytest.raises(CredentialError, match=r"^metadata: the metadata server does not answer"):
        await check_metadata(given)
