"""TLS towards services: what is demanded of them, and what they are shown."""

import ssl
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from authproxy.config.files.certificates import load_authorities, load_pair
from authproxy.errors import StartError
from authproxy.file_watch import Marks, marks
from authproxy.identity.trust import judge_alike
from authproxy.settings import ServiceSettings
from authproxy.threads import within
from authproxy.wire.upstream.system_trust import folder_of_trust

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTls:
    """TLS settings towards a service; services with the same may share a context."""

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

    @property
    def files(self) -> tuple[Path, ...]:
        """Those that a context is made of, besides the system's."""
        named = (self.ca_file, self.cert_file, self.key_file)
        return tuple(file for file in named if file is not None)

    def without_us(self) -> "ServiceTls":
        """The same trust, for others than the service: our certificate is not for them."""
        return ServiceTls(ca_file=self.ca_file, min_version=self.min_version)


def service_context(tls: ServiceTls, alpn: str) -> ssl.SSLContext:
    """A context that offers the protocol `alpn`, and checks name and certificate.

    It may have read all of the system's certificates, in some 20 ms: share it. Raises StartError.
    """
    context = ssl.create_default_context(capath=folder_of_trust())
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


class TlsContexts:
    """The contexts of all services: those with the same settings share one.

    Asked in threads as well as in the event loop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[ServiceTls, Marks] = {}
        """The files, as they were before they were read."""
        self._made: dict[tuple[ServiceTls, str], ssl.SSLContext] = {}

    def __call__(self, tls: ServiceTls, alpn: str) -> ssl.SSLContext:
        """As `service_context`, and the same one each time."""
        with self._lock:
            if (tls, alpn) not in self._made:
                self._made[tls, alpn] = service_context(tls, alpn)
            return self._made[tls, alpn]

    def look(self, tls: ServiceTls) -> None:
        """Forget what was made of other files than there are now. May block."""
        seen = _marks_of(tls)
        with self._lock:
            if self._seen.get(tls, seen) != seen:
                self._forget(tls)
            self._seen[tls] = seen

    def seen(self, tls: ServiceTls) -> Marks:
        """Its files, as they were before they were read; empty when nobody has looked."""
        return self._seen.get(tls, ())

    def keep_only(self, wanted: Collection[ServiceTls]) -> None:
        """Give up those of other settings."""
        with self._lock:
            for tls in {tls for tls, _ in self._made} - set(wanted):
                self._forget(tls)

    def _forget(self, tls: ServiceTls) -> None:
        self._seen.pop(tls, None)
        for key in [key for key in self._made if key[0] == tls]:
            del self._made[key]

    def __len__(self) -> int:
        return len(self._made)


def _marks_of(tls: ServiceTls) -> Marks:
    """None of them where it takes too long: reading will say so."""
    if not tls.files:
        return ()
    try:
        return within(lambda: marks(tls.files), "the files of TLS to a service")
    except TimeoutError:
        return ()
