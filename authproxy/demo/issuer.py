"""Makes Google's ID tokens, with the claims that each way of asking for one gives."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from authproxy.demo.accounts import PROJECT, PROJECT_NUMBER, Account
from authproxy.demo.keys import Claims, KeyRing, SigningKey, encode_base64

ISSUER = "https://accounts.google.com"

COMPUTE_ENGINE: Claims = {
    "project_id": PROJECT,
    "project_number": int(PROJECT_NUMBER),
    "zone": "europe-west4-a",
    "instance_id": "4242424242424242424",
    "instance_name": "demo",
    "instance_creation_timestamp": 1700000000,
}


class Issuer:
    """Signs ID tokens with Google's current key."""

    def __init__(self, keys: KeyRing, clock: Callable[[], float], life_s: int) -> None:
        self.keys = keys
        self.life_s = life_s
        """Real ID tokens live 3600 seconds, not configurable."""
        self.clock = clock
        self.other_audience = ""
        """What an emulator in Google's place writes, whatever was asked for."""

    def service_account_token(
        self, account: Account, audience: str, *, email: bool = True, azp_email: bool = False
    ) -> str:
        """As from a key file, generateIdToken, or the metadata server's standard format."""
        return self.sign(self.service_account_claims(account, audience, email, azp_email))

    def instance_token(self, account: Account, audience: str) -> str:
        """As from Compute Engine's metadata server with `format=full`."""
        claims = self.service_account_claims(account, audience)
        return self.sign(claims | {"google": {"compute_engine": COMPUTE_ENGINE}})

    def user_token(self, account: Account, client_id: str, access_token: str = "") -> str:
        """As from a refresh token: the audience is the OAuth client, whatever was wanted."""
        return self.sign(self.user_claims(account, client_id, access_token))

    def service_account_claims(
        self, account: Account, audience: str, email: bool = True, azp_email: bool = False
    ) -> Claims:
        claims: Claims = {
            "iss": ISSUER,
            "aud": self.other_audience or audience,
            "azp": account.email if azp_email else account.sub,
            "sub": account.sub,
        }
        if email:
            claims |= {"email": account.email, "email_verified": True}
        return claims | self._times()

    def user_claims(self, account: Account, client_id: str, access_token: str = "") -> Claims:
        # OpenID Connect Core 3.1.3.6: at_hash is the left half of the access token's digest.
        digest = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: Claims = {"iss": ISSUER, "azp": client_id, "aud": client_id, "sub": account.sub}
        domain = account.email.partition("@")[2]
        if domain != "gmail.com":
            claims["hd"] = domain
        claims |= {"email": account.email, "email_verified": True}
        return claims | {"at_hash": encode_base64(digest)} | self._times()

    def sign(self, claims: Mapping[str, Any], key: SigningKey | None = None) -> str:
        return key.sign(claims) if key is not None else self.keys.sign(claims)

    def _times(self) -> Claims:
        now = int(self.clock())
        return {"iat": now, "exp": now + self.life_s}
