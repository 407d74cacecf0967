"""Secrets out of Secret Manager, fetched and kept fresh as tokens are.

https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
"""

import base64
import binascii
from collections.abc import Mapping

from authproxy.config.files.secrets import header_text
from authproxy.errors import Code, CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.apis.client import ApiRefusedError, Case, GoogleApi, explained
from authproxy.identity.source import Product
from authproxy.policy.google.advice import member_of

NAME = "Secret Manager"
HOST = "secretmanager.googleapis.com"
RENEW_S = 300.0
"""A new version is used this soon …"""
KEEP_S = 7 * 24 * 3600.0
"""… and the old one is kept this long where Secret Manager cannot be asked."""


CASES = (
    Case(
        "SERVICE_DISABLED",
        "Secret Manager's API is not enabled in the project {project}",
        "Run: gcloud services enable secretmanager.googleapis.com --project={project}",
    ),
    Case(
        "has not been used in project",
        "Secret Manager's API is not enabled in the project {project}",
        "Run: gcloud services enable secretmanager.googleapis.com --project={project}",
    ),
    Case(
        "insufficient authentication scopes",
        "the credentials' scopes are too narrow to read secrets",
        "On a VM: give it the scope cloud-platform.",
    ),
    Case(
        "DISABLED state",
        "version {version} of the secret is disabled",
        "Run: gcloud secrets versions enable {version} --secret={secret} --project={project}",
    ),
    Case(
        "DESTROYED state",
        "version {version} of the secret was destroyed",
        "Run: gcloud secrets versions add {secret} --project={project} --data-file=-",
    ),
    Case(
        "PERMISSION_DENIED",
        "{principal} may not read it, or there is no such secret",
        "Run: gcloud secrets add-iam-policy-binding {secret} --project={project} --member={member}"
        " --role=roles/secretmanager.secretAccessor",
    ),
    Case(
        "NOT_FOUND",
        "there is no such secret, or no such version of it",
        "Run: gcloud secrets versions list {secret} --project={project}",
    ),
)
"""The first that fits."""


class SecretManager:
    """A source whose audiences are names of secrets: `projects/P/secrets/S/versions/V`."""

    name = NAME

    def __init__(self, api: GoogleApi) -> None:
        self._api = api

    def product(self, audience: str, /) -> Product:
        name = f"secret {audience}"
        return Product(name=name, missing=name, code=Code.SECRET_UNAVAILABLE)

    def mint(self, audience: str, /) -> Token:
        try:
            answer, principal = self._api.get(f"https://{HOST}/v1/{audience}:access", api=NAME)
        except ApiRefusedError as refusal:
            raise _explained(refusal, audience) from None
        now = self._api.skew.now()
        return Token(
            value=_secret(answer, audience),
            expires_at=now + KEEP_S,
            audience=audience,
            principal=principal,
            source=NAME,
            issued_at=now,
            renew_after_s=RENEW_S,
        )


def _secret(answer: Mapping[str, object], name: str) -> Secret:
    payload = answer.get("payload")
    data = payload.get("data") if isinstance(payload, Mapping) else None
    try:
        content = base64.b64decode(str(data or ""), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.strip():
        raise CredentialError(
            f"{NAME}: {name} is empty",
            hint="Add a version that holds the key.",
            permanent=True,
        )
    try:
        return Secret(header_text(content.decode("latin-1"), name))
    except ValueError as error:
        raise CredentialError(
            f"{NAME}: {error}", hint="Add a version that holds the key alone.", permanent=True
        ) from None


def _explained(refusal: ApiRefusedError, name: str) -> CredentialError:
    _, project, _, secret, _, version = name.split("/")
    places = {
        "project": project,
        "secret": secret,
        "version": version,
        "principal": refusal.principal,
        "member": member_of(refusal.principal),
    }
    return explained(refusal, NAME, CASES, places)
