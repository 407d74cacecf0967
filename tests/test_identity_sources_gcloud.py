import json
import os
from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.machine import Machine
from authproxy.identity.sources.gcloud import Gcloud

A = "https://a.run.app"
SHIM = Path(__file__).parent / "support"
ROBOT = "target@p.iam.gserviceaccount.com"
COMMON = ["auth", "print-identity-token", "--quiet"]


class Shell:
    """An environment with the shim as gcloud."""

    def __init__(self, directory: Path, account: str) -> None:
        self._calls = directory / "calls"
        self.environ = {
            "PATH": f"{SHIM}:{os.environ['PATH']}",
            "GCLOUD_ACCOUNT": account,
            "GCLOUD_CALLS": str(self._calls),
        }

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line)[len(COMMON) :] for line in self._calls.read_text().splitlines()]


def failure(source: Gcloud) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        source.mint(A)
    return caught.value


def test_a_service_account_gets_a_token_for_the_audience(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "service_account")
    token = Gcloud(Machine(shell.environ)).mint(A)

    assert ("robot@p.iam.gserviceaccount.com", A, "gcloud", [[f"--audiences={A}"]]) == (
        token.principal,
        token.audience,
        token.source,
        shell.calls,
    )


@pytest.mark.parametrize("target", [None, ROBOT])
def test_a_token_for_another_audience_than_was_asked_for_is_not_sent(
    target: str | None, tmp_path: Path
) -> None:
    environ = {**Shell(tmp_path, "service_account").environ, "GCLOUD_AUDIENCE": "https://b"}
    said = failure(Gcloud(Machine(environ), impersonate=target)).message

    assert f"gcloud was asked for the audience {A} and gave a token for https://b" in said


def test_a_user_gets_a_token_without_audience_and_gcloud_is_not_asked_for_one_again(
    tmp_path: Path,
) -> None:
    shell = Shell(tmp_path, "user")
    source = Gcloud(Machine(shell.environ))
    principals = [source.mint(A).principal for _ in range(2)]

    assert (["me@x.example"] * 2, [[f"--audiences={A}"], [], []]) == (principals, shell.calls)


def test_impersonation_is_left_to_gcloud_with_the_whole_chain(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "user")
    source = Gcloud(
        Machine(shell.environ), impersonate=ROBOT, delegates=["via@p.iam.gserviceaccount.com"]
    )
    token = source.mint(A)

    chain = f"via@p.iam.gserviceaccount.com,{ROBOT}"
    flags = [f"--audiences={A}", f"--impersonate-service-account={chain}", "--include-email"]
    assert (ROBOT, A, [flags]) == (token.principal, token.audience, shell.calls)


def test_when_nobody_is_signed_in_the_error_names_the_command(tmp_path: Path) -> None:
    error = failure(Gcloud(Machine(Shell(tmp_path, "signed_out").environ)))

    assert (
        "gcloud could not make an identity token",
        "Run: gcloud auth login",
        "ERROR: (gcloud.auth.print-identity-token) You do not currently have an active account"
        " selected.",
    ) == (error.message, error.hint, error.detail)


def test_a_missing_role_is_said_with_its_name(tmp_path: Path) -> None:
    error = failure(Gcloud(Machine(Shell(tmp_path, "not_granted").environ), impersonate=ROBOT))

    assert (
        f"gcloud could not make an identity token as {ROBOT}",
        "Are you logged in (gcloud auth login), and have you the role"
        f" roles/iam.serviceAccountTokenCreator on {ROBOT}?",
    ) == (error.message, error.hint)
    assert error.detail.startswith("ERROR: (gcloud.auth.print-identity-token) Failed to impersona")


def test_without_gcloud_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    error = failure(Gcloud(Machine({"PATH": str(tmp_path)})))

    assert (
        "gcloud: there is no program gcloud on PATH",
        "Install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install) and run: gcloud"
        " auth login",
        True,
    ) == (error.message, error.hint, error.permanent)


def script(directory: Path, text: str) -> dict[str, str]:
    path = directory / "gcloud"
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return {"PATH": f"{directory}:{os.environ['PATH']}"}


def test_a_service_accounts_token_for_another_audience_is_never_taken(tmp_path: Path) -> None:
    """A service account that fails once must not be taken for a user."""
    shim = f'GCLOUD_ACCOUNT=service_account exec {SHIM}/gcloud "$@"'
    text = f'case "$*" in *audiences*) echo "ERROR: try later" >&2; exit 1;; esac\n{shim}\n'
    error = failure(Gcloud(Machine(script(tmp_path, text))))

    assert ("gcloud could not make an identity token", "ERROR: try later") == (
        error.message,
        error.detail,
    )


def test_a_gcloud_that_hangs_is_an_error(tmp_path: Path) -> None:
    error = failure(Gcloud(Machine(script(tmp_path, "sleep 600\n")), timeout_s=0.2))

    assert (
        "gcloud: the command gave no token within 0.2 seconds and was killed",
        False,
    ) == (error.message, error.permanent)


def test_access_tokens_are_gcloud_s_own_and_not_trusted_for_long(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "user")
    token = Gcloud(Machine(shell.environ), scopes=["any"]).mint("")

    assert ("ya29.of-me@x.example", "gcloud's account", 200.0) == (
        token.value.reveal(),
        token.principal,
        token.expires_at - token.issued_at,
    )


def test_access_tokens_of_another_account_are_left_to_gcloud_too(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "user")
    token = Gcloud(Machine(shell.environ), impersonate=ROBOT, scopes=["any"]).mint("")

    assert (ROBOT, [[f"--impersonate-service-account={ROBOT}"]]) == (token.principal, shell.calls)


def test_without_a_login_there_is_no_access_token_either(tmp_path: Path) -> None:
    error = failure(Gcloud(Machine(Shell(tmp_path, "signed_out").environ), scopes=["any"]))

    assert ("gcloud could not make an access token", "Run: gcloud auth login") == (
        error.message,
        error.hint,
    )
