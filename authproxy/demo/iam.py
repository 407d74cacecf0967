"""IAM Credentials, and the Security Token Service of workload and workforce identity federation."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from authproxy.demo.accounts import (
    CLOUD_PLATFORM,
    IAM,
    POOL,
    AccessToken,
    Account,
    Accounts,
)
from authproxy.demo.endpoint import Endpoint
from authproxy.demo.issuer import Issuer
from authproxy.demo.oauth import OAuthError

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
SUBJECT_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt"
AWS_TOKEN_TYPE = "urn:ietf:params:aws:token-type:aws4_request"
WORKFORCE_CLIENT = "demo-workforce"
PROVIDER = f"//iam.googleapis.com/{POOL}/providers/demo"

PERMISSION_DENIED = (
    "Permission 'iam.serviceAccounts.getOpenIdToken' denied on resource (or it may not exist)."
)
SCOPE_MISSING = "Request had insufficient authentication scopes."
ACCESS_DENIED = PERMISSION_DENIED.replace("getOpenIdToken", "getAccessToken")
UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie"
    " or other valid authentication credential. See"
    " https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class IamCredentials:
    """`POST /v1/projects/-/serviceAccounts/EMAIL:generateIdToken`, `:generateAccessToken`."""

    def __init__(self, *, accounts: Accounts, issuer: Issuer, endpoint: Endpoint) -> None:
        self._accounts = accounts
        self._issuer = issuer
        self._endpoint = endpoint

    async def handle(self, request: web.Request) -> web.StreamResponse:
        caller = check_caller(self._accounts, request, {CLOUD_PLATFORM, IAM})
        if isinstance(caller, web.Response):
            return caller
        try:
            wanted = await request.json()
        except ValueError:
            wanted = None
        if not isinstance(wanted, dict):
            return rpc_error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        email, verb = request.match_info["email"], request.match_info["verb"]
        generate = self._generate if verb == "generateIdToken" else self._generate_access
        return generate(caller, email, wanted)

    def _generate(
        self, caller: AccessToken, target: str, wanted: Mapping[str, Any]
    ) -> web.Response:
        if not self._may(caller, target, wanted):
            return rpc_error(403, "PERMISSION_DENIED", PERMISSION_DENIED)
        audience = wanted.get("audience")
        if not audience or not isinstance(audience, str):
            return rpc_error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        self._endpoint.mints[audience] += 1
        token = self._issuer.service_account_token(
            self._accounts.service_account(target),
            audience,
            email=_true(wanted.get("includeEmail")),
            azp_email=_true(wanted.get("useEmailAzp")),
        )
        return web.json_response({"token": token})

    def _generate_access(
        self, caller: AccessToken, target: str, wanted: Mapping[str, Any]
    ) -> web.Response:
        if not self._may(caller, target, wanted):
            return rpc_error(403, "PERMISSION_DENIED", ACCESS_DENIED)
        scopes = wanted.get("scope")
        if not scopes or not isinstance(scopes, list):
            return rpc_error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        self._endpoint.mints["access_token"] += 1
        account, life_s = self._accounts.service_account(target), self._issuer.life_s
        ends = datetime.fromtimestamp(self._issuer.clock() + life_s, UTC)
        return web.json_response(
            {
                "accessToken": self._accounts.issue_access_token(account, scopes, life_s),
                "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )

    def _may(self, caller: AccessToken, target: str, wanted: Mapping[str, Any]) -> bool:
        delegates = [str(name).rpartition("/")[2] for name in wanted.get("delegates") or ()]
        return self._accounts.may_act_as(caller.account.email, target, delegates)


def check_caller(
    accounts: Accounts, request: web.Request, scopes: set[str]
) -> AccessToken | web.Response:
    """Whose access token a request to an API carries, or the refusal if it opens nothing here."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    caller = accounts.find_access_token(token) if scheme == "Bearer" else None
    if caller is None:
        return rpc_error(401, "UNAUTHENTICATED", UNAUTHENTICATED)
    return caller if caller.scopes & scopes else _scope_missing()


