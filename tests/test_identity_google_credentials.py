"""Real google-auth against the pretend Google, over real sockets."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from authproxy.demo.accounts import ADC_CLIENT_ID, CLOUD_PLATFORM, METADATA_EMAIL
from authproxy.demo.iam import PERMISSION_DENIED
from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.credentials import read_info
from authproxy.identity.google.google_source import Google
from tests.support.mint import mint_apart

RUNNER = "runner@p.iam.gserviceaccount.com"
TARGET = "target@p.iam.gserviceaccount.com"
VIA = "via@p.iam.gserviceaccount.com"
USER = "me@x.example"
FEDERATED = (
    "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools"
    "/demo/subject/workload"
)
LOGIN = "gcloud auth application-default login"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Google, as this process sees it too; only metadata needs a process that starts afresh."""
    async with World() as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        for who in (RUNNER, USER, METADATA_EMAIL, FEDERATED):
            world.google.accounts.allow_acting_as(TARGET, by=who)
        yield world


@dataclass
class File:
    """Mints with a credentials file."""

    world: World
    path: Path

    async def mint(self, impersonate: str | None = None, *delegates: str) -> Token:
        source = Google(
            "file:k.json",
            lambda: read_info(self.path, "file:k.json"),
            skew=Skew(),
            impersonate=impersonate,
            delegates=delegates,
        )
        return await asyncio.to_thread(source.mint, self.world.url)

    async def failure(self, impersonate: str | None = None) -> tuple[str, str, str, bool]:
        with pytest.raises(CredentialError) as caught:
            await self.mint(impersonate)
        error = caught.value
        assert error.__cause__ is None, "google-auth's exceptions carry tokens"
        return error.message, error.hint, error.detail, error.permanent


@pytest.fixture
def key(world: World) -> File:
    return File(world, world.service_account_file(RUNNER))


@pytest.fixture
def user(world: World) -> File:
    return File(world, world.user_adc_file(USER))


def changed(file: File, **changes: object) -> File:
    info = json.loads(file.path.read_text()) | changes
    file.path.write_text(json.dumps(info))
    return file


# Tokens


async def test_a_key_file_gives_tokens_for_the_audience(world: World, key: File) -> None:
    token = await key.mint()

    assert (RUNNER, world.url, "file:k.json") == (token.principal, token.audience, token.source)


async def test_a_key_file_that_was_replaced_is_read_anew(world: World, key: File) -> None:
    world.google.accounts.replace_key(RUNNER)
    assert not isinstance(await key.failure(), Token)
    key.path.write_text(world.service_account_file(RUNNER).read_text())

    assert RUNNER == (await key.mint()).principal


async def test_a_user_gets_a_token_for_the_oauth_client(user: File) -> None:
    token = await user.mint()

    assert (USER, ADC_CLIENT_ID) == (token.principal, token.audience)


async def test_a_federated_workload_acts_as_the_account_in_its_file(world: World) -> None:
    assert TARGET == (await File(world, world.wif_file(TARGET)).mint()).principal


async def test_a_file_that_impersonates_is_followed(world: World, user: File) -> None:
    file = File(world, world.impersonation_file(TARGET, source=user.path))

    assert TARGET == (await file.mint()).principal


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda w: w.service_account_file(RUNNER), id="key"),
        pytest.param(lambda w: w.user_adc_file(USER), id="user"),
        pytest.param(lambda w: w.wif_file(None), id="federated without impersonation"),
        pytest.param(lambda w: w.wif_file(VIA), id="federated with another impersonation"),
    ],
)
async def test_any_credentials_can_act_as_another_account(
    world: World, make: Callable[[World], Path]
) -> None:
    token = await File(world, make(world)).mint(TARGET)

    assert (TARGET, world.url) == (token.principal, token.audience)


async def test_where_we_chose_the_audience_a_token_for_another_is_not_sent(
    world: World, key: File, user: File
) -> None:
    world.google.issuer.other_audience = "https://other.run.app"
    message = (
        f"was asked for the audience {world.url} and gave a token for https://other.run.app,"
        " which is not sent"
    )
    federated = File(world, world.wif_file(TARGET))
    acting = File(world, world.impersonation_file(TARGET, source=user.path))

    for file, target in (
        (key, None),
        (key, TARGET),
        (user, TARGET),
        (federated, None),
        (acting, None),
    ):
        said, hint, _, permanent = await file.failure(target)
        assert (f"file:k.json {message}", True) == (said, permanent)
        assert 'set audience = "https://other.run.app"' in hint
    assert f"metadata {message}" == (await mint_apart(world, "metadata"))["error"]
    assert ADC_CLIENT_ID == (await user.mint()).audience


