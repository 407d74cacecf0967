"""Google's OAuth token endpoint: service-account assertions (RFC 7523) and refresh tokens."""

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from authproxy.demo.accounts import Account, Accounts, Grant
from authproxy.demo.endpoint import Endpoint
from authproxy.demo.issuer import Issuer
from authproxy.demo.keys import Claims, InvalidTokenError, ParsedToken, parse_token

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_AUDIENCE = "https://oauth2.googleapis.com/token"
MAX_SKEW_S = 300
MAX_LIFE_S = 3600

# As users report them from the real endpoint.
SIGNATURE_WRONG = "Invalid JWT Signature."
NOT_SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    " Check your iat and exp values in the JWT claim."
)
ACCOUNT_MISSING = "Invalid grant: account not found"
ACCOUNT_DISABLED = "Robot is disabled."
# From memory; the real texts were not seen again.
REFRESH_REVOKED = "Token has been expired or revoked."
NOTHING_ASKED = "Invalid OAuth scope or ID token audience provided."
# Sensible guesses: the real texts are not known.
NOT_A_JWT = "Invalid JWT: it cannot be decoded."
AUDIENCE_WRONG = f"Invalid JWT: its audience must be {TOKEN_AUDIENCE}"
REAUTH_NEEDED = "reauth related error (invalid_rapt)"


class OAuthError(Exception):
    """A refusal as RFC 6749 5.2 shapes it."""

    def __init__(self, error: str, description: str, *, subtype: str = "", status: int = 400):
        super().__init__(description)
        self.body = {"error": error, "error_description": description}
        if subtype:
            self.body["error_subtype"] = subtype
        self.status = status


class TokenEndpoint:
    """`POST /token`."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        issuer: Issuer,
        endpoint: Endpoint,
        clock: Callable[[], float],
    ) -> None:
        self.puts_email = True
        """Whether ID tokens for a key file carry the email: sources differ about Google's."""
        self._accounts = accounts
        self._issuer = issuer
        self._endpoint = endpoint
        self._clock = clock

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        grants = {JWT_BEARER: self._assertion, "refresh_token": self._refresh}
        grant = grants.get(form.get("grant_type", ""))
        try:
            if grant is None:
                raise OAuthError("unsupported_grant_type", "Invalid grant_type")
            return web.json_response(grant(form))
        except OAuthError as refusal:
            return web.json_response(refusal.body, status=refusal.status)

    def _assertion(self, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            assertion = parse_token(form.get("assertion", ""))
        except InvalidTokenError:
            raise OAuthError("invalid_grant", NOT_A_JWT) from None
        account = self._signer(assertion)
        self._check_claims(assertion.claims)
        audience = str(assertion.claims.get("target_audience", ""))
        scope = str(assertion.claims.get("scope", ""))
        if audience:
            self._endpoint.mints[audience] += 1
            token = self._issuer.service_account_token(account, audience, email=self.puts_email)
            return {"id_token": token}
        if scope:
            return self._access_token(account, scope)
        raise OAuthError("invalid_scope", NOTHING_ASKED)

    def _signer(self, assertion: ParsedToken) -> Account:
        """The service account whose key signed it."""
        email = str(assertion.claims.get("iss", ""))
        key = self._accounts.find_key(email)
        if key is None or email in self._accounts.deleted:
            raise OAuthError("invalid_grant", ACCOUNT_MISSING)
        if assertion.header.get("kid") != key.kid or not key.verifies(assertion):
            raise OAuthError("invalid_grant", SIGNATURE_WRONG)
        if email in self._accounts.disabled:
            raise OAuthError("invalid_grant", ACCOUNT_DISABLED)
        return self._accounts.service_account(email)

    def _check_claims(self, claims: Claims) -> None:
        if claims.get("aud") != TOKEN_AUDIENCE:
            raise OAuthError("invalid_grant", AUDIENCE_WRONG)
        now, issued, expires = self._clock(), claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise OAuthError("invalid_grant", NOT_SHORT_LIVED)
        if issued > now + MAX_SKEW_S or expires <= now or expires - issued > MAX_LIFE_S:
            raise OAuthError("invalid_grant", NOT_SHORT_LIVED)

    def _refresh(self, form: Mapping[str, str]) -> dict[str, Any]:
        grant = self._accounts.find_grant(form.get("refresh_token", ""))
        if grant is None or grant.account.email in self._accounts.revoked:
            raise OAuthError("invalid_grant", REFRESH_REVOKED)
        _check_client(grant, form)
        if grant.account.email in self._accounts.must_reauthenticate:
            raise OAuthError("invalid_grant", REAUTH_NEEDED, subtype="invalid_rapt")
        answer = self._access_token(grant.account, " ".join(grant.scopes))
        if "openid" in grant.scopes:
            self._endpoint.mints[grant.client_id] += 1
            access_token = answer["access_token"]
            answer["id_token"] = self._issuer.user_token(
                grant.account, grant.client_id, access_token
            )
        return answer

    def _access_token(self, account: Account, scope: str) -> dict[str, Any]:
        life_s = self._issuer.life_s
        token = self._accounts.issue_access_token(account, scope.split(), life_s)
        self._endpoint.mints["access_token"] += 1
        # The real endpoint says 3599 for a life of an hour.
        return {
            "access_token": token,
            "expires_in": life_s - 1,
            "scope": scope,
            "token_type": "Bearer",
        }


def _check_client(grant: Grant, form: Mapping[str, str]) -> None:
    """RFC 6749 section 6: a refresh token belongs to the client that it was given to."""
    if form.get("client_id") != grant.client_id:
        raise OAuthError("unauthorized_client", "Unauthorized", status=401)
    if not hmac.compare_digest(form.get("client_secret", ""), grant.client_secret):
        raise OAuthError("invalid_client", "Unauthorized", status=401)
