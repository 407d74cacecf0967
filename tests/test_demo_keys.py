"""Tokens are what RFC 7515 says, and only good signatures are believed."""

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from authproxy.demo.keys import (
    InvalidTokenError,
    KeyRing,
    SigningKey,
    decode_base64,
    encode_base64,
    parse_token,
)

CLAIMS = {"sub": "1", "aud": "https://x"}


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing()


def test_signed_claims_come_back_verified(ring: KeyRing) -> None:
    token = ring.sign(CLAIMS)

    assert CLAIMS == ring.verify(token)


def test_header_names_the_key_as_google_does(ring: KeyRing) -> None:
    token = ring.sign(CLAIMS)

    header = parse_token(token).header

    assert {"alg": "RS256", "kid": ring.jwks()["keys"][0]["kid"], "typ": "JWT"} == header


def test_changed_claims_are_refused(ring: KeyRing) -> None:
    header, _, signature = ring.sign(CLAIMS).split(".")
    forged = encode_base64(json.dumps({"sub": "2"}).encode())

    with pytest.raises(InvalidTokenError, match=r"^the signature is wrong$"):
        ring.verify(f"{header}.{forged}.{signature}")


def test_token_of_another_key_is_refused(ring: KeyRing) -> None:
    with pytest.raises(InvalidTokenError, match=r"^the key is unknown$"):
        ring.verify(SigningKey().sign(CLAIMS))


def test_unsigned_token_is_refused(ring: KeyRing) -> None:
    header = encode_base64(b'{"alg":"none"}')
    body = encode_base64(b"{}")

    with pytest.raises(InvalidTokenError, match=r"^the algorithm is not RS256$"):
        ring.verify(f"{header}.{body}.")


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "it does not have three parts"),
        ("a.b", "it does not have three parts"),
        ("a.b.c.d", "it does not have three parts"),
        ("!.b.c", "it cannot be decoded"),
        ("é.b.c", "it cannot be decoded"),
        ("e30.e30.a", "it cannot be decoded"),
        ("/+8.e30.e30", "it cannot be decoded"),
        ("e30.W10.", "it does not hold claims"),
    ],
)
def test_what_is_no_token_is_refused(ring: KeyRing, token: str, sentence: str) -> None:
    with pytest.raises(InvalidTokenError, match=f"^{sentence}$"):
        ring.verify(token)


def test_rotation_believes_old_and_new() -> None:
    ring = KeyRing()
    old = ring.sign(CLAIMS)

    ring.rotate()
    new = ring.sign(CLAIMS)

    assert old != new
    assert ring.verify(old) == ring.verify(new) == CLAIMS
    assert "<KeyRing [2 keys]>" == repr(ring)


def test_revocation_believes_new_only() -> None:
    ring = KeyRing()
    old = ring.sign(CLAIMS)

    ring.revoke()

    with pytest.raises(InvalidTokenError, match=r"^the key is unknown$"):
        ring.verify(old)
    assert CLAIMS == ring.verify(ring.sign(CLAIMS))


def test_published_keys_verify_the_tokens(ring: KeyRing) -> None:
    (jwk,) = ring.jwks()["keys"]
    ((kid, pem),) = ring.certificates().items()
    public = x509.load_pem_x509_certificate(pem.encode()).public_key()

    modulus = int.from_bytes(decode_base64(jwk["n"]), "big")

    assert isinstance(public, rsa.RSAPublicKey)
    assert kid == jwk["kid"]
    assert public.public_numbers().n == modulus


def test_base64_has_no_padding_and_takes_none() -> None:
    assert "-_8" == encode_base64(b"\xfb\xff")
    assert b"\xfb\xff" == decode_base64("-_8")


def test_a_key_shows_only_its_id() -> None:
    key = SigningKey()

    assert f"<SigningKey {key.kid}>" == repr(key)
