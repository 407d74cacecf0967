"""A certificate with its key, from files: each mistake told apart, and named by its file."""

import ssl
from pathlib import Path

from authproxy.config.files.reading import read_bytes, show_path
from authproxy.threads import within

MAX_CERTIFICATES = 4 * 1024 * 1024
MAX_KEY = 256 * 1024

_NO_CERTIFICATE = "{file} holds no PEM certificate; it must have a BEGIN CERTIFICATE line"


class KeyFileError(ValueError):
    """A fault of the key's file, not of the certificate's."""


def load_pair(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    """Let `context` show the certificate; without `key_file` the key is in the same file.

    Raises ValueError with a sentence for the user, KeyFileError when it is about the key's file.
    """
    cert = show_path(cert_file)
    content = read_bytes(cert_file, at_most=MAX_CERTIFICATES)
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise ValueError(_NO_CERTIFICATE.format(file=cert))
    _look_at_key(cert_file, content, key_file)
    try:
        within(
            lambda: context.load_cert_chain(cert_file, key_file, password=_refuse_password),
            f"the file {cert} and its key",
        )
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            key = show_path(key_file or cert_file)
            raise KeyFileError(
                f"the key in {key} does not belong to the certificate in {cert}"
            ) from (None)
        raise ValueError(f"{cert} and its key cannot be used: {error}") from None
    except OSError as error:
        reason = error.strerror or "they changed while they were read"
        raise ValueError(f"{cert} and its key cannot be read: {reason}") from None


def load_authorities(context: ssl.SSLContext, ca_file: Path) -> None:
    """Let `context` trust the certificates in `ca_file` too. Raises ValueError for the user."""
    content = read_bytes(ca_file, at_most=MAX_CERTIFICATES)
    try:
        context.load_verify_locations(cadata=content.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        raise ValueError(_NO_CERTIFICATE.format(file=show_path(ca_file))) from None


def _look_at_key(cert_file: Path, content: bytes, key_file: Path | None) -> None:
    """OpenSSL's own words for these do not say which of the files is meant."""
    try:
        if key_file is not None:
            content = read_bytes(key_file, at_most=MAX_KEY)
    except ValueError as error:
        raise KeyFileError(str(error)) from None
    shown = show_path(key_file or cert_file)
    if b"PRIVATE KEY-----" not in content:
        advice = (
            "it must have a BEGIN PRIVATE KEY line" if key_file else "name the file that has it"
        )
        raise KeyFileError(f"{shown} holds no PEM key; {advice}")
    if b"BEGIN ENCRYPTED PRIVATE KEY" in content or b"Proc-Type: 4,ENCRYPTED" in content:
        raise KeyFileError(
            f"the key in {shown} is encrypted, and authproxy cannot ask for its password; write"
            f" the key without one: openssl pkey -in {shown} -out KEY.pem"
        )


def _refuse_password() -> str:
    """OpenSSL would ask at the terminal, and wait."""
    return ""
