"""TLS on both sides: contexts towards services, and the listeners' certificate as it changes."""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

from authproxy.config.certificates import judge_alike, load_authorities, load_pair
from authproxy.errors import StartError
from authproxy.settings import ServiceSettings

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

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


Stamps = tuple[tuple[int, int, int], ...]
"""Of each file its number, time and size: another file, or another content, has others."""


class ListenerTls:
    """The certificate that clients see, and its successors."""

    def __init__(self, cert_file: Path, key_file: Path | None) -> None:
        """Raises StartError."""
        self._files = cert_file, key_file
        self.context = _new_context()
        self.context.set_alpn_protocols(["http/1.1", "h2"])
        self._seen = self._pending = self._stamps()
        try:
            load_pair(self.context, *self._files)
        except ValueError as error:
            raise StartError(str(error)) from None

    def prefer_http2(self) -> None:
        """From now on clients that know both protocols get HTTP/2; until then it is HTTP/1.1.

        HTTP/2 passes through as such, so only where every service speaks it.
        """
        self.context.set_alpn_protocols(["h2", "http/1.1"])

    async def keep_fresh(self) -> None:
        """Look at the files until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.refresh()

    def refresh(self) -> None:
        """Take the files' new content once it has been the same for two looks.

        Certificate and key are two files, and no program replaces both at once.
        """
        stamps = self._stamps()
        settled, self._pending = stamps == self._pending, stamps
        if stamps == self._seen or not settled:
            return
        self._seen = stamps
        try:
            # Not at once into the context in use: a wrong pair would leave it with half of it.
            load_pair(_new_context(), *self._files)
            load_pair(self.context, *self._files)
        except ValueError as error:
            logger.warning("the new certificate is not used, and the old one stays: %s", error)
        else:
            logger.info("the new certificate in %s is used from now on", self._files[0])

    def _stamps(self) -> Stamps:
        return tuple(_stamp(file) for file in self._files if file is not None)


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
