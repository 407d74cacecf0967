"""Status of tokens for listeners, metrics and `repr`. Never a token itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from authproxy.errors import Code, CredentialError, join_sentences
from authproxy.identity.token_cache.lifetime import TokenState


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Reason why the last try brought no token. All three are free of secrets."""

    message: str
    hint: str
    permanent: bool
    """Whether a human has to change something."""

    @classmethod
    def of(cls, error: CredentialError) -> "Trouble":
        return cls(message=error.message, hint=error.hint, permanent=error.permanent)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatus:
    """The tokens of one source for one audience. Moments are seconds of the wall clock."""

    source: str
    audience: str
    """Empty for access tokens."""
    principal: str
    """Of the last token, also when it has ended; empty before the first."""
    state: TokenState
    expires_at: float | None
    """None while there is no token. `inf` where none is to be sent."""
    stale_at: float | None
    obtained_at: float | None
    """When the last token came, also when it has ended."""
    obtained: int
    """Tokens that came since the start, the first one included."""
    failures: int
    """Tries that brought none, since the start."""
    trouble: Trouble | None
    """None when the last try went well."""
    minting: bool
    next_try_at: float | None
    """None when nothing is planned: then the next request tries."""
    code: Code = Code.TOKEN_UNAVAILABLE
    """What requests are answered without it; tells secrets and addresses from tokens."""
    account: str = ""
    """The service account that keys act as with it; empty: it is the service's own identity."""

    @property
    def sendable(self) -> bool:
        """Whether a request can have a token at once."""
        return self.state is not TokenState.INVALID

    @property
    def refreshes(self) -> int:
        """Tokens that came after the first one."""
        return max(self.obtained - 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Readiness of all services: does each have a token that can be sent?"""

    without: tuple[TokenStatus, ...]
    """Those that have none."""

    @property
    def ready(self) -> bool:
        return not self.without

    def reasons(self) -> list[str]:
        """A line for each that has none: for which service, why, and what to do."""
        return [_reason(status) for status in self.without]


def readiness(statuses: Iterable[TokenStatus]) -> Readiness:
    return Readiness(without=tuple(each for each in statuses if not each.sendable))


def _reason(status: TokenStatus) -> str:
    why = status.trouble
    if why is None:
        return f"{status.audience}: no token has come yet from {status.source}"
    return f"{status.audience}: {join_sentences(why.message, why.hint)}"
