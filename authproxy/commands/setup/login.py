"""`authproxy login`: gcloud's sign-in, with the arguments that authproxy needs."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

from authproxy.errors import StartError
from authproxy.system import entry

Say = Callable[[str], object]

_APPLICATION = (
    "application-default credentials: authproxy, and Google's libraries, find them by themselves."
    " gcloud's own sign-in is another one, and stays as it is"
)
_USER = (
    "gcloud's own account: authproxy asks gcloud for each token, with --credentials gcloud, or by"
    " itself where there are no application-default credentials"
)
_ACTS = (
    "tokens are then {email}'s, for which your account needs the role Service Account Token Creator"
    " on it; to decide that for each run instead, leave it out here and use --impersonate there"
)


def arguments(*, user: bool, impersonate: str | None) -> list[str]:
    """Of gcloud."""
    if user:
        return ["auth", "login"]
    more = [f"--impersonate-service-account={impersonate}"] if impersonate else []
    return ["auth", "application-default", "login", *more]


def run(environ: Mapping[str, str], *, user: bool, impersonate: str | None, say: Say) -> int:
    """Sign in, by gcloud at this terminal; its exit code. Raises StartError."""
    wanted = arguments(user=user, impersonate=impersonate)
    gcloud = shutil.which("gcloud", path=environ.get("PATH", os.defpath))
    if gcloud is None:
        raise StartError(
            "there is no gcloud on PATH, which the sign-in of a person needs",
            hint="Install it: https://cloud.google.com/sdk/docs/install. Without it: a service"
            " account's key, --credentials file:KEY.json, or on Google Cloud the metadata server,"
            " which needs no sign-in.",
        )
    say(f"runs: gcloud {' '.join(wanted)}")
    say(f"for {_USER if user else _APPLICATION}")
    if impersonate:
        say(_ACTS.format(email=impersonate))
    with entry.raising():  # gcloud hears it too, and is waited for
        code = subprocess.run([gcloud, *wanted], env=dict(environ), check=False).returncode  # noqa: S603 -- the user's gcloud
    if code == 0:
        say("signed in; authproxy doctor URL shows whose tokens a service gets")
    return code if code >= 0 else 128 - code
