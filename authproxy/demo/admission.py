"""Access check of Cloud Run's front end: which header counts, whose token is believed."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from authproxy.demo.accounts import GCLOUD_CLIENT_IDS, Account, Accounts
from authproxy.demo.issuer import ISSUER
from authproxy.demo.keys import Claims, InvalidTokenError, KeyRing

Headers = Iterable[tuple[bytes, bytes]]

AUTHORIZATION = b"authorization"
SERVERLESS = b"x-serverless-authorization"
ALL_USERS = "allUsers"
ISSUERS = frozenset([ISSUER, ISSUER.removeprefix("https://")])


class Outcome(Enum):
    ADMITTED = "admitted"
    NO_TOKEN = "no token"
    NOT_BELIEVED = "not believed"
    NOT_INVOKER = "not an invoker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The front end's decision about one request."""

    outcome: Outcome
    account: Account | None = None
    """Whose token it was; None without a believable one."""
    reason: str = ""
    """For tests and logs: the client is never told."""


class Gate:
    """Verifies tokens for one service."""

    def __init__(
        self,
        *,
        keys: KeyRing,
        accounts: Accounts,
        invokers: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self.invokers = set(invokers)
        """Emails that hold roles/run.invoker, or `allUsers`."""
        self.urls: set[str] = set()
        """The service's own URLs, `https://host[:port]`."""
        self.custom_audiences: set[str] = set()
        self.accepts_gcloud = True
        """Of users, tokens for gcloud's OAuth clients."""
        self._keys = keys
        self._accounts = accounts
        self._clock = clock

    def admit(self, headers: Headers) -> Admission:
        """Only X-Serverless-Authorization is looked at when both headers are there."""
        fields = [(name.lower(), value) for name, value in headers]
        counted = [v for n, v in fields if n == SERVERLESS]
        counted = counted or [v for n, v in fields if n == AUTHORIZATION]
        if ALL_USERS in self.invokers:
            return Admission(outcome=Outcome.ADMITTED)
        if not any(value.strip() for value in counted):
            return Admission(outcome=Outcome.NO_TOKEN)
        try:
            account = self._believe(counted)
        except InvalidTokenError as error:
            return Admission(outcome=Outcome.NOT_BELIEVED, reason=str(error))
        invokes = account.email in self.invokers
        outcome = Outcome.ADMITTED if invokes else Outcome.NOT_INVOKER
        return Admission(outcome=outcome, account=account)

    def _believe(self, values: list[bytes]) -> Account:
        """The account that a believable token is for; raises InvalidTokenError."""
        if len(values) > 1:
            raise InvalidTokenError("there are several tokens")
        scheme, _, token = values[0].decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidTokenError("it is not a bearer token")
        claims = self._keys.verify(token.strip())
        self._check_times(claims)
        if claims.get("iss") not in ISSUERS:
            raise InvalidTokenError("it was not issued by Google")
        account = self._accounts.find_by_sub(str(claims.get("sub")))
        if account is None:
            raise InvalidTokenError("its subject is unknown")
        if "email" in claims and claims.get("email_verified") is not True:
            raise InvalidTokenError("its email is not verified")
        self._check_audience(str(claims.get("aud")), account)
        return account

    def _check_times(self, claims: Claims) -> None:
        """Without any tolerance for wrong clocks: how much the real front end has is not known."""
        expires = claims.get("exp")
        if not isinstance(expires, int | float) or expires <= self._clock():
            raise InvalidTokenError("it has expired")

    def _check_audience(self, audience: str, account: Account) -> None:
        if audience in self.custom_audiences:
            return
        if self.accepts_gcloud and account.is_user and audience in GCLOUD_CLIENT_IDS:
            return
        split = urlsplit(audience)
        # A trailing slash or a path is accepted, a query or a fragment is not.
        if split.query or split.fragment or f"{split.scheme}://{split.netloc}" not in self.urls:
            raise InvalidTokenError("its audience is another service")
