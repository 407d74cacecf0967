"""Which header counts, and which token is believed."""

import pytest

from authproxy.demo.accounts import ADC_CLIENT_ID, GCLOUD_CLIENT_ID, Accounts
from authproxy.demo.admission import Admission, Gate, Outcome
from authproxy.demo.issuer import Issuer
from authproxy.demo.keys import KeyRing, SigningKey

NOW = 1000
URL = "https://hello.example"
ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
ANNA = "anna@example.com"

KEYS = KeyRing()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts(lambda: NOW)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(KEYS, lambda: NOW, 60)


@pytest.fixture
def gate(accounts: Accounts) -> Gate:
    gate = Gate(keys=KEYS, accounts=accounts, invokers=[ROBOT, ANNA], clock=lambda: NOW)
    gate.urls.add(URL)
    return gate


@pytest.fixture
def good(accounts: Accounts, issuer: Issuer) -> bytes:
    return b"Bearer " + issuer.service_account_token(accounts.service_account(ROBOT), URL).encode()


def refused(reason: str) -> Admission:
    return Admission(outcome=Outcome.NOT_BELIEVED, reason=reason)


@pytest.mark.parametrize("name", [b"Authorization", b"x-serverless-authorization"])
def test_good_token_is_admitted_in_either_header(gate: Gate, good: bytes, name: bytes) -> None:
    admission = gate.admit([(name, good)])

    assert Outcome.ADMITTED is admission.outcome
    assert admission.account is not None
    assert ROBOT == admission.account.email


def test_only_the_serverless_header_is_looked_at(gate: Gate, good: bytes) -> None:
    names = (b"X-Serverless-Authorization", b"Authorization")
    with_good = gate.admit([(names[0], good), (names[1], b"Bearer nonsense")])
    with_bad = gate.admit([(names[0], b"Bearer nonsense"), (names[1], good)])

    assert Outcome.ADMITTED is with_good.outcome
    assert Outcome.NOT_BELIEVED is with_bad.outcome


@pytest.mark.parametrize("headers", [[], [(b"Authorization", b"")], [(b"Authorization", b" ")]])
def test_nothing_is_no_token(gate: Gate, headers: list[tuple[bytes, bytes]]) -> None:
    assert Admission(outcome=Outcome.NO_TOKEN) == gate.admit(headers)


@pytest.mark.parametrize("value", [b"Basic dTpw", b"eyJh.eyJh.abc"])
def test_other_schemes_are_not_believed(gate: Gate, value: bytes) -> None:
    assert refused("it is not a bearer token") == gate.admit([(b"Authorization", value)])


def test_several_tokens_are_not_believed(gate: Gate, good: bytes) -> None:
    twice = [(b"Authorization", good)] * 2
    listed = [(b"Authorization", good + b", " + good)]

    assert refused("there are several tokens") == gate.admit(twice)
    assert Outcome.NOT_BELIEVED is gate.admit(listed).outcome


def admit(gate: Gate, issuer: Issuer, accounts: Accounts, **claims: object) -> Admission:
    body = issuer.service_account_claims(accounts.service_account(ROBOT), URL) | claims
    return gate.admit([(b"Authorization", f"Bearer {issuer.sign(body)}".encode())])


@pytest.mark.parametrize(
    ("claim", "value", "reason"),
    [
        ("exp", NOW, "it has expired"),
        ("exp", "never", "it has expired"),
        ("iss", "https://evil.example", "it was not issued by Google"),
        ("sub", "1", "its subject is unknown"),
        ("email_verified", False, "its email is not verified"),
        ("aud", "https://other.example", "its audience is another service"),
        ("aud", f"{URL}?a=1", "its audience is another service"),
        ("aud", f"{URL}#a", "its audience is another service"),
        ("aud", f"{URL}:444", "its audience is another service"),
        ("aud", GCLOUD_CLIENT_ID, "its audience is another service"),
        ("aud", [URL], "its audience is another service"),
    ],
)
def test_wrong_claims_are_not_believed(
    gate: Gate, issuer: Issuer, accounts: Accounts, claim: str, value: object, reason: str
) -> None:
    assert refused(reason) == admit(gate, issuer, accounts, **{claim: value})


@pytest.mark.parametrize(
    ("claim", "value"),
    [("exp", NOW + 1), ("iss", "accounts.google.com"), ("aud", f"{URL}/"), ("aud", f"{URL}/path")],
)
def test_odd_but_good_claims_are_believed(
    gate: Gate, issuer: Issuer, accounts: Accounts, claim: str, value: object
) -> None:
    admission = admit(gate, issuer, accounts, **{claim: value})

    assert Outcome.ADMITTED is admission.outcome


def test_custom_audience_must_match_exactly(gate: Gate, issuer: Issuer, accounts: Accounts) -> None:
    gate.custom_audiences.add("https://custom.example")

    exact = admit(gate, issuer, accounts, aud="https://custom.example")
    slash = admit(gate, issuer, accounts, aud="https://custom.example/")

    assert Outcome.ADMITTED is exact.outcome
    assert refused("its audience is another service") == slash


@pytest.mark.parametrize("client_id", [ADC_CLIENT_ID, GCLOUD_CLIENT_ID])
def test_users_are_admitted_with_gclouds_audiences(
    gate: Gate, issuer: Issuer, accounts: Accounts, client_id: str
) -> None:
    token = issuer.user_token(accounts.user(ANNA), client_id)

    admission = gate.admit([(b"Authorization", f"Bearer {token}".encode())])

    assert Outcome.ADMITTED is admission.outcome


def test_users_are_not_believed_with_another_clients_audience(
    gate: Gate, issuer: Issuer, accounts: Accounts
) -> None:
    token = issuer.user_token(accounts.user(ANNA), "mine.apps.googleusercontent.com")

    admission = gate.admit([(b"Authorization", f"Bearer {token}".encode())])

    assert refused("its audience is another service") == admission


def test_token_without_email_is_admitted_by_its_subject(
    gate: Gate, issuer: Issuer, accounts: Accounts
) -> None:
    token = issuer.service_account_token(accounts.service_account(ROBOT), URL, email=False)

    admission = gate.admit([(b"Authorization", f"Bearer {token}".encode())])

    assert Outcome.ADMITTED is admission.outcome


def test_another_key_is_not_believed(gate: Gate) -> None:
    value = f"Bearer {SigningKey().sign({})}".encode()

    assert refused("the key is unknown") == gate.admit([(b"Authorization", value)])


def test_caller_without_the_role_is_known_but_not_admitted(
    gate: Gate, accounts: Accounts, good: bytes
) -> None:
    gate.invokers.clear()

    assert Admission(
        outcome=Outcome.NOT_INVOKER, account=accounts.service_account(ROBOT)
    ) == gate.admit([(b"Authorization", good)])


def test_public_service_admits_everybody(gate: Gate) -> None:
    gate.invokers.add("allUsers")

    assert Admission(outcome=Outcome.ADMITTED) == gate.admit([])
