"""Identity-Aware Proxy: which tokens it takes, from which header, and what it says otherwise."""

import pytest

from authproxy.demo.accounts import ADC_CLIENT_ID, Accounts
from authproxy.demo.admission import Admission, Outcome
from authproxy.demo.iap import CLIENT_ID, IdentityAwareProxy, refusal
from authproxy.demo.issuer import Issuer
from authproxy.demo.keys import KeyRing
from authproxy.demo.pages import Page

NOW = 1000
ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
ANNA = "anna@example.com"
KEYS = KeyRing()
GENERATED = {"X-Goog-IAP-Generated-Response": "true", "Content-Type": "text/html"}
SIGN_IN = f"https://accounts.google.com/o/oauth2/v2/auth?client_id={CLIENT_ID}"


@pytest.fixture
def accounts() -> Accounts:
    return Accounts(lambda: NOW)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(KEYS, lambda: NOW, 60)


@pytest.fixture
def iap(accounts: Accounts) -> IdentityAwareProxy:
    return IdentityAwareProxy(
        keys=KEYS, accounts=accounts, accessors=[ROBOT, ANNA], clock=lambda: NOW
    )


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


@pytest.fixture
def good(accounts: Accounts, issuer: Issuer) -> bytes:
    return bearer(issuer.service_account_token(accounts.service_account(ROBOT), CLIENT_ID))


@pytest.mark.parametrize("name", [b"Authorization", b"proxy-authorization"])
def test_a_good_token_counts_in_either_header(
    iap: IdentityAwareProxy, good: bytes, name: bytes
) -> None:
    assert Outcome.ADMITTED is iap.admit([(name, good)]).outcome


def test_a_bad_token_in_the_one_leaves_the_other(iap: IdentityAwareProxy, good: bytes) -> None:
    names = (b"Proxy-Authorization", b"Authorization")

    for bad, well in (names, names[::-1]):
        assert Outcome.ADMITTED is iap.admit([(bad, b"Basic dTpw"), (well, good)]).outcome


def test_the_serverless_header_is_not_looked_at(iap: IdentityAwareProxy, good: bytes) -> None:
    admission = iap.admit([(b"X-Serverless-Authorization", good)])

    assert Admission(outcome=Outcome.NO_TOKEN) == admission


def test_a_token_for_an_address_or_for_gcloud_is_not_believed(
    iap: IdentityAwareProxy, accounts: Accounts, issuer: Issuer
) -> None:
    robot, anna = accounts.service_account(ROBOT), accounts.user(ANNA)
    tokens = [
        issuer.service_account_token(robot, "https://hello.example"),
        issuer.user_token(anna, ADC_CLIENT_ID),
    ]

    for token in tokens:
        admission = iap.admit([(b"Authorization", bearer(token))])
        assert (Outcome.NOT_BELIEVED, "its audience is another service") == (
            admission.outcome,
            admission.reason,
        )


def test_who_has_no_access_is_known(iap: IdentityAwareProxy, good: bytes) -> None:
    iap.gate.invokers.clear()

    assert Outcome.NOT_INVOKER is iap.admit([(b"Authorization", good)]).outcome


@pytest.mark.parametrize(
    ("method", "accept", "status", "location"),
    [
        ("GET", "text/html,*/*", 302, {"Location": SIGN_IN}),
        ("HEAD", "*/*", 302, {"Location": SIGN_IN}),
        ("POST", "*/*", 401, {}),
        ("GET", "application/json", 401, {}),
    ],
)
def test_without_a_token_people_are_sent_to_sign_in(
    method: str, accept: str, status: int, location: dict[str, str]
) -> None:
    page = Page(
        status=status,
        body="Invalid IAP credentials: empty token",
        headers={**GENERATED, **location},
    )

    assert page == refusal(Admission(outcome=Outcome.NO_TOKEN), method=method, accept=accept)


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("its audience is another service", "Invalid bearer token. Invalid JWT audience."),
        ("the signature is wrong", "JWT signature is invalid"),
        ("the key is unknown", "JWT signature is invalid"),
        ("it has expired", "Expired JWT"),
        ("it does not have three parts", "Unable to parse JWT"),
    ],
)
def test_a_token_that_is_not_believed_is_told_why(reason: str, body: str) -> None:
    admission = Admission(outcome=Outcome.NOT_BELIEVED, reason=reason)

    assert Page(status=401, body=f"Invalid IAP credentials: {body}", headers=GENERATED) == refusal(
        admission, method="GET", accept="*/*"
    )


def test_who_has_no_access_is_told_so() -> None:
    page = refusal(Admission(outcome=Outcome.NOT_INVOKER), method="GET", accept="*/*")

    assert (403, GENERATED) == (page.status, page.headers)
