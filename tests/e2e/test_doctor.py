"""`authproxy doctor` against every failure that the pretend Google and Cloud Run can stage."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from authproxy.demo.accounts import CLOUD_PLATFORM, METADATA_EMAIL
from authproxy.demo.world import World
from tests.support.jwt import unsigned_jwt
from tests.support.program import run_to_end

ROBOT = "robot@p.iam.gserviceaccount.com"
TARGET = "target@p.iam.gserviceaccount.com"
USER = "me@x.example"
LOGIN = "gcloud auth application-default login"
NOBODY = "127.0.0.1:9"
SHIM = str(Path(__file__).parent.parent / "support")
DAY = 86_400


@dataclass(kw_only=True)
class Visit:
    """What a patient brings: flags and environment on top of the world's."""

    flags: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    url: str = ""
    """By default the service `hello`."""


Stage = Callable[[World], Visit]


def with_file(path: Path, *flags: str) -> Visit:
    return Visit(flags=("--credentials", f"file:{path}", *flags))


def metadata() -> Visit:
    return Visit(flags=("--credentials", "metadata"))


def no_credentials(_world: World) -> Visit:
    nowhere = {"GCE_METADATA_HOST": NOBODY, "GCE_METADATA_IP": NOBODY}
    return Visit(environ={**nowhere, "PATH": "/proc/nowhere"})


def missing_file(_world: World) -> Visit:
    return Visit(environ={"GOOGLE_APPLICATION_CREDENTIALS": "/proc/nowhere/key.json"})


def no_json(world: World) -> Visit:
    path = world.directory / "k.json"
    path.write_text("hunter2")
    return with_file(path)


def cut_off_key(world: World) -> Visit:
    path = world.service_account_file(ROBOT)
    info = json.loads(path.read_text())
    path.write_text(json.dumps(info | {"private_key": info["private_key"][:400]}))
    return with_file(path)


def key_of(world: World, *flags: str) -> Visit:
    world.cloud_run.gate.invokers.add(ROBOT)
    return with_file(world.service_account_file(ROBOT), *flags)


def rotated_key(world: World) -> Visit:
    visit = key_of(world)
    world.google.accounts.replace_key(ROBOT)
    return visit


def disabled_account(world: World) -> Visit:
    world.google.accounts.disabled.add(ROBOT)
    return key_of(world)


def deleted_account(world: World) -> Visit:
    world.google.accounts.deleted.add(ROBOT)
    return key_of(world)


def user_of(world: World, **given: Any) -> Visit:
    world.cloud_run.gate.invokers.add(USER)
    return with_file(world.user_adc_file(USER, **given))


def revoked_sign_in(world: World) -> Visit:
    world.google.accounts.revoked.add(USER)
    return user_of(world)


def sign_in_to_renew(world: World) -> Visit:
    world.google.accounts.must_reauthenticate.add(USER)
    return user_of(world)


def user_without_openid(world: World) -> Visit:
    return user_of(world, scopes=(CLOUD_PLATFORM,))


def foreign_client(world: World) -> Visit:
    return user_of(world, client_id="mine.apps.googleusercontent.com")


def no_token_creator(world: World) -> Visit:
    return key_of(world, "--impersonate", TARGET)


def token_endpoint_down(world: World) -> Visit:
    world.google.token.down()
    return key_of(world)


def metadata_down(world: World) -> Visit:
    world.google.metadata.down()
    return metadata()


def metadata_without_account(world: World) -> Visit:
    world.google.metadata.fail_with(404)
    return metadata()


def metadata_slow(world: World) -> Visit:
    world.google.metadata.delay_s = 30
    return metadata()


def gcloud_missing(_world: World) -> Visit:
    return Visit(flags=("--credentials", "gcloud"), environ={"PATH": "/proc/nowhere"})


def gcloud_signed_out(_world: World) -> Visit:
    environ = {"PATH": f"{SHIM}:{os.environ['PATH']}", "GCLOUD_ACCOUNT": "signed_out"}
    return Visit(flags=("--credentials", "gcloud"), environ=environ)


def other_services_token(_world: World) -> Visit:
    token = unsigned_jwt(aud="https://other")
    return Visit(flags=("--credentials", "token-env:T"), environ={"T": token})


