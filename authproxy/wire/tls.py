"""TLS towards services: what is trusted, and what is offered."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from authproxy.errors import StartError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTls:
    """How TLS to a service is set up; services with the same may share a context."""

    ca_file: Path | None = None
    """PEM certificates to trust besides the system's."""


def service_context(tls: ServiceTls, alpn: str) -> ssl.SSLContext:
    """A context that offers the protocol `alpn`, and checks name and certificate.

    It reads the system's certificates, which takes some 20 ms: share it. Raises StartError.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([alpn])
    if tls.ca_file is not None:
        try:
            context.load_verify_locations(tls.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise StartError(
                f"ca_file {tls.ca_file} cannot be used: {error}",
                hint="It must be a readable file of certificates in PEM form.",
            ) from error
    return context