async def test_impersonation_goes_by_way_of_its_delegates(world: World, key: File) -> None:
    accounts = world.google.accounts
    accounts.forbid_acting_as(TARGET, by=RUNNER)
    accounts.allow_acting_as(VIA, by=RUNNER)
    accounts.allow_acting_as(TARGET, by=VIA)

    assert TARGET == (await key.mint(TARGET, VIA)).principal


async def test_metadata_gives_tokens_for_the_machines_account(world: World) -> None:
    result = await mint_apart(world, "metadata")

    assert (METADATA_EMAIL, world.url) == (result["principal"], result["audience"])


async def test_metadata_can_act_as_another_account(world: World) -> None:
    assert TARGET == (await mint_apart(world, "metadata", TARGET))["principal"]


async def test_client_certificates_are_neither_looked_for_nor_waited_for(world: World) -> None:
    """google-auth would ask another host with one, and wait half a minute for a bound token."""
    key = world.service_account_file(RUNNER)
    certificates = {
        "GOOGLE_API_USE_CLIENT_CERTIFICATE": "true",
        "GOOGLE_API_CERTIFICATE_CONFIG": "/var/run/secrets/workload-spiffe-credentials/c.json",
    }
    results = [
        await mint_apart(world, source, TARGET, **certificates)
        for source in (f"file:{key}", "metadata")
    ]

    assert [TARGET, TARGET] == [result["principal"] for result in results]
    assert max(result["took_s"] for result in results) < 25


async def test_metadata_is_reached_whatever_proxy_is_set(world: World) -> None:
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}

    result = await mint_apart(world, "metadata", **nowhere, NO_PROXY="", no_proxy="")
    assert METADATA_EMAIL == result["principal"]


async def test_a_users_strange_audience_is_explained_once(
    user: File, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "authproxy")
    source = Google("file:k.json", lambda: read_info(user.path, "file:k.json"), skew=Skew())
    for _ in range(2):
        await asyncio.to_thread(source.mint, "https://a")

    assert [
        "me@x.example is a user: the token's audience is gcloud's client id, which Cloud Run"
        " accepts"
    ] == caplog.messages


async def test_a_users_token_that_cloud_run_will_refuse_is_warned_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await File(world, world.user_adc_file(USER, client_id="mine.example")).mint()

    assert [
        "me@x.example is a user, and the token's audience is the OAuth client mine.example, which"
        f" Cloud Run will most likely refuse; run: {LOGIN}"
    ] == caplog.messages


# Refusals


async def test_a_deleted_key_is_named_with_the_command_for_a_new_one(
    world: World, key: File
) -> None:
    world.google.accounts.replace_key(RUNNER)

    assert (
        f"file:k.json: Google does not know the key of {RUNNER}: it was deleted or replaced",
        f"Create one: gcloud iam service-accounts keys create KEY.json --iam-account={RUNNER}",
        "invalid_grant Invalid JWT Signature.",
        True,
    ) == await key.failure()


async def test_a_deleted_account_is_named(world: World, key: File) -> None:
    world.google.accounts.deleted.add(RUNNER)

    assert (
        f"file:k.json: the service account {RUNNER} does not exist (any more)",
        "Create it again, or use the key of another one.",
        "invalid_grant Invalid grant: account not found",
        True,
    ) == await key.failure()


async def test_a_disabled_account_is_named(world: World, key: File) -> None:
    world.google.accounts.disabled.add(RUNNER)

    assert (
        f"file:k.json: the service account {RUNNER} is disabled",
        f"gcloud iam service-accounts enable {RUNNER}",
        "invalid_grant Robot is disabled.",
        True,
    ) == await key.failure()


async def test_a_revoked_sign_in_names_the_command(world: World, user: File) -> None:
    world.google.accounts.revoked.add(USER)

    assert (
        "file:k.json: the user's sign-in has expired or was revoked",
        f"Run: {LOGIN}",
        "invalid_grant Token has been expired or revoked.",
        True,
    ) == await user.failure()


