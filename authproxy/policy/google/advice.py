"""Advice against a refusal of Google's: a sentence and a command.

Nothing of the answer itself is in either: a service that is not to be trusted could otherwise have
authproxy tell its user to fetch tokens for somebody else's service.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authproxy.policy.google.cloud_run import (
    GCLOUD_CLIENTS,
    OAUTH_CLIENT,
    TAG_MARK,
    Place,
    find_place,
    is_run_app,
)
from authproxy.policy.google.rejection import Rejection
from authproxy.values import Origin

GRANTS_TAKE = "A new grant takes a minute or two."
SET_CLOCK = "timedatectl set-ntp true"
ADC_LOGIN = "gcloud auth application-default login"
CLOCK_OFF_S = 60.0
_FINISHED = ("token-file", "token-env", "command")
"""Sources whose tokens somebody else makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Service, address and token of a refused request."""

    service: str
    """Its name in the configuration."""
    origin: Origin
    audience: str
    """Of the token; empty for an access token, or none."""
    principal: str
    """Empty when authproxy put no token on the request."""
    source: str
    """As in the configuration: `metadata`, `file:key.json`."""
    expires_at: float
    issued_at: float
    now: float
    """Wall clock, corrected by Google's if that is known."""
    place: Place | None = None
    """Where it is known for certain; else it is told from the address as far as that goes."""

    @property
    def target(self) -> str:
        """The service in a command of gcloud's; what is not known is in capitals."""
        place = self.place or find_place(self.origin.host)
        return f"{_arg(place.service) or 'SERVICE'} --region={_arg(place.region) or 'REGION'}"

    @property
    def member(self) -> str:
        return f"--member={_arg(member_of(self.principal))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A sentence and a command for a human."""

    sentence: str
    """On one line."""
    command: str = ""
    """To be pasted into a shell; what is in capitals is to be filled in. May be empty."""

    @property
    def line(self) -> str:
        return f"{self.sentence} Try: {self.command}" if self.command else self.sentence


def member_of(principal: str) -> str:
    """As IAM writes it. A principal without an `@` is a service account's number: people's tokens
    always say their email address."""
    if "@" not in principal:
        return "serviceAccount:EMAIL"
    kind = "serviceAccount" if principal.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{principal}"


def advise(rejection: Rejection, situation: Situation) -> Advice:
    return _ADVISERS[rejection](situation)


def _not_invoker(situation: Situation) -> Advice:
    if not situation.principal:
        return _no_token(situation)
    return Advice(
        sentence=f"{situation.principal} may not call this service: it lacks roles/run.invoker."
        f" {GRANTS_TAKE}",
        command=f"gcloud run services add-iam-policy-binding {situation.target}"
        f" {situation.member} --role=roles/run.invoker",
    )


def _no_token(situation: Situation) -> Advice:
    return Advice(
        sentence='authproxy sends no token, since credentials are "none", and the service does'
        " not accept what the client sent.",
        command=f"authproxy {situation.origin} --credentials auto",
    )


def _invalid_token(situation: Situation) -> Advice:
    """The front end does not say what is wrong; the most certain is looked for first."""
    if not situation.principal:
        return _no_token(situation)
    return _wrong_time(situation) or _wrong_audience(situation) or _unexplained(situation)


def _wrong_time(situation: Situation) -> Advice | None:
    if situation.expires_at <= situation.now:
        if situation.source.partition(":")[0] in _FINISHED:
            return Advice(sentence=f"The token that {situation.source} gave has expired: renew it.")
        return Advice(
            sentence="The token has expired, by this machine's clock: is that right?",
            command=SET_CLOCK,
        )
    if situation.issued_at > situation.now + CLOCK_OFF_S:
        return Advice(
            sentence="By this machine's clock the token was made in the future: the clock is"
            " behind.",
            command=SET_CLOCK,
        )
    return None


def _wrong_audience(situation: Situation) -> Advice | None:
    audience, origin = situation.audience, situation.origin
    if not audience:
        return Advice(
            sentence="The request carried an access token; Cloud Run requires an identity token:"
            ' remove token = "access" from the settings.'
        )
    if audience in GCLOUD_CLIENTS:
        return None
    if audience.endswith(OAUTH_CLIENT):
        return _foreign_client(situation)
    if TAG_MARK in audience:
        return _use_audience(
            situation,
            _without_tag(audience),
            "The token's audience has a traffic tag in it; Cloud Run requires it without the tag.",
        )
    if not is_run_app(origin.host):
        return _custom_domain(situation) if audience == origin.audience else None
    if find_place(origin.host) != Place() and not _is_of(audience, origin):
        return _use_audience(
            situation,
            origin.audience,
            f"The token's audience is {audience}, which is not this service's address. To use it"
            " as a custom audience, add it to the service.",
        )
    return None


def _foreign_client(situation: Situation) -> Advice:
    if situation.principal.endswith(".gserviceaccount.com"):
        return _use_audience(
            situation,
            situation.origin.audience,
            "The token's audience is an OAuth client, which Identity-Aware Proxy requires; Cloud"
            " Run requires the service's address.",
        )
    return Advice(
        sentence=f"{situation.principal} is signed in with an OAuth client of their own, and Cloud"
        " Run accepts people's tokens from gcloud's only.",
        command=ADC_LOGIN,
    )