def other_audience(world: World) -> Visit:
    return key_of(world, "--audience", "https://other")


def not_invoker(world: World) -> Visit:
    world.cloud_run.gate.invokers.clear()
    return metadata()


def no_token(_world: World) -> Visit:
    return Visit(flags=("--credentials", "none"))


def no_instance(world: World) -> Visit:
    world.cloud_run.no_instance = 503
    return metadata()


def service_down(_world: World) -> Visit:
    return Visit(url=f"https://{NOBODY}", flags=("--credentials", "metadata"))


def egress_proxy_down(world: World) -> Visit:
    dead = f"http://{NOBODY}"
    return Visit(
        url=f"https://{world.cloud_run.run_app_hosts[0]}",
        flags=("--credentials", "metadata"),
        environ={"HTTPS_PROXY": dead, "https_proxy": dead},
    )


def unknown_name(_world: World) -> Visit:
    direct = {"NO_PROXY": "127.0.0.1,.invalid", "no_proxy": "127.0.0.1,.invalid"}
    return Visit(url="https://no-such-name.invalid", flags=metadata().flags, environ=direct)


CASES = [
    (no_credentials, 13, "credentials", "no credentials were found on this machine", LOGIN),
    (missing_file, 13, "credentials", "there is no such file", "Is the path right?"),
    (no_json, 13, "credentials", "the file is not JSON, so it is no credentials", "Google made"),
    (cut_off_key, 13, "credentials", "the file's contents cannot be used", "Is the file complete"),
    (rotated_key, 16, "token", f"Google does not know the key of {ROBOT}", "keys create KEY.json"),
    (disabled_account, 16, "token", f"the service account {ROBOT} is disabled", "enable"),
    (
        deleted_account,
        16,
        "token",
        f"the service account {ROBOT} does not exist",
        "Create it again",
    ),
    (revoked_sign_in, 16, "token", "the user's sign-in has expired or was revoked", LOGIN),
    (sign_in_to_renew, 16, "token", "Google requires the user to sign in again", LOGIN),
    (
        user_without_openid,
        16,
        "token",
        "Google gave the user no identity token",
        "with openid among them",
    ),
    (
        no_token_creator,
        16,
        "token",
        f"the credentials may not make identity tokens as {TARGET}",
        "--role=roles/iam.serviceAccountTokenCreator",
    ),
    (token_endpoint_down, 16, "token", "cannot reach 127.0.0.1", "Is the network up?"),
    (metadata_down, 14, "metadata", "the metadata server does not answer", "on Google Cloud only"),
    (metadata_slow, 14, "metadata", "the metadata server does not answer", "on Google Cloud only"),
    (
        metadata_without_account,
        14,
        "metadata",
        "the metadata server knows no service account",
        "Attach one to the VM",
    ),
    (gcloud_missing, 15, "gcloud", "there is no program gcloud on PATH", "cloud.google.com/sdk"),
    (gcloud_signed_out, 16, "token", "gcloud could not make an identity token", "auth login"),
    (
        foreign_client,
        17,
        "claims",
        "the token's audience is the OAuth client mine.apps.googleusercontent.com, which Cloud Run",
        LOGIN,
    ),
    (other_services_token, 17, "claims", "the token is for https://other, not for", "--audience"),
    (
        other_audience,
        18,
        "probe",
        "Google answered 401: The token for https://other was not accepted",
        "gcloud run services describe SERVICE",
    ),
    (no_instance, 18, "probe", "Google answered 503: No instance of the service", "logs read"),
    (
        not_invoker,
        19,
        "role",
        f"{METADATA_EMAIL} may not call this service: it lacks roles/run.invoker",
        f"add-iam-policy-binding SERVICE --region=REGION --member=serviceAccount:{METADATA_EMAIL}"
        " --role=roles/run.invoker",
    ),
    (no_token, 19, "role", "authproxy sends no token", "--credentials auto"),
    (service_down, 12, "connection", f"https://{NOBODY} cannot be reached.", "running"),
    (
        egress_proxy_down,
        12,
        "connection",
        f"The egress proxy http://{NOBODY} cannot be reached.",
        "The proxy was named by",
    ),
    (
        unknown_name,
        11,
        "dns",
        "The host name no-such-name.invalid cannot be resolved.",
        "Check the URL for a typo",
    ),
]