async def test_a_sign_in_that_must_be_renewed_names_the_command(world: World, user: File) -> None:
    world.google.accounts.must_reauthenticate.add(USER)

    assert ("file:k.json: Google requires the user to sign in again", f"Run: {LOGIN}") == (
        await user.failure()
    )[:2]


async def test_a_user_without_openid_gets_told_so(world: World) -> None:
    file = File(world, world.user_adc_file(USER, scopes=(CLOUD_PLATFORM,)))

    assert (
        "file:k.json: Google gave the user no identity token",
        f"Sign in without --scopes, or with openid among them: {LOGIN}",
        "",
        True,
    ) == await file.failure()


async def test_a_missing_role_is_named_with_the_command(world: World, key: File) -> None:
    world.google.accounts.forbid_acting_as(TARGET, by=RUNNER)

    assert (
        f"file:k.json: the credentials may not make identity tokens as {TARGET}",
        f"Give them the role: gcloud iam service-accounts add-iam-policy-binding {TARGET}"
        " --role=roles/iam.serviceAccountTokenCreator --member=user:YOU or serviceAccount:EMAIL."
        " A new grant takes a minute or two to work.",
        f"PERMISSION_DENIED {PERMISSION_DENIED}",
        True,
    ) == await key.failure(TARGET)


async def test_a_federated_identity_needs_an_account_to_act_as(world: World) -> None:
    assert (
        "file:k.json: a federated identity has no identity tokens of its own",
        "Let it act as a service account: --impersonate NAME@PROJECT.iam.gserviceaccount.com",
        "",
        True,
    ) == await File(world, world.wif_file(None)).failure()


async def test_a_workforce_identity_needs_an_account_to_act_as(world: World, key: File) -> None:
    file = changed(key, type="external_account_authorized_user")

    assert (
        "file:k.json: a workforce identity has no identity tokens of its own"
        == (await file.failure())[0]
    )


async def test_a_workforce_identity_that_is_not_whole_cannot_act(world: World, key: File) -> None:
    file = changed(key, type="external_account_authorized_user")

    assert "file:k.json: the file's contents cannot be used" == (await file.failure(TARGET))[0]


@pytest.mark.parametrize(
    "place", [{"environment_id": "aws1"}, {"executable": {"command": "/x"}}, "nonsense"]
)
async def test_federated_files_of_every_sort_are_told_apart(world: World, place: object) -> None:
    """None of these can work here; each is refused by the class of google-auth for its sort."""
    file = changed(File(world, world.wif_file(TARGET)), credential_source=place)

    assert (await file.failure())[0] in (
        "file:k.json: the file's contents cannot be used",
        "file:k.json: the credentials could not be used",
        "file:k.json: the subject token comes from a program, which authproxy may not run",
    )


# Breakdowns


@pytest.mark.parametrize(
    ("status", "permanent", "hint"),
    [
        (502, False, "This is usually temporary; authproxy tries again."),
        (404, True, "The log says more."),
    ],
)
async def test_googles_breakdowns_are_told_apart_from_its_refusals(
    world: World, key: File, status: int, permanent: bool, hint: str
) -> None:
    world.google.token.fail_with(status, "<p>oops eyJhbGciOi.eyJzdWIi.c2ln</p>")

    assert (
        f"file:k.json: Google answered {status} instead of giving a token",
        hint,
        "<p>oops ***</p>",
        permanent,
    ) == await key.failure()


@pytest.mark.parametrize(("status", "pause_s"), [(429, 0.0), (503, None)])
async def test_a_quota_that_is_used_up_is_told_apart_from_breakdowns(
    world: World, key: File, status: int, pause_s: float | None
) -> None:
    world.google.token.fail_with(status, "no")
    with pytest.raises(CredentialError) as caught:
        await key.mint()

    assert pause_s == caught.value.pause_s


async def test_a_page_instead_of_a_token_is_never_taken_for_one(world: World, key: File) -> None:
    world.google.token.fail_with(200, "<p>Sign in to the hotel's Wi-Fi</p>")

    assert (
        "file:k.json: Google's answer was not in the expected form",
        "Is there a proxy or a sign-in page between here and Google?",
        "TypeError",
        False,
    ) == await key.failure()


async def test_an_answer_without_identity_token_shows_nothing_of_it(
    world: World, key: File
) -> None:
    world.google.token.fail_with(200, '{"access_token": "ya29.secret"}', "application/json")

    message, _, detail, _ = await key.failure()
    assert ("file:k.json: Google's answer held no identity token", "No ID token in response.") == (
        message,
        detail,
    )


