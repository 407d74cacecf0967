"""RSA signing keys and the JSON Web Tokens made with them (RFC 7515, RFC 7519; RS256 only)."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

Claims = dict[str, Any]


class InvalidTokenError(Exception):
    """A token that cannot be believed; the text says why and never holds any of the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedToken:
    """A JWT taken apart, not verified."""

    header: Claims
    claims: Claims
    signed: bytes
    signature: bytes


class SigningKey:
    """An RSA key with its id; signs and verifies."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._public = self._private.public_key()
        modulus = _integer(self._public.public_numbers().n)
        self.kid = hashlib.sha256(modulus.encode()).hexdigest()[:40]

    def __repr__(self) -> str:
        return f"<SigningKey {self.kid}>"

    def sign(self, claims: Mapping[str, Any]) -> str:
        header = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        signed = f"{_json_part(header)}.{_json_part(claims)}"
        signature = self._private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encode_base64(signature)}"

    def verifies(self, token: ParsedToken) -> bool:
        try:
            self._public.verify(token.signature, token.signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def private_pem(self) -> str:
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def jwk(self) -> dict[str, str]:
        """As in https://www.googleapis.com/oauth2/v3/certs."""
        numbers = self._public.public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": _integer(numbers.n),
            "e": _integer(numbers.e),
        }

    def certificate_pem(self) -> str:
        """A self-signed certificate, as in https://www.googleapis.com/oauth2/v1/certs."""
        name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")]
        )
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=16))
            .sign(self._private, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


class KeyRing:
    """The keys that sign tokens now, and those whose tokens are still believed."""

    def __init__(self) -> None:
        self._current = SigningKey()
        self._believed = {self._current.kid: self._current}

    def __repr__(self) -> str:
        return f"<KeyRing [{len(self._believed)} keys]>"

    def sign(self, claims: Mapping[str, Any]) -> str:
        return self._current.sign(claims)

    def rotate(self) -> None:
        """Sign with a new key from now on; tokens of the old ones stay good."""
        self._current = SigningKey()
        self._believed[self._current.kid] = self._current

    def revoke(self) -> None:
        """Sign with a new key from now on, and believe no token signed before."""
        self._believed.clear()
        self.rotate()

    def verify(self, token: str) -> Claims:
        """Return the claims of a token with a good signature; raises InvalidTokenError."""
        parsed = parse_token(token)
        if parsed.header.get("alg") != "RS256":
            raise InvalidTokenError("the algorithm is not RS256")
        key = self._believed.get(str(parsed.header.get("kid")))
        if key is None:
            raise InvalidTokenError("the key is unknown")
        if not key.verifies(parsed):
            raise InvalidTokenError("the signature is wrong")
        return parsed.claims

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        return {"keys": [key.jwk() for key in self._believed.values()]}

    def certificates(self) -> dict[str, str]:
        return {kid: key.certificate_pem() for kid, key in self._believed.items()}


def parse_token(token: str) -> ParsedToken:
    """Take a JWT apart; raises InvalidTokenError."""
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidTokenError("it does not have three parts")
    try:
        header, claims = (json.loads(decode_base64(part)) for part in parts[:2])
        signature = decode_base64(parts[2])
    except ValueError:
        raise InvalidTokenError("it cannot be decoded") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise InvalidTokenError("it does not hold claims")
    signed = f"{parts[0]}.{parts[1]}".encode()
    return ParsedToken(header=header, claims=claims, signed=signed, signature=signature)


def encode_base64(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64(text: str) -> bytes:
    """The opposite of `encode_base64`; raises ValueError."""
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)


def _json_part(value: Mapping[str, Any]) -> str:
    return encode_base64(json.dumps(value, separators=(",", ":")).encode())


def _integer(value: int) -> str:
    return encode_base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))
