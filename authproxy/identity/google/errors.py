"""Turns every exception of google-auth and requests into a CredentialError that says what to do.

This is the one place that knows them. google-auth's `retryable` is not to be relied on (a refused
connection is not, by it), its texts carry whole answers with tokens in them, and several
exceptions of requests and of Python pass through it as they are.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from authproxy.errors import CredentialError
from authproxy.identity.google.federation import is_about_subject, no_subject
from authproxy.identity.google.transport import GaveUpError
from authproxy.identity.redaction import scrub, unforeseen

ADC_LOGIN = "gcloud auth application-default login"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """Circumstances of a request to Google that failed, for the sentence about it."""

    source: str
    account: str = ""
    """Of the key file or the metadata server, as far as known."""
    target: str = ""
    """The service account to be impersonated."""
    answered: int = 0
    """How many answers had come."""
    status: int = 0
    """Of the last answer."""
    pause_s: float = 0.0
    """What its Retry-After said."""
    metadata: bool = False
    """Whether the metadata server was asked."""
    subject: str = ""
    """Where the subject token was being sought; empty once Google was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Google's refusal, whatever shape it had."""

    status: int
    words: str
    """Error code and description."""
    by_iam: bool = False
    """Whether it is in the shape of google.rpc.Status, as IAM Credentials' are."""


@dataclass(frozen=True, slots=True)
class Case:
    """A refusal that is known: what it contains, what it means, what helps."""

    needle: str
    message: str
    hint: str
    permanent: bool = True


SIGN_IN = f"Run: {ADC_LOGIN}"

CASES = (
    Case("invalid_rapt", "Google requires the user to sign in again", SIGN_IN),
    Case("rapt_required", "Google requires the user to sign in again", SIGN_IN),
    Case("Reauthentication is needed", "Google requires the user to sign in again", SIGN_IN),
    Case(
        "Invalid JWT Signature",
        "Google does not know the key of {account}: it was deleted or replaced",
        "Create one: gcloud iam service-accounts keys create KEY.json --iam-account={account}",
    ),
    Case(
        "reasonable timeframe",
        "Google refuses the time of the request: this machine's clock is wrong",
        "Set the clock, for example with: timedatectl set-ntp true",
        permanent=False,
    ),
    Case(
        "account not found",
        "the service account {account} does not exist (any more)",
        "Create it again, or use the key of another one.",
    ),
    Case(
        "Robot is disabled",
        "the service account {account} is disabled",
        "gcloud iam service-accounts enable {account}",
    ),
    Case(
        "getOpenIdToken",
        "the credentials may not make identity tokens as {target}",
        "Give them the role: gcloud iam service-accounts add-iam-policy-binding {target}"
        " --role=roles/iam.serviceAccountTokenCreator --member=user:YOU or serviceAccount:EMAIL."
        " A new grant takes a minute or two to work.",
    ),
    Case(
        "iam.serviceAccounts.getAccessToken",
        "the credentials may not make access tokens as {target}",
        "Give them the role: gcloud iam service-accounts add-iam-policy-binding {target}"
        " --role=roles/iam.serviceAccountTokenCreator --member=user:YOU or serviceAccount:EMAIL."
        " A new grant takes a minute or two to work.",
    ),
    Case(
        "insufficient authentication scopes",
        "the credentials' scopes are too narrow to act as {target}",
        f"On a VM: give it the scope cloud-platform. For a user: {ADC_LOGIN}",
    ),
    Case(
        "SERVICE_DISABLED",
        "the IAM Credentials API is not enabled in the project",
        "gcloud services enable iamcredentials.googleapis.com",
    ),
    Case(
        "has not been used in project",
        "the IAM Credentials API is not enabled in the project",
        "gcloud services enable iamcredentials.googleapis.com",
    ),
    Case(
        "unauthorized_client",
        "Google does not allow this OAuth client to get tokens in this way",
        f"Is it the right file? For a user: {ADC_LOGIN}",
    ),
    Case("invalid_client", "Google does not know the OAuth client of the credentials", SIGN_IN),
    Case("expired or revoked", "the user's sign-in has expired or was revoked", SIGN_IN),
    Case("invalid_grant", "Google no longer accepts the credentials", f"For a user: {ADC_LOGIN}"),
    Case(
        "No ID token in response",
        "Google's answer held no identity token",
        f"Sign in without --scopes, or with openid among them: {ADC_LOGIN}",
    ),
)
"""The first that fits. The texts are Google's own; no code of theirs tells these apart."""

TRY_LATER = (408, 429)


def translate(error: BaseException, context: RequestContext) -> CredentialError:
    """Never shows what an exception carries beyond Google's error code and description."""
    chain = list(_chain(error))
    own = next((each for each in chain if isinstance(each, CredentialError)), None)
    if own is not None:
        return own
    if context.subject and is_about_subject(chain):
        return no_subject(chain, context.source, context.subject, context.status)
    network = next((each for each in chain if _is_network(each)), None)
    if network is not None:
        return _unreachable(network, context)
    answer = _answer(chain, context)
    known = next((case for case in CASES if case.needle in answer.words), None)
    if known is not None:
        return _known(known, answer, context)
    if answer.status >= 400:
        return _refused(answer, context)
    if context.answered == 0 and isinstance(error, ValueError):
        return CredentialError(
            f"{context.source}: the file's contents cannot be used",
            hint="Is the file complete, and is it the one that Google gave you?",
            detail=answer.words,
            permanent=True,
        )
    if context.answered and isinstance(error, ValueError | TypeError | KeyError):
        return CredentialError(
            f"{context.source}: Google's answer was not in the expected form",
            hint="Is there a proxy or a sign-in page between here and Google?",
            detail=type(error).__name__,
        )
    return _other(error, answer, context)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, what it carries and what caused it: google-auth nests in both ways."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [arg for arg in each.args if isinstance(arg, BaseException)]
        waiting.append(each.__cause__)