async def test_a_connection_that_breaks_is_an_error_that_will_pass(world: World, key: File) -> None:
    world.google.token.down()

    assert (
        "file:k.json: cannot reach 127.0.0.1 (ConnectionError)",
        "Is the network up? Does it need a proxy (HTTPS_PROXY)?",
        "",
        False,
    ) == await key.failure()


async def test_a_page_instead_of_an_impersonated_token_is_no_token(world: World, key: File) -> None:
    world.google.iam.fail_with(500, "<p>oops</p>")

    assert (
        "file:k.json: Google answered 500 instead of giving a token"
        == (await key.failure(TARGET))[0]
    )


async def test_a_proxy_that_is_down_is_named(user: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    assert (
        "file:k.json: cannot reach oauth2.googleapis.com (ProxyError)",
        "Is the proxy named by HTTPS_PROXY right and running?",
    ) == (await user.failure())[:2]


async def test_a_certificate_that_is_not_trusted_is_an_error_with_the_setting_for_it(
    user: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    assert (
        "file:k.json: cannot reach oauth2.googleapis.com (SSLError)",
        "Its certificate is not trusted. Behind a TLS-inspecting proxy, name the proxy's CA in"
        " REQUESTS_CA_BUNDLE.",
    ) == (await user.failure())[:2]


async def test_certificates_that_are_not_there_are_an_error_with_the_settings_name(
    user: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/proc/nowhere.pem")
    message, hint, detail, permanent = await user.failure()

    assert (
        "file:k.json: a file that is needed to reach Google cannot be read",
        "Is REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE set to a file that is not there?",
        True,
    ) == (message, hint, permanent)
    assert detail.endswith("/proc/nowhere.pem")


async def test_a_metadata_server_without_account_says_how_to_give_it_one(world: World) -> None:
    world.google.metadata.fail_with(404, "Not Found")
    result = await mint_apart(world, "metadata")

    assert (
        "metadata: the metadata server knows no service account",
        "Attach one to the VM, or bind the GKE pod's service account to one.",
        True,
    ) == (result["error"], result["hint"], result["permanent"])


async def test_a_metadata_server_that_is_not_there_is_given_up_within_seconds(
    world: World,
) -> None:
    nowhere = {"GCE_METADATA_HOST": "127.0.0.1:9", "GCE_METADATA_IP": "127.0.0.1:9"}
    result = await mint_apart(world, "metadata", **nowhere)

    assert (
        "metadata: the metadata server does not answer (ConnectionError)",
        "There is one on Google Cloud only; on GKE it is not ready in a pod's first seconds."
        f" Elsewhere: {LOGIN}",
        False,
        [],
    ) == (result["error"], result["hint"], result["permanent"], result["log"])
    assert result["took_s"] < 8


async def test_a_metadata_server_that_breaks_down_is_given_up_within_seconds(world: World) -> None:
    world.google.metadata.fail_with(503, "busy")
    result = await mint_apart(world, "metadata")

    assert "metadata: the metadata server answered 503 instead of giving a token" == result["error"]
    assert result["took_s"] < 8


# Files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "file:k.json: the file is not JSON, so it is no credentials file"),
        ("[]", "file:k.json: the file is not JSON, so it is no credentials file"),
        ("[" * 100_000, "file:k.json: the file is not JSON, so it is no credentials file"),
        ('{"type": "gdch_x"}', 'file:k.json: credentials of type "gdch_x" cannot be used'),
        ("{}", 'file:k.json: credentials of type "None" cannot be used'),
        ('{"type": "service_account"}', "file:k.json: the file's contents cannot be used"),
        ('{"type": "authorized_user"}', "file:k.json: the file's contents cannot be used"),
    ],
)
async def test_a_file_that_is_no_credentials_file_is_refused(
    world: World, key: File, text: str, message: str
) -> None:
    key.path.write_text(text)

    assert message == (await key.failure())[0]


async def test_a_key_that_was_cut_off_is_refused_without_showing_it(key: File) -> None:
    pem = json.loads(key.path.read_text())["private_key"]
    outcome: Any = await changed(key, private_key=pem[:300]).failure()

    assert "file:k.json: the file's contents cannot be used" == outcome[0]
    assert pem[40:80] not in str(outcome)