class TokenExchange:
    """`POST /v1/token` of the Security Token Service (RFC 8693)."""

    def __init__(self, *, accounts: Accounts, endpoint: Endpoint, life_s: int) -> None:
        self._accounts = accounts
        self._endpoint = endpoint
        self._life_s = life_s

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return await _answer(request, self._exchange)

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/oauthtoken`: a workforce user's refresh token (RFC 6749 section 6)."""
        secret = f"{WORKFORCE_CLIENT}:{WORKFORCE_CLIENT}".encode()
        wanted = f"Basic {base64.b64encode(secret).decode()}"
        if request.headers.get("Authorization") != wanted:
            return web.json_response({"error": "invalid_client"}, status=401)
        return await _answer(request, self._refresh)

    def _refresh(self, form: Mapping[str, str]) -> dict[str, Any]:
        account = self._accounts.find_subject(f"workforce {form.get('refresh_token')}")
        if form.get("grant_type") != "refresh_token" or account is None:
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        return self._access_token(account, [CLOUD_PLATFORM])

    def _exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        # The real refusals' texts are not known; the codes are RFC 8693's and RFC 6749's.
        if form.get("grant_type") != TOKEN_EXCHANGE:
            raise OAuthError("unsupported_grant_type", "Invalid grant_type")
        if form.get("audience") != PROVIDER:
            raise OAuthError("invalid_target", "The target service is not valid.")
        if form.get("requested_token_type") != ACCESS_TOKEN_TYPE:
            raise OAuthError("invalid_request", "Invalid requested_token_type")
        find = SUBJECTS.get(form.get("subject_token_type", ""))
        account = find(self._accounts, form.get("subject_token", "")) if find else None
        if account is None:
            raise OAuthError("invalid_grant", "The subject token is not valid.")
        answer = self._access_token(account, form.get("scope", "").split())
        return answer | {"issued_token_type": ACCESS_TOKEN_TYPE}

    def _access_token(self, account: Account, scopes: list[str]) -> dict[str, Any]:
        token = self._accounts.issue_access_token(account, scopes, self._life_s)
        self._endpoint.mints["access_token"] += 1
        return {"access_token": token, "token_type": "Bearer", "expires_in": self._life_s}


def find_aws_subject(accounts: Accounts, token: str) -> Account | None:
    """Whose AWS key signed the request to GetCallerIdentity that the token holds.

    Only AWS can verify the signature, and nobody asks it here.
    """
    try:
        signed = json.loads(unquote(token))
        headers = {field["key"].lower(): str(field["value"]) for field in signed["headers"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    key = re.match(r"AWS4-HMAC-SHA256 Credential=(\w+)/", headers.get("authorization", ""))
    if key is None or headers.get("x-goog-cloud-target-resource") != PROVIDER:
        return None
    return accounts.find_subject(f"aws {key[1]}")


SUBJECTS: Mapping[str, Callable[[Accounts, str], Account | None]] = {
    SUBJECT_TOKEN_TYPE: Accounts.find_subject,
    AWS_TOKEN_TYPE: find_aws_subject,
}
"""Who is behind a subject token, by its type."""


async def _answer(
    request: web.Request, make: Callable[[Mapping[str, str]], dict[str, Any]]
) -> web.StreamResponse:
    form = {name: str(value) for name, value in (await request.post()).items()}
    try:
        return web.json_response(make(form))
    except OAuthError as refusal:
        return web.json_response(refusal.body, status=refusal.status)


def rpc_error(
    code: int, status: str, message: str, details: list[dict[str, Any]] | None = None
) -> web.Response:
    """An error in the shape of google.rpc.Status."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return web.json_response({"error": error}, status=code)


def _scope_missing() -> web.Response:
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
    }
    return rpc_error(403, "PERMISSION_DENIED", SCOPE_MISSING, [detail])


def _true(value: object) -> bool:
    """google-auth sends a boolean in one flow and the text `true` in another."""
    return value is True or value == "true"
