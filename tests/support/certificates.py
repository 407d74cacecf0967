"""Certificates and keys as files, as an administrator would put them there."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key in two files, and both in one."""

    cert: Path
    key: Path
    both: Path
    issued: trustme.LeafCert

    @property
    def serial(self) -> bytes:
        return self.issued.cert_chain_pems[0].bytes()


def write_pair(folder: Path, *names: str, authority: trustme.CA, stem: str = "server") -> Pair:
    issued = authority.issue_cert(*names)
    pair = Pair(folder / f"{stem}.pem", folder / f"{stem}.key", folder / f"{stem}-both.pem", issued)
    chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    pair.cert.write_bytes(chain)
    pair.key.write_bytes(issued.private_key_pem.bytes())
    pair.both.write_bytes(issued.private_key_pem.bytes() + chain)
    return pair


def write_lax_chain(folder: Path) -> tuple[Path, Path]:
    """The authority's file and a server's, as inspecting proxies make them: RFC 5280 4.2.1.9 wants
    basicConstraints to be critical and names for the keys, and there is neither."""
    now = datetime.now(UTC)
    key, authority_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Inspecting proxy")])

    def signed(
        subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> bytes:
        builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(
            now + timedelta(days=1)
        )
        made = builder.add_extension(extension, critical=False).sign(authority_key, SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    constraints = x509.BasicConstraints(ca=True, path_length=None)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    ca_file, server = folder / "lax-ca.pem", folder / "lax.pem"
    ca_file.write_bytes(signed(issuer, authority_key.public_key(), constraints))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    server.write_bytes(private + signed(subject, key.public_key(), names))
    return ca_file, server


def write_authority(folder: Path, authority: trustme.CA) -> Path:
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return file


def encrypted(key: Path, *, traditional: bool = False) -> bytes:
    """The same key, under a password."""
    made = serialization.load_pem_private_key(key.read_bytes(), password=None)
    form = serialization.PrivateFormat
    return made.private_bytes(
        serialization.Encoding.PEM,
        form.TraditionalOpenSSL if traditional else form.PKCS8,
        serialization.BestAvailableEncryption(b"hunter2"),
    )
