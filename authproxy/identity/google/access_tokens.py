"""Access tokens by google-auth, for Google's own APIs.

An access token opens whatever its identity may do, at every Google API; an identity token opens one
service. So nothing here is ever sent to a service of somebody else's.
"""

# mypy: untyped-calls-exclude=google

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.transport import Request


def access_token(
    credentials: Any,
    scopes: Sequence[str],
    request: Request,
    *,
    source: str,
    principal: str,
    skew: Skew,
) -> Token:
    """A token of google-auth's `credentials`, as far as they can be given `scopes`.

    A user's scopes were chosen at the sign-in. `principal` stands in where the credentials do not
    know whose they are. Raises what google-auth raises, and CredentialError.
    """
    from google.auth.credentials import Scoped
    from google.auth.impersonated_credentials import Credentials as Impersonated

    if isinstance(credentials, Scoped):
        credentials = credentials.with_scopes(list(scopes))
    credentials.refresh(request)
    if not credentials.token or credentials.expiry is None:
        raise CredentialError(f"{source}: Google's answer held no access token that ends")
    # google-auth adds a token's life to the local clock; only IAM Credentials names the moment.
    is_absolute = isinstance(credentials, Impersonated)
    expires_at = credentials.expiry.replace(tzinfo=UTC).timestamp()
    email = getattr(credentials, "service_account_email", None)
    return Token(
        value=Secret(str(credentials.token)),
        expires_at=expires_at if is_absolute else expires_at + skew.offset_s,
        audience="",
        principal=email if email and email != "default" else principal or "unknown",
        source=source,
        issued_at=skew.now(),
    )
