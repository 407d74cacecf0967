"""Tokens of whoever is logged in to the gcloud command line."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.claims import require_audience, token_from_jwt
from authproxy.identity.machine import Machine
from authproxy.identity.programs import Finished
from authproxy.identity.sources.command import TIMEOUT_S

LOGIN = "gcloud auth login"
SERVICE_ACCOUNTS = ".gserviceaccount.com"
LEAST_LEFT_S = 200.0
"""How long an access token is taken to be good: gcloud renews what has less than google-auth's
REFRESH_THRESHOLD left, 225 seconds, and does not say how much it is."""


def gcloud_folder(environ: Mapping[str, str]) -> Path | None:
    """Where gcloud keeps its files; None when there is no home directory."""
    if environ.get("CLOUDSDK_CONFIG"):
        return Path(environ["CLOUDSDK_CONFIG"])
    if environ.get("HOME"):
        return Path(environ["HOME"]) / ".config" / "gcloud"
    return Path(environ["APPDATA"]) / "gcloud" if environ.get("APPDATA") else None  # Windows


def gcloud_paths(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """What `gcloud auth login`, `gcloud config set account` and their like write."""
    folder = gcloud_folder(environ)
    names = ("credentials.db", "active_config", "configurations/config_default")
    return tuple(folder / name for name in names) if folder else ()


def missing(message: str) -> CredentialError:
    """What to do where there is no gcloud."""
    return CredentialError(
        message,
        hint="Install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install) and"
        f" run: {LOGIN}",
        permanent=True,
    )


class Gcloud:
    """`gcloud auth print-identity-token`.

    gcloud refuses `--audiences` to users (their tokens are for gcloud's own client id, which Cloud
    Run accepts) and says so with the same exit code as everything else. So it is asked twice, and
    a token without the audience is taken only when it is a user's.
    """

    name = "gcloud"

    def __init__(
        self,
        machine: Machine,
        *,
        impersonate: str | None = None,
        delegates: Sequence[str] = (),
        scopes: Sequence[str] = (),
        timeout_s: float = TIMEOUT_S / 2,
    ) -> None:
        """With `scopes` it gives access tokens, with the scopes that gcloud was given."""
        self.paths = gcloud_paths(machine.environ)
        self._machine = machine
        self._lock = threading.Lock()
        self._environ = {**machine.environ, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
        self._chain = [*delegates, impersonate] if impersonate else []
        self._timeout_s = timeout_s
        self._takes_audience = True
        self._wants_access = bool(scopes)

    def mint(self, audience: str, /) -> Token:
        with self._lock:  # two at once may find gcloud's own files locked
            return self._access_token() if self._wants_access else self._mint(audience)

    def _access_token(self) -> Token:
        """Its output says neither whose it is nor when it ends."""
        done = self._run(None, what="print-access-token", acting=bool(self._chain))
        if done.code:
            self._complain(done, "access")
        value, now = done.output.strip(), self._machine.skew.now()
        if not value.isascii() or not value.isprintable() or not value or " " in value:
            raise CredentialError("gcloud gave something that is no access token")
        return Token(
            value=Secret(value),
            expires_at=now + LEAST_LEFT_S,
            audience="",
            principal=self._chain[-1] if self._chain else "gcloud's account",
            source=self.name,
            issued_at=now,
        )

    def _mint(self, audience: str) -> Token:
        if self._chain:
            return self._for(audience, self._run(audience, acting=True))
        if self._takes_audience:
            with_audience = self._run(audience)
            if with_audience.code == 0:
                return self._for(audience, with_audience)
            return self._token_of_user(with_audience, audience)
        return self._token(self._run(None), audience)

    def _token_of_user(self, refused: Finished, audience: str) -> Token:
        without = self._run(None)
        token = self._token(without, audience)
        if token.principal.endswith(SERVICE_ACCOUNTS):
            return self._token(refused, audience)
        self._takes_audience = False
        return token

    def _for(self, audience: str, done: Finished) -> Token:
        token = self._token(done, audience)
        require_audience(token, audience)
        return token

    def _run(
        self, audience: str | None, *, acting: bool = False, what: str = "print-identity-token"
    ) -> Finished:
        argv = ["gcloud", "auth", what, "--quiet"]
        if audience is not None:
            argv.append(f"--audiences={audience}")
        if acting:
            argv.append(f"--impersonate-service-account={','.join(self._chain)}")
            argv += ["--include-email"] if audience is not None else []
        try:
            return self._machine.programs.run(
                argv, environ=self._environ, timeout_s=self._timeout_s, name=self.name
            )
        except CredentialError as error:
            if not error.permanent:
                raise
            raise missing(error.message) from None

    def _token(self, done: Finished, audience: str) -> Token:
        if done.code:
            self._complain(done, "identity")
        now = self._machine.skew.now()
        return token_from_jwt(done.output, source=self.name, audience=audience, now=now)

    def _complain(self, done: Finished, kind: str) -> NoReturn:
        if self._chain:
            target = self._chain[-1]
            raise CredentialError(
                f"gcloud could not make an {kind} token as {target}",
                hint=f"Are you logged in ({LOGIN}), and have you the role"
                f" roles/iam.serviceAccountTokenCreator on {target}?",
                detail=done.complaint,
            )
        raise CredentialError(
            f"gcloud could not make an {kind} token", hint=f"Run: {LOGIN}", detail=done.complaint
        )
