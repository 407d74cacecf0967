"""Identity tokens by google-auth, one way for each type of credentials.

google-auth's own `fetch_id_token` is never used: for credentials that it does not know it silently
turns to the metadata server, which is somebody else. Nor are credentials kept between mints: a key
file that was replaced is read anew, and none of these objects may be used by two threads.
"""

# mypy: untyped-calls-exclude=google

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.claims import require_audience, token_from_jwt
from authproxy.identity.clock_skew import Skew
from authproxy.identity.files import read_text
from authproxy.identity.google.access_tokens import access_token
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.google.errors import ADC_LOGIN, RequestContext, translate
from authproxy.identity.google.federation import subject_of
from authproxy.identity.google.impersonation import IAM_SCOPE, actor, identity_token
from authproxy.identity.google.transport import Request, switch_off_bound_tokens

MAX_FILE = 256 * 1024

Info = Mapping[str, Any]
"""A credentials file's contents; for the metadata server METADATA."""

METADATA: Info = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One mint."""

    source: str
    audience: str
    request: Request


def service_account(info: Info, wanted: Wanted) -> str:
    from google.oauth2.service_account import IDTokenCredentials

    credentials = IDTokenCredentials.from_service_account_info(
        info, target_audience=wanted.audience
    )
    credentials.refresh(wanted.request)
    return str(credentials.token)


def metadata(_info: Info, wanted: Wanted) -> str:
    from google.auth.compute_engine import IDTokenCredentials

    credentials = IDTokenCredentials(
        wanted.request,
        wanted.audience,
        use_metadata_identity_endpoint=True,
        bind_id_token=False,  # a bound token cannot be sent over our TLS; looking for it takes 30 s
    )
    credentials.refresh(wanted.request)
    return str(credentials.token)


def user(info: Info, wanted: Wanted) -> str:
    """The token's audience is the OAuth client's id: nobody can choose another for a user."""
    credentials = _user_credentials(info)
    credentials.refresh(wanted.request)
    if not credentials.id_token:
        raise CredentialError(
            f"{wanted.source}: Google gave the user no identity token",
            hint=f"Sign in without --scopes, or with openid among them: {ADC_LOGIN}",
            permanent=True,
        )
    return str(credentials.id_token)


def impersonated(info: Info, wanted: Wanted) -> str:
    return identity_token(_impersonated_credentials(info), wanted.audience, wanted.request)


def federated(info: Info, wanted: Wanted) -> str:
    """Federation yields access tokens; for an identity token it takes a service account."""
    target = target_of(info)
    if not target:
        raise CredentialError(
            f"{wanted.source}: a federated identity has no identity tokens of its own",
            hint="Let it act as a service account: --impersonate"
            " NAME@PROJECT.iam.gserviceaccount.com",
            permanent=True,
        )
    return acting_as(target, (), _federated_credentials(info), wanted)


def acting_as(target: str, delegates: Sequence[str], credentials: Any, wanted: Wanted) -> str:
    """A token of the service account `target`, by IAM Credentials' generateIdToken."""
    return identity_token(actor(credentials, target, delegates), wanted.audience, wanted.request)


def _service_account_credentials(info: Info) -> Any:
    from google.oauth2.service_account import Credentials

    return Credentials.from_service_account_info(info)


def _metadata_credentials(_info: Info) -> Any:
    from google.auth.compute_engine import Credentials

    return Credentials()


def _user_credentials(info: Info) -> Any:
    from google.oauth2.credentials import Credentials

    return Credentials.from_authorized_user_info(info)


def _impersonated_credentials(info: Info) -> Any:
    from google.auth.impersonated_credentials import Credentials

    return Credentials.from_impersonated_service_account_info(info, scopes=[IAM_SCOPE])


def _federated_credentials(info: Info) -> Any:
    """Without the impersonation that the file asks for: generateIdToken does that by itself."""
    from google.auth import aws, identity_pool, pluggable

    plain = {k: v for k, v in info.items() if not k.startswith("service_account_impersonation")}
    place = info.get("credential_source")
    place = place if isinstance(place, Mapping) else {}
    if str(place.get("environment_id", "")).startswith("aws"):
        return aws.Credentials.from_info(plain)
    if "executable" in place:
        return pluggable.Credentials.from_info(plain)
    return identity_pool.Credentials.from_info(plain)


def _workforce_credentials(info: Info) -> Any:
    from google.auth.external_account_authorized_user import (
        Credentials,
    )

    return Credentials.from_info(info)