def _custom_domain(situation: Situation) -> Advice:
    audience = situation.audience
    return Advice(
        sentence=f"The token's audience is {audience}, and a service does not accept the address"
        " of a custom domain or a load balancer: set audience to its own address,"
        ' "https://SERVICE-NUMBER.REGION.run.app", or let it accept this one.',
        command=f"gcloud run services update {situation.target}"
        f" --add-custom-audiences={_arg(audience)}",
    )


def _unexplained(situation: Situation) -> Advice:
    if situation.source.partition(":")[0] in _FINISHED:
        return Advice(
            sentence=f"The token that {situation.source} gave, for {situation.audience}, was not"
            " accepted: was it made for this service?",
            command=f"authproxy doctor {situation.origin}",
        )
    return Advice(
        sentence=f"The token for {situation.audience} was not accepted. The usual causes are a"
        " wrong clock and the audience of another service.",
        command=f"authproxy doctor {situation.origin}",
    )


def _use_audience(situation: Situation, audience: str, why: str) -> Advice:
    return Advice(
        sentence=f'{why} Set audience = "{audience}".',
        command=f"authproxy {situation.origin} --audience {_arg(audience)}",
    )


def _not_found(situation: Situation) -> Advice:
    return Advice(
        sentence="Google found no service at this address that can be reached from here: a typo or"
        " another region, an ingress that lets in internal traffic only, a run.app address that was"
        " switched off, or a reserved path such as /healthz.",
        command=f"gcloud run services describe {situation.target}"
        " --format='yaml(status.url,metadata.annotations)'",
    )


def _too_large(situation: Situation) -> Advice:
    return Advice(
        sentence="Over HTTP/1.1 Cloud Run accepts no body larger than 32 MiB: send it in parts, or"
        " by HTTP/2 from end to end.",
        command=f"gcloud run services update {situation.target} --use-http2",
    )


def _all_busy(situation: Situation) -> Advice:
    return Advice(
        sentence="All instances that the service may have are busy.",
        command=f"gcloud run services update {situation.target} --max-instances=NUMBER",
    )


def _no_instance(situation: Situation) -> Advice:
    return Advice(
        sentence="No instance of the service could answer: it did not start, or it crashed. See"
        " the service's log.",
        command=f"gcloud run services logs read {situation.target}",
    )


def _iap_no_token(situation: Situation) -> Advice:
    if not situation.principal:
        return _no_token(situation)
    return _iap_audience(
        situation,
        "Identity-Aware Proxy is in front of the service and found no token in Authorization or"
        " Proxy-Authorization.",
    )


def _iap_invalid_token(situation: Situation) -> Advice:
    if not situation.principal:
        return _no_token(situation)
    if situation.audience.endswith(OAUTH_CLIENT):
        return _wrong_time(situation) or _iap_client(situation)
    return _iap_audience(
        situation, "Identity-Aware Proxy is in front of the service and does not accept the token."
    )


def _iap_audience(situation: Situation, why: str) -> Advice:
    return Advice(
        sentence=f"{why} Its audience must be an OAuth client that is allowed programmatic access;"
        f" it is {situation.audience or 'none'}.",
        command=f"authproxy {situation.origin} --audience CLIENT_ID{OAUTH_CLIENT}",
    )


def _iap_client(situation: Situation) -> Advice:
    return Advice(
        sentence=f"Identity-Aware Proxy does not accept a token for {situation.audience}: that"
        " client must be the application's own, or be allowed programmatic access.",
        command=f"gcloud iap settings get --project=PROJECT {_iap_resource(situation)}",
    )


def _iap_not_allowed(situation: Situation) -> Advice:
    if not situation.principal:
        return _no_token(situation)
    return Advice(
        sentence=f"{situation.principal} may not pass Identity-Aware Proxy: it lacks"
        f" roles/iap.httpsResourceAccessor. {GRANTS_TAKE}",
        command=f"gcloud iap web add-iam-policy-binding {_iap_resource(situation)}"
        f" {situation.member}"
        " --role=roles/iap.httpsResourceAccessor",
    )


def _iap_resource(situation: Situation) -> str:
    if not is_run_app(situation.origin.host):
        return "--resource-type=backend-services --service=BACKEND_SERVICE"
    service, _, region = situation.target.partition(" ")
    return f"--resource-type=cloud-run --service={service} {region}"


_ADVISERS: Mapping[Rejection, Callable[[Situation], Advice]] = {
    Rejection.NOT_INVOKER: _not_invoker,
    Rejection.INVALID_TOKEN: _invalid_token,
    Rejection.NOT_FOUND: _not_found,
    Rejection.TOO_LARGE: _too_large,
    Rejection.ALL_BUSY: _all_busy,
    Rejection.NO_INSTANCE: _no_instance,
    Rejection.IAP_NO_TOKEN: _iap_no_token,
    Rejection.IAP_INVALID_TOKEN: _iap_invalid_token,
    Rejection.IAP_NOT_ALLOWED: _iap_not_allowed,
}


def _is_of(audience: str, origin: Origin) -> bool:
    """The same origin, or the same service in the other form of its address."""
    if audience.rstrip("/") == origin.audience:
        return True
    host = audience.removeprefix("https://").partition("/")[0]
    service = find_place(host).service
    return bool(service) and service == find_place(origin.host).service


def _without_tag(audience: str) -> str:
    scheme, separator, rest = audience.partition("://")
    return f"{scheme}{separator}{rest.rpartition(TAG_MARK)[2]}" if separator else audience


def _arg(text: str) -> str:
    """For a shell: a token can have any text in its claims."""
    return shlex.quote(text) if text else ""
