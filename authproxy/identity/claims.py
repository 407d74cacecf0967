"""Reads what an identity token says of itself. It does not verify: that is the service's part."""

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token

MAX_JWT = 16 * 1024
"""Characters; Google's own stay below 2,000 and a front end refuses heads far smaller than this."""
_JWT = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
"""RFC 7515 7.1, and nothing else: the text goes into a header as it is."""
MAX_NAME = 320
"""Characters of an email address (RFC 3696 erratum 1690)."""
YEAR_10000 = 253_402_300_800.0

WHAT_IS_WANTED = "An identity token (a JWT, three parts joined by dots, starts with eyJ) is needed"


def token_from_jwt(
    jwt: str, *, source: str, audience: str, now: float, principal: str = ""
) -> Token:
    """A Token from what a source gave; white space around it is dropped.

    `audience` and `principal` stand in where the token does not say. Raises CredentialError when it
    is no JWT, does not say when it expires, or has expired: an error page must never be kept as a
    token.
    """
    text = jwt.strip()
    claims = read_claims(text, source)
    expires_at = _moment(claims.get("exp"))
    if expires_at is None:
        raise CredentialError(
            f"{source} gave a token that does not say when it expires",
            hint=f"{WHAT_IS_WANTED}, with the claim exp.",
        )
    if expires_at <= now:
        raise CredentialError(
            f"{source} gave an identity token that expired at {_utc(expires_at)}",
            hint=f"Renew it. If it is new, set this machine's clock, which says {_utc(now)}.",
        )
    issued_at = _moment(claims.get("iat"))
    return Token(
        value=Secret(text),
        expires_at=expires_at,
        audience=_audience(claims.get("aud"), audience),
        principal=_name(claims.get("email")) or _name(claims.get("sub")) or principal or "unknown",
        source=source,
        issued_at=now if issued_at is None or issued_at > expires_at else issued_at,
    )


def require_audience(token: Token, audience: str) -> None:
    """Where we chose the audience, a token for another one is not what we asked for.

    What answers in Google's place (emulators, shared caches of tokens) may not care. Such a token
    would be refused by the service at best; at worst it opens something else. Raises
    CredentialError.
    """
    if token.audience != audience:
        raise CredentialError(
            f"{token.source} was asked for the audience {audience} and gave a token for"
            f" {token.audience}, which is not sent",
            hint="Does something else answer in Google's place, such as an emulator? If the service"
            f' does accept it, set audience = "{token.audience}".',
            permanent=True,
        )


def read_claims(text: str, source: str) -> Mapping[str, Any]:
    """The claims, unverified. Raises CredentialError."""
    try:
        match = _JWT.fullmatch(text) if len(text) <= MAX_JWT else None
        if match is None:
            raise ValueError("not three parts of base64url")
        payload = match[1]
        padded = payload + "=" * (-len(payload) % 4)
        claims = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _no_token(text, source) from None
    if not isinstance(claims, dict):
        raise _no_token(text, source)
    return claims


def _no_token(text: str, source: str) -> CredentialError:
    """Says what was given instead, as far as that can be said without showing it."""
    if not text:
        return CredentialError(f"{source} gave nothing", hint=f"{WHAT_IS_WANTED}.")
    if text.startswith("ya29."):
        return CredentialError(
            f"{source} gave an access token",
            hint=f"{WHAT_IS_WANTED}: gcloud auth print-identity-token prints one.",
        )
    kind = "a page of HTML" if text.startswith("<") else f"{len(text)} characters of something else"
    return CredentialError(f"{source} gave {kind}, not a token", hint=f"{WHAT_IS_WANTED}.")


def _moment(value: object) -> float | None:
    """RFC 7519 NumericDate: seconds, perhaps with a fraction."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < YEAR_10000:
        return float(value)
    return None


def _name(value: object) -> str:
    """Text that can stand in a log line, else nothing."""
    good = isinstance(value, str) and value.isprintable() and len(value) <= MAX_NAME
    return str(value) if good else ""


def _audience(value: object, wanted: str) -> str:
    """RFC 7519 4.1.3 allows a list; where there is none, it is taken for the one that is wanted."""
    if value is None:
        return wanted
    values = value if isinstance(value, list) else [value]
    if wanted in values:
        return wanted
    return ", ".join(filter(None, map(_name, values[:3]))) or "something that is no audience"


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
