"""A pretend Identity-Aware Proxy in front of a service: another audience, other answers.

What it says was seen at real ones; how it words the refusal of a token that has expired or whose
owner has no access is not known. It lets in by tokens only: there is nobody here to sign in.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from authproxy.demo.accounts import PROJECT_NUMBER, Accounts
from authproxy.demo.admission import AUTHORIZATION, Admission, Gate, Headers, Outcome
from authproxy.demo.keys import KeyRing
from authproxy.demo.pages import Page

CLIENT_ID = f"{PROJECT_NUMBER}-d3m01apd3m01apd3m01apd3m01apd3m0.apps.googleusercontent.com"
"""Of the OAuth client that tokens have to be for."""
PROXY_AUTHORIZATION = b"proxy-authorization"
GENERATED = {"X-Goog-IAP-Generated-Response": "true"}


class IdentityAwareProxy:
    """For one service."""

    def __init__(
        self,
        *,
        keys: KeyRing,
        accounts: Accounts,
        accessors: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        """`accessors`: emails that hold roles/iap.httpsResourceAccessor."""
        self.gate = Gate(keys=keys, accounts=accounts, invokers=accessors, clock=clock)
        self.gate.custom_audiences.add(CLIENT_ID)
        self.gate.accepts_gcloud = False

    def admit(self, headers: Headers) -> Admission:
        """Proxy-Authorization counts if there is a good token in it, else Authorization."""
        fields = [(name.lower(), value) for name, value in headers]
        admission = Admission(outcome=Outcome.NO_TOKEN)
        for wanted in (PROXY_AUTHORIZATION, AUTHORIZATION):
            found = [(AUTHORIZATION, value) for name, value in fields if name == wanted]
            if found:
                admission = self.gate.admit(found)
            if admission.outcome in (Outcome.ADMITTED, Outcome.NOT_INVOKER):
                break
        return admission


def refusal(admission: Admission, *, method: str, accept: str) -> Page:
    """What is answered in place of the service."""
    if admission.outcome is Outcome.NOT_INVOKER:
        return _page(403, "You don't have access.")
    if admission.outcome is Outcome.NOT_BELIEVED:
        return _page(401, f"Invalid IAP credentials: {_reason(admission.reason)}")
    page = _page(401, "Invalid IAP credentials: empty token")
    if method == "POST" or not ("text/html" in accept or "*/*" in accept):
        return page
    sign_in = f"https://accounts.google.com/o/oauth2/v2/auth?client_id={CLIENT_ID}"
    return replace(page, status=302, headers={**page.headers, "Location": sign_in})


def _page(status: int, body: str) -> Page:
    return Page(status=status, body=body, headers={**GENERATED, "Content-Type": "text/html"})


def _reason(reason: str) -> str:
    if "audience" in reason:
        return "Invalid bearer token. Invalid JWT audience."
    if "signature" in reason or "key" in reason:
        return "JWT signature is invalid"
    return "Expired JWT" if "expired" in reason else "Unable to parse JWT"
