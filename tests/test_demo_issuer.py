"""The claims that each way of asking for an ID token gives."""

import base64
import hashlib

import pytest

from authproxy.demo.accounts import ADC_CLIENT_ID, Account
from authproxy.demo.issuer import Issuer
from authproxy.demo.keys import Claims, KeyRing, SigningKey

ROBOT = Account(email="robot@authproxy-demo.iam.gserviceaccount.com")
ANNA = Account(email="anna@example.com", is_user=True)
AUDIENCE = "https://hello.example"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(KeyRing(), lambda: 1000.9, 60)


def claims(issuer: Issuer, token: str) -> Claims:
    return issuer.keys.verify(token)


def test_service_account_token(issuer: Issuer) -> None:
    token = issuer.service_account_token(ROBOT, AUDIENCE)

    assert {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "azp": ROBOT.sub,
        "sub": ROBOT.sub,
        "email": ROBOT.email,
        "email_verified": True,
        "iat": 1000,
        "exp": 1060,
    } == claims(issuer, token)


def test_service_account_token_without_email(issuer: Issuer) -> None:
    token = issuer.service_account_token(ROBOT, AUDIENCE, email=False)

    assert {"iss", "aud", "azp", "sub", "iat", "exp"} == claims(issuer, token).keys()


def test_authorised_party_can_be_the_email(issuer: Issuer) -> None:
    token = issuer.service_account_token(ROBOT, AUDIENCE, azp_email=True)

    assert ROBOT.email == claims(issuer, token)["azp"]


def test_instance_token_describes_the_machine(issuer: Issuer) -> None:
    token = issuer.instance_token(ROBOT, AUDIENCE)

    assert {
        "project_id",
        "project_number",
        "zone",
        "instance_id",
        "instance_name",
        "instance_creation_timestamp",
    } == claims(issuer, token)["google"]["compute_engine"].keys()


def test_user_token_is_for_the_oauth_client(issuer: Issuer) -> None:
    token = issuer.user_token(ANNA, ADC_CLIENT_ID, "ya29.x")
    half = hashlib.sha256(b"ya29.x").digest()[:16]

    assert {
        "iss": "https://accounts.google.com",
        "azp": ADC_CLIENT_ID,
        "aud": ADC_CLIENT_ID,
        "sub": ANNA.sub,
        "hd": "example.com",
        "email": ANNA.email,
        "email_verified": True,
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        "iat": 1000,
        "exp": 1060,
    } == claims(issuer, token)


def test_private_user_has_no_hosted_domain(issuer: Issuer) -> None:
    account = Account(email="anna@gmail.com", is_user=True)

    assert "hd" not in claims(issuer, issuer.user_token(account, ADC_CLIENT_ID))


def test_another_key_can_sign(issuer: Issuer) -> None:
    key = SigningKey()

    assert key.sign({"a": 1}) == issuer.sign({"a": 1}, key)