def no_identity(_info: Info, wanted: Wanted) -> str:
    raise CredentialError(
        f"{wanted.source}: a workforce identity has no identity tokens of its own",
        hint="Let it act as a service account: --impersonate NAME@PROJECT.iam.gserviceaccount.com",
        permanent=True,
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of credentials."""

    identity: Callable[[Info, Wanted], str]
    """Makes an identity token of these credentials' own."""
    credentials: Callable[[Info], Any]
    """google-auth's object for them, to act as somebody else with."""
    takes_audience: bool = True
    """Whether its own identity tokens are for the audience that is asked for."""


KINDS = {
    "service_account": Kind(service_account, _service_account_credentials),
    "authorized_user": Kind(user, _user_credentials, takes_audience=False),
    "impersonated_service_account": Kind(impersonated, _impersonated_credentials),
    "external_account": Kind(federated, _federated_credentials),
    "external_account_authorized_user": Kind(no_identity, _workforce_credentials),
}
"""By the `type` in the credentials' file."""

METADATA_KIND = Kind(metadata, _metadata_credentials)


def kind_of(info: Info, name: str) -> Kind:
    """By the file's type; `name` is for the message. Raises CredentialError."""
    kind = str(info.get("type"))
    if kind in KINDS:
        return KINDS[kind]
    raise CredentialError(
        f'{name}: credentials of type "{kind[:40]}" cannot be used',
        hint=f"The types are {', '.join(sorted(KINDS))}. For yourself: {ADC_LOGIN}",
        permanent=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A token that is wanted, with all that it takes."""

    source: str
    audience: str
    info: Info
    impersonate: str | None = None
    delegates: Sequence[str] = ()
    scopes: Sequence[str] = ()
    """With them an access token is wanted."""
    egress: Egress = AS_ENVIRONMENT


def carry_out(order: Order, skew: Skew) -> Token:
    """By google-auth, in this process. Raises CredentialError."""
    switch_off_bound_tokens()
    info = order.info
    kind = METADATA_KIND if info is METADATA else kind_of(info, order.source)
    request = Request(direct=info is METADATA, skew=skew, egress=order.egress)
    wanted = Wanted(source=order.source, audience=order.audience, request=request)
    try:
        if order.scopes:
            return _access_token(kind, order, request, skew)
        jwt = _jwt(kind, order, wanted)
    except Exception as error:  # noqa: BLE001 -- google-auth lets Python's own pass through
        raise translate(error, _context(order, request)) from None
    finally:
        request.close()
    now = skew.now()
    token = token_from_jwt(jwt, source=order.source, audience=order.audience, now=now)
    if kind.takes_audience or order.impersonate:
        require_audience(token, order.audience)
    return token


def _jwt(kind: Kind, order: Order, wanted: Wanted) -> str:
    if order.impersonate is None:
        return kind.identity(order.info, wanted)
    credentials = kind.credentials(order.info)
    return acting_as(order.impersonate, order.delegates, credentials, wanted)


def _access_token(kind: Kind, order: Order, request: Request, skew: Skew) -> Token:
    info = order.info
    target = order.impersonate or target_of(info)
    credentials = kind.credentials(info)
    if order.impersonate or (target and info.get("type") == "external_account"):
        credentials = actor(credentials, target, order.delegates)
    principal = target or str(info.get("client_email") or info.get("account") or "")
    return access_token(
        credentials,
        order.scopes,
        request,
        source=order.source,
        principal=principal,
        skew=skew,
    )


def _context(order: Order, request: Request) -> RequestContext:
    info = order.info
    return RequestContext(
        source=order.source,
        account=str(info.get("client_email", "")),
        target=order.impersonate or target_of(info),
        answered=request.answered,
        status=request.status,
        pause_s=request.pause_s,
        metadata=info is METADATA,
        subject="" if request.asked_google else subject_of(info),
    )


def read_info(path: Path, name: str) -> Info:
    """The contents of a credentials file. Raises CredentialError."""
    text = read_text(path, limit=MAX_FILE, name=name)
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        info = None
    if isinstance(info, dict):
        return info
    raise CredentialError(
        f"{name}: the file is not JSON, so it is no credentials file",
        hint="It must be a file that Google made: a service account's key, or what"
        f" {ADC_LOGIN} writes.",
        permanent=True,
    )


def target_of(info: Info) -> str:
    """The service account in `…/serviceAccounts/EMAIL:generateAccessToken`."""
    url = str(info.get("service_account_impersonation_url", ""))
    return url.rpartition("/")[2].partition(":")[0]