def _is_network(error: BaseException) -> bool:
    from requests import exceptions

    kinds = (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError)
    return isinstance(error, kinds)


def _unreachable(error: BaseException, context: RequestContext) -> CredentialError:
    from requests import exceptions

    reason = type(error).__name__
    if context.metadata and not context.answered:
        return CredentialError(
            f"{context.source}: the metadata server does not answer ({reason})",
            hint="There is one on Google Cloud only; on GKE it is not ready in a pod's first"
            f" seconds. Elsewhere: {ADC_LOGIN}",
        )
    host = urlsplit(getattr(getattr(error, "request", None), "url", None) or "").hostname
    message = f"{context.source}: cannot reach {host or 'Google'} ({reason})"
    if isinstance(error, exceptions.ProxyError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "The proxy's own certificate is not trusted: name its CA in REQUESTS_CA_BUNDLE."
        return CredentialError(message, hint=hint)
    if isinstance(error, exceptions.ProxyError):
        return CredentialError(message, hint="Is the proxy named by HTTPS_PROXY right and running?")
    if isinstance(error, exceptions.SSLError):
        hint = "Its certificate is not trusted. Behind a TLS-inspecting proxy, name the proxy's CA"
        return CredentialError(message, hint=f"{hint} in REQUESTS_CA_BUNDLE.")
    return CredentialError(message, hint="Is the network up? Does it need a proxy (HTTPS_PROXY)?")


def _answer(chain: list[BaseException], context: RequestContext) -> Answer:
    """From the exception that is nearest to Google's answer."""
    args = [arg for each in chain for arg in each.args]
    bodies = [body for body in map(_body, args) if body]
    for body in bodies:
        error = body.get("error")
        if isinstance(error, Mapping):  # google.rpc.Status
            status = error.get("code") if isinstance(error.get("code"), int) else context.status
            reasons = [str(d.get("reason", "")) for d in error.get("details") or [] if _is_map(d)]
            words = [str(error.get("status", "")), *reasons, str(error.get("message", ""))]
            text = scrub(" ".join(filter(None, words)))
            return Answer(status=status or 0, words=text, by_iam=True)
        if isinstance(error, str):  # RFC 6749 5.2
            words = [error, str(body.get("error_subtype", "")), str(body.get("error_description"))]
            return Answer(status=context.status, words=scrub(" ".join(filter(None, words))))
    texts = [arg for arg in args if isinstance(arg, str)]
    return Answer(status=context.status, words=scrub(texts[0]) if texts else "")


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


def _body(arg: object) -> Mapping[str, Any]:
    """An answer's JSON: given as it is, or, by impersonated_credentials, as Python's text of it."""
    if isinstance(arg, str) and ": {" in arg:
        try:
            arg = ast.literal_eval(arg[arg.index("{") :])
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return {}
    return arg if isinstance(arg, Mapping) else {}


def _known(case: Case, answer: Answer, context: RequestContext) -> CredentialError:
    places = {"account": context.account or "EMAIL", "target": context.target or "EMAIL"}
    return CredentialError(
        f"{context.source}: {case.message.format_map(places)}",
        hint=case.hint.format_map(places),
        detail=answer.words,
        permanent=case.permanent,
    )


def _refused(answer: Answer, context: RequestContext) -> CredentialError:
    by_metadata = context.metadata and not answer.by_iam
    who = "the metadata server" if by_metadata else "Google"
    later = answer.status >= 500 or answer.status in TRY_LATER
    if by_metadata and answer.status == 404:
        return CredentialError(
            f"{context.source}: the metadata server knows no service account",
            hint="Attach one to the VM, or bind the GKE pod's service account to one.",
            permanent=True,
        )
    return CredentialError(
        f"{context.source}: {who} answered {answer.status} instead of giving a token",
        hint="This is usually temporary; authproxy tries again." if later else "The log says more.",
        detail=answer.words,
        permanent=not later,
        pause_s=context.pause_s if answer.status == HTTPStatus.TOO_MANY_REQUESTS else None,
    )


def _other(error: BaseException, answer: Answer, context: RequestContext) -> CredentialError:
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, GaveUpError):
        return CredentialError(
            f"{context.source}: Google takes too long to answer",
            hint="Is the network slow? authproxy tries again.",
        )
    if isinstance(error, OSError):
        return CredentialError(
            f"{context.source}: a file that is needed to reach Google cannot be read",
            hint="Is REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE set to a file that is not there?",
            detail=scrub(str(error)),
            permanent=True,
        )
    if isinstance(error, GoogleAuthError):
        return CredentialError(
            f"{context.source}: the credentials could not be used",
            hint="The log says more.",
            detail=answer.words or type(error).__name__,
        )
    return unforeseen(context.source, error)
