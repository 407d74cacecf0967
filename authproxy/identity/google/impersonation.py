"""Identity tokens of a service account that other credentials may act as: generateIdToken.

google-auth has a class for this too, but that one opens a session of its own, whose requests may
take two minutes each, and looks for client certificates. Here all goes through our own transport.
"""

# mypy: untyped-calls-exclude=google

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from authproxy.identity.google.transport import Request

IAM_SCOPE = "https://www.googleapis.com/auth/iam"
SERVICE_ACCOUNTS = "projects/-/serviceAccounts/"
URL = "https://iamcredentials.{domain}/v1/" + SERVICE_ACCOUNTS + "{email}:generateIdToken"
"""https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts"""


def actor(credentials: Any, target: str, delegates: Sequence[str]) -> Any:
    """google-auth's object for `credentials` acting as `target` by way of `delegates`."""
    from google.auth.impersonated_credentials import Credentials

    chain = [SERVICE_ACCOUNTS + email for email in delegates]
    return Credentials(credentials, target, [IAM_SCOPE], delegates=chain)


def identity_token(actor: Any, audience: str, request: Request) -> str:
    """The JWT. Raises google-auth's RefreshError, and what `request` raises.

    `actor`: google-auth's impersonated credentials; only whom they act for, by way of whom and with
    whose token is taken from them. Their own access token is never made.
    """
    from google.auth.exceptions import RefreshError

    source = actor._source_credentials
    url = URL.format(domain=actor.universe_domain, email=actor.signer_email)
    body = {"audience": audience, "delegates": actor._delegates or [], "includeEmail": True}
    answer = _ask(source, url, json.dumps(body).encode(), request)
    if answer.status == HTTPStatus.UNAUTHORIZED:  # a metadata server may keep a revoked token
        answer = _ask(source, url, json.dumps(body).encode(), request)
    told = _json(answer.data)
    if answer.status != HTTPStatus.OK:
        raise RefreshError("generateIdToken was refused", told)
    if not isinstance(told.get("token"), str):
        raise RefreshError("No ID token in response.", told)
    return str(told["token"])


def _ask(source: Any, url: str, body: bytes, request: Request) -> Any:
    source.refresh(request)
    headers = {"Content-Type": "application/json"}
    source.apply(headers)
    return request(url, "POST", body, headers)


def _json(data: bytes) -> dict[str, Any]:
    """Empty when it is something else, such as a proxy's page."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
