"""TLS towards clients: a listener's certificate as it changes."""

import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

from authproxy.config.files.certificates import MAX_CERTIFICATES, load_pair
from authproxy.config.files.reading import read_bytes
from authproxy.errors import StartError
from authproxy.file_watch import FileWatch

Context = Callable[[], ssl.SSLContext]
"""The TLS context for the next client."""


class Certificate:
    """Certificate for the clients of a listener, ready for use."""

    def __init__(self, context: ssl.SSLContext, pem: str) -> None:
        self.context = context
        self._pem = pem

    def __repr__(self) -> str:
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
        first = begin + self._pem.partition(begin)[2].partition(end)[0] + end
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
        return f"<Certificate [SHA-256 {digest[:16]}…]>"


class CertificateFiles:
    """A certificate and its key: two files that change together, though never at once."""

    what = "certificate"

    def __init__(self, cert_file: Path, key_file: Path | None) -> None:
        self._pair = cert_file, key_file

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for file in self._pair if file is not None)

    def read(self) -> Certificate:
        """Raises StartError. May block."""
        context = _new_context()
        try:
            load_pair(context, *self._pair)
            pem = read_bytes(self._pair[0], at_most=MAX_CERTIFICATES)
            return Certificate(context, pem.decode("ascii", "replace"))
        except ValueError as error:
            raise StartError(str(error)) from None


class ListenerTls:
    """The certificate that clients see, and its successors."""

    def __init__(self, cert_file: Path, key_file: Path | None, files: FileWatch) -> None:
        """Raises StartError."""
        self._protocols = ["http/1.1", "h2"]
        self._use(files.add(CertificateFiles(cert_file, key_file), self._use))

    def _use(self, certificate: Certificate) -> None:
        # A context of its own, made in a thread: what is being used is never half of anything.
        self.context = certificate.context
        self.context.set_alpn_protocols(self._protocols)

    @property
    def prefers_http2(self) -> bool:
        """Clients that know both get HTTP/2."""
        return self._protocols[0] == "h2"

    def prefer_http2(self) -> None:
        """From now on clients that know both protocols get HTTP/2; until then it is HTTP/1.1.

        HTTP/2 passes through as such, so only where every service speaks it.
        """
        self._protocols = ["h2", "http/1.1"]
        self.context.set_alpn_protocols(self._protocols)


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
