"""TLS towards services: what is demanded of them, and what they are shown."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from authproxy.config.files.certificates import judge_alike, load_authorities, load_pair
from authproxy.errors import StartError
from authproxy.settings import ServiceSettings

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTls:
    """How TLS to a service is set up; services with the same may share a context."""

    ca_file: Path | None = None
    """PEM certificates to trust besides the system's."""
    cert_file: Path | None = None
    """What we show when asked who we are."""
    key_file: Path | None = None
    min_version: str = "1.2"

    @classmethod
    def of(cls, service: ServiceSettings) -> "ServiceTls":
        return cls(
            ca_file=service.ca_file,
            cert_file=service.client_cert_file,
            key_file=service.client_key_file,
            min_version=service.tls_min_version,
        )

    def without_us(self) -> "ServiceTls":
        """The same trust, for others than the service: our certificate is not for them."""
        return ServiceTls(ca_file=self.ca_file, min_version=self.min_version)


def service_context(tls: ServiceTls, alpn: str) -> ssl.SSLContext:
    """A context that offers the protocol `alpn`, and checks name and certificate.

    It reads the system's certificates, which takes some 20 ms: share it. Raises StartError.
    """
    context = ssl.create_default_context()
    judge_alike(context)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.set_alpn_protocols([alpn])
    try:
        if tls.ca_file is not None:
            load_authorities(context, tls.ca_file)
        if tls.cert_file is not None:
            load_pair(context, tls.cert_file, tls.key_file)
    except ValueError as error:
        raise StartError(str(error)) from None
    return context
