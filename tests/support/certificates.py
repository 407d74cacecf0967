"""Certificates and keys as files, as an administrator would put them there."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization


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