async def visited(
    world: World, visit: Visit, *, trusted: bool = True
) -> tuple[int, dict[str, Any]]:
    """Exit code and findings of `authproxy doctor --json`."""
    trust = ("--ca-file", world.ca_file) if trusted else ()
    url = visit.url or world.url
    environ = {**world.environment, "HOME": str(world.directory), **visit.environ}
    code, stdout, stderr = await run_to_end(
        "doctor", "--json", url, *trust, *visit.flags, environ=environ
    )
    assert stderr == ""
    for secret in ("eyJ", "hunter2", "PRIVATE KEY", "1//", "ya29."):
        assert secret not in stdout
    return code, json.loads(stdout)


@pytest.mark.parametrize(
    ("stage", "code", "check", "message", "fix"),
    [pytest.param(*case, id=case[0].__name__) for case in CASES],
)
async def test_the_first_failure_is_the_one_that_was_staged(
    stage: Stage, code: int, check: str, message: str, fix: str, world: World
) -> None:
    exit_code, found = await visited(world, stage(world))

    first = found["first_failure"]
    assert (code, code, check) == (exit_code, found["exit_code"], first["check"])
    assert message in first["message"]
    assert fix in first["fix"]
    # A token for somebody else is tried all the same; all other failures keep the rest from it.
    after = [each["status"] for each in found["checks"]][CHECKS.index(check) + 1 :]
    assert check == "claims" or after[-1:] in ([], ["not run"])


CHECKS = (
    *("clock", "dns", "connection", "credentials", "metadata", "gcloud"),
    *("token", "claims", "probe", "role"),
)


async def test_a_certificate_that_is_not_trusted_is_found(world: World) -> None:
    code, found = await visited(world, metadata(), trusted=False)

    assert (12, "connection") == (code, found["first_failure"]["check"])
    assert "is not trusted" in found["first_failure"]["message"]
    assert "--ca-file" in found["first_failure"]["fix"]


async def test_a_clock_that_is_wrong_is_the_first_thing_to_mend() -> None:
    async with World(clock=lambda: time.time() + 10.5 * DAY) as world:
        code, found = await visited(world, metadata())

    assert (10, "clock") == (code, found["first_failure"]["check"])
    assert "this machine's clock is 10 days behind Google's" == found["first_failure"]["message"]
    assert "timedatectl" in found["first_failure"]["fix"]


async def test_where_all_is_well_every_check_is_green_or_not_needed(world: World) -> None:
    through = Visit(url=f"https://{world.cloud_run.run_app_hosts[1]}", flags=metadata().flags)
    code, found = await visited(world, through)

    assert (0, True, None) == (code, found["ok"], found["first_failure"])
    assert list(CHECKS) == [each["check"] for each in found["checks"]]
    assert ["gcloud"] == [
        each["check"] for each in found["checks"] if each["status"] == "not needed"
    ]
    assert {"ok", "not needed"} == {each["status"] for each in found["checks"]}


async def test_a_configuration_file_brings_all_its_services(world: World) -> None:
    second = await world.add_service("other", invokers=())
    file = world.directory / "authproxy.toml"
    file.write_text(
        f'[services.one]\nurl = "{world.url}"\nca_file = "{world.ca_file}"\n'
        f'[services.two]\nurl = "{second.url}"\nca_file = "{world.ca_file}"\n'
    )
    code, stdout, stderr = await run_to_end("doctor", "-c", file, environ=world.environment)

    assert (19, "") == (code, stderr)
    assert f"\none {world.url}\n" in stdout
    assert stdout.endswith("Fix role of two first; it may be the cause of the rest.\n")
    assert "\x1b" not in stdout


async def test_without_a_url_the_machine_itself_is_examined(world: World) -> None:
    code, stdout, _ = await run_to_end("doctor", environ=world.environment)

    assert 0 == code
    assert f"token        {METADATA_EMAIL} from metadata" in stdout
    assert "not run     probe        no service was named" in stdout


async def test_a_mistake_in_the_configuration_is_no_finding(world: World) -> None:
    code, stdout, stderr = await run_to_end("doctor", "ftp://x", environ=world.environment)

    assert (2, "") == (code, stdout)
    assert stderr.startswith("authproxy: command line: URL: ")
