"""Accounts of the pretend Google: keys, grants, and which may act as which."""

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import pairwise

from authproxy.demo.keys import SigningKey

PROJECT = "authproxy-demo"
PROJECT_NUMBER = "123456789012"
METADATA_EMAIL = f"demo@{PROJECT}.iam.gserviceaccount.com"
POOL = f"projects/{PROJECT_NUMBER}/locations/global/workloadIdentityPools/demo"

WORKFORCE_POOL = "locations/global/workforcePools/demo"

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
IAM = "https://www.googleapis.com/auth/iam"
ADC_SCOPES = (
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    CLOUD_PLATFORM,
    "https://www.googleapis.com/auth/sqlservice.login",
)

# Cloud Run accepts these two audiences from users: of `gcloud auth login` and of
# `gcloud auth application-default login` (GoogleCloudPlatform/cloud-run-proxy issue 10, PR 8).
GCLOUD_CLIENT_ID = "32555940559.apps.googleusercontent.com"
ADC_CLIENT_ID = "764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com"
GCLOUD_CLIENT_IDS = frozenset([GCLOUD_CLIENT_ID, ADC_CLIENT_ID])


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A service account, a user, or a federated principal."""

    email: str
    """For a federated principal its `principal://…` name."""
    is_user: bool = False

    @property
    def sub(self) -> str:
        """21 digits, always the same for one name."""
        number = int.from_bytes(hashlib.sha256(self.email.encode()).digest(), "big")
        return f"1{number % 10**20:020d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """Account and scopes behind an access token."""

    account: Account
    scopes: frozenset[str]
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Account and OAuth client behind a refresh token."""

    account: Account
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]


class Accounts:
    """The directory. Accounts come to be when they are first named."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_sub: dict[str, Account] = {}
        self._keys: dict[str, SigningKey] = {}
        self._access: dict[str, AccessToken] = {}
        self._grants: dict[str, Grant] = {}
        self._subjects: dict[str, Account] = {}
        """By what proves it; for other proofs than subject tokens with their kind before it."""
        self._creators: dict[str, set[str]] = {}
        self.disabled: set[str] = set()
        """Service accounts that exist and may not sign in."""
        self.deleted: set[str] = set()
        self.revoked: set[str] = set()
        """Users whose refresh tokens are no longer good."""
        self.must_reauthenticate: set[str] = set()
        """Users who must sign in again (`invalid_rapt`)."""

    def __repr__(self) -> str:
        return f"<Accounts [{len(self._by_sub)} known]>"

    def service_account(self, email: str) -> Account:
        return self._add(Account(email=email))

    def user(self, email: str) -> Account:
        return self._add(Account(email=email, is_user=True))

    def find_by_sub(self, sub: str) -> Account | None:
        return self._by_sub.get(sub)

    def key(self, email: str) -> SigningKey:
        """The key of a service account; made when first asked for."""
        self.service_account(email)
        return self._keys.setdefault(email, self._keys.get(email) or SigningKey())

    def find_key(self, email: str) -> SigningKey | None:
        return self._keys.get(email)

    def replace_key(self, email: str) -> None:
        """What was signed with the old key is no longer believed."""
        self._keys[email] = SigningKey()

    def issue_access_token(self, account: Account, scopes: Collection[str], life_s: float) -> str:
        """A new opaque access token."""
        token = f"ya29.demo-{secrets.token_urlsafe(32)}"
        self._access[token] = AccessToken(
            account=account, scopes=frozenset(scopes), expires_at=self._clock() + life_s
        )
        return token

    def forget_access_tokens(self) -> None:
        """None that was issued so far is known any more."""
        self._access.clear()

    def find_access_token(self, token: str) -> AccessToken | None:
        """None when it is unknown or expired."""
        found = self._access.get(token)
        return found if found is not None and found.expires_at > self._clock() else None

    def grant(self, email: str, *, client_id: str, scopes: tuple[str, ...]) -> tuple[str, Grant]:
        """A new refresh token of a user, with what it stands for."""
        token = f"1//demo-{secrets.token_urlsafe(32)}"
        grant = Grant(
            account=self.user(email),
            client_id=client_id,
            client_secret=f"demo-{secrets.token_urlsafe(12)}",
            scopes=scopes,
        )
        self._grants[token] = grant
        return token, grant

    def find_grant(self, refresh_token: str) -> Grant | None:
        return self._grants.get(refresh_token)

    def subject_token(self, subject: str) -> str:
        """A new token of the outside identity provider that the workload identity pool trusts."""
        token = f"outside-{secrets.token_urlsafe(32)}"
        name = federated_principal(subject)
        self._subjects[token] = self._add(Account(email=name))
        return token

    def workforce_token(self, subject: str) -> str:
        """A new refresh token of somebody who signed in by way of the workforce pool."""
        token = f"outside-{secrets.token_urlsafe(32)}"
        account = Account(email=workforce_principal(subject), is_user=True)
        self._subjects[f"workforce {token}"] = self._add(account)
        return token

    def know_aws_key(self, key_id: str, subject: str) -> None:
        """What this AWS access key signs comes from `subject`."""
        self._subjects[f"aws {key_id}"] = self._add(Account(email=federated_principal(subject)))

    def find_subject(self, token: str) -> Account | None:
        return self._subjects.get(token)

    def allow_acting_as(self, target: str, *, by: str) -> None:
        """Give `by` the Token Creator role on the service account `target`."""
        self.service_account(target)
        self._creators.setdefault(target, set()).add(by)

    def forbid_acting_as(self, target: str, *, by: str) -> None:
        self._creators.get(target, set()).discard(by)

    def may_act_as(self, caller: str, target: str, delegates: Collection[str]) -> bool:
        """Each of caller, delegates and target must hold the Token Creator role on the next."""
        chain = [caller, *delegates, target]
        return all(giver in self._creators.get(taker, ()) for giver, taker in pairwise(chain))

    def _add(self, account: Account) -> Account:
        return self._by_sub.setdefault(account.sub, account)


def federated_principal(subject: str) -> str:
    """The name of an identity of the workload identity pool, as IAM policies write it."""
    return f"principal://iam.googleapis.com/{POOL}/subject/{subject}"


def workforce_principal(subject: str) -> str:
    return f"principal://iam.googleapis.com/{WORKFORCE_POOL}/subject/{subject}"
