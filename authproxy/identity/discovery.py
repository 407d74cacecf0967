"""Finds credentials that nobody named: `adc` and `auto`."""

import contextlib
import http.client
import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.gcloud import Gcloud, gcloud_folder, gcloud_paths
from authproxy.identity.google import METADATA, Google, Info, read_info
from authproxy.identity.source import Source
from authproxy.identity.translate import ADC_LOGIN

logger = logging.getLogger(__name__)

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
ADC_FILE = "application_default_credentials.json"
METADATA_ADDRESS = "169.254.169.254"
"""By number: to look a name up can take half a minute where there is no such name."""
PROBE_S = 1.0


def find_adc(environ: Mapping[str, str]) -> Info:
    """Application Default Credentials, in Google's order."""
    named = environ.get(VARIABLE)
    if named:
        return read_info(Path(named), f"{VARIABLE}={named}")
    path = adc_path(environ)
    if path is not None and path.is_file():
        return read_info(path, str(path))
    return METADATA


def adc_path(environ: Mapping[str, str]) -> Path | None:
    """Where gcloud keeps Application Default Credentials; None when there is no home directory."""
    folder = gcloud_folder(environ)
    return folder / ADC_FILE if folder else None


def adc_paths(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where `find_adc` looks, whether there is anything or not."""
    named, usual = environ.get(VARIABLE), adc_path(environ)
    return (*([Path(named)] if named else []), *([usual] if usual else []))


def metadata_answers(environ: Mapping[str, str]) -> bool:
    """One short question, never through a proxy. Other things may live at that address."""
    host = environ.get("GCE_METADATA_HOST") or environ.get("GCE_METADATA_IP") or METADATA_ADDRESS
    try:
        with contextlib.closing(http.client.HTTPConnection(host, timeout=PROBE_S)) as connection:
            connection.request("GET", "/", headers={"Metadata-Flavor": "Google"})
            return connection.getresponse().getheader("Metadata-Flavor") == "Google"
    except (OSError, http.client.HTTPException):
        return False


@dataclass(frozen=True, slots=True)
class Place:
    """Where `auto` looks: a source, or why there is none here."""

    look: Callable[["Auto"], Source | None]
    found: str
    missing: str


class Auto:
    """`auto`: the first that is there. Looks again at each mint until one gave a token."""

    name = "auto"

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        impersonate: str | None = None,
        delegates: Sequence[str] = (),
        egress: Egress = AS_ENVIRONMENT,
        scopes: Sequence[str] = (),
    ) -> None:
        self._environ = environ
        self._impersonate = impersonate
        self._delegates = tuple(delegates)
        self._egress = egress
        self._scopes = tuple(scopes)
        self._proven: Source | None = None
        """Gave a token: from then on it is nobody else, whatever happens."""
        self._told = ""
        self._lock = threading.Lock()

    @property
    def paths(self) -> tuple[Path, ...]:
        return (*adc_paths(self._environ), *gcloud_paths(self._environ))

    def mint(self, audience: str, /) -> Token:
        with self._lock:
            source = self._proven or self._choose()
        token = source.mint(audience)
        self._proven = source
        return token

    def _choose(self) -> Source:
        for place in PLACES:
            source = place.look(self)
            if source is not None:
                self._tell(source.name, place.found)
                return source
        tried = "; ".join(place.missing for place in PLACES)
        raise CredentialError(
            "no credentials were found on this machine",
            hint=f"Run: {ADC_LOGIN} -- Looked in vain: {tried}.",
        )

    def _tell(self, name: str, reason: str) -> None:
        if name != self._told:
            self._told = name
            extra = {"source": name, "reason": reason}
            logger.info("credentials: %s, because %s", name, reason, extra=extra)

    def _google(self, name: str, find: Callable[[], Info]) -> Source:
        return Google(
            name,
            find,
            impersonate=self._impersonate,
            delegates=self._delegates,
            egress=self._egress,
            scopes=self._scopes,
        )

    def _named(self) -> Source | None:
        named = self._environ.get(VARIABLE)
        if not named:
            return None
        name = f"file:{named}"
        return self._google(name, lambda: read_info(Path(named), name))

    def _adc_file(self) -> Source | None:
        path = adc_path(self._environ)
        if path is None or not path.is_file():
            return None
        name = f"file:{path}"
        return self._google(name, lambda: read_info(path, name))

    def _metadata(self) -> Source | None:
        return self._google("metadata", metadata) if metadata_answers(self._environ) else None

    def _gcloud(self) -> Source | None:
        if shutil.which("gcloud", path=self._environ.get("PATH", os.defpath)) is None:
            return None
        return Gcloud(
            self._environ,
            impersonate=self._impersonate,
            delegates=self._delegates,
            scopes=self._scopes,
        )


def metadata() -> Info:
    return METADATA


PLACES = (
    Place(Auto._named, f"{VARIABLE} names it", f"{VARIABLE} is not set"),
    Place(Auto._adc_file, f"{ADC_LOGIN} wrote it", "gcloud has written no credentials file"),
    Place(Auto._metadata, "the metadata server answers", "no metadata server answers"),
    Place(Auto._gcloud, "gcloud is on PATH and nothing else was found", "gcloud is not on PATH"),
)
"""In this order."""
