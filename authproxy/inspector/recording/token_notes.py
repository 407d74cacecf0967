"""Notes about tokens: their claims, without the token."""

from dataclasses import dataclass

from authproxy.errors import CredentialError
from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.claims import read_claims

REMEMBERED = 256
SHOWN = frozenset(
    {
        *(
            "iss",
            "sub",
            "aud",
            "azp",
            "email",
            "email_verified",
            "exp",
            "iat",
            "nbf",
            "hd",
            "google",
        ),
        *("target_audience", "scope"),
    }
)
"""Claims that are shown. Others could be anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenNote:
    """Claims of one token."""

    principal: str
    audience: str
    source: str
    issued_at: float
    """Wall clock, seconds; as `expires_at`."""
    expires_at: float
    claims: dict[str, object]
    """Empty for an access token, which says nothing."""

    def is_about(self, token: Token) -> bool:
        return (
            self.expires_at == token.expires_at
            and self.issued_at == token.issued_at
            and self.audience == token.audience
            and self.principal == token.principal
        )


class TokenNotes:
    """Remembers them by the token's identity. The address of a token that has gone may be another
    one's, so what they say is compared."""

    def __init__(self) -> None:
        self._notes: dict[int, TokenNote] = {}

    def note(self, token: Token) -> TokenNote | None:
        """None where no token is sent."""
        found = self._notes.get(id(token))
        if found is not None and found.is_about(token):
            return found
        if token is NO_TOKEN:
            return None
        if len(self._notes) >= REMEMBERED:
            self._notes.clear()
        made = self._notes[id(token)] = _noted(token)
        return made


def _noted(token: Token) -> TokenNote:
    try:
        claims = read_claims(token.value.reveal(), token.source)
    except CredentialError:
        claims = {}
    return TokenNote(
        principal=token.principal,
        audience=token.audience,
        source=token.source,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        claims={name: value for name, value in claims.items() if name in SHOWN},
    )
