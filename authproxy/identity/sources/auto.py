"""Finds credentials that nobody named: `adc` and `auto`."""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from authproxy.exchange import Token
from authproxy.identity.google.credentials import METADATA, Info, read_info
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.google.google_source import Google
from authproxy.identity.machine import Machine
from authproxy.identity.source import Source
from authproxy.identity.sources.gcloud import Gcloud, gcloud_paths
from authproxy.identity.sources.locations import (
    Location,
    adc_paths,
    find_adc_place,
    find_auto_place,
)

logger = logging.getLogger(__name__)


class Adc:
    """Finds Application Default Credentials; what had to be passed over is said once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._skipped: tuple[str, ...] = ()

    def find(self) -> Info:
        """Raises CredentialError."""
        place = find_adc_place(self._environ)
        if place.skipped != self._skipped:
            self._skipped = place.skipped
            warn_of_skipped(place)
        return read_place(place)


def warn_of_skipped(place: Location) -> None:
    for problem in place.skipped:
        logger.warning(
            "credentials: %s: skipped; trying %s instead",
            problem,
            place.name,
            extra={"source": place.name},
        )


def read_place(place: Location) -> Info:
    """The credentials file there, or METADATA. Raises CredentialError."""
    return METADATA if place.path is None else read_info(place.path, place.name)


class Auto:
    """`auto`: the first that is there. Looks again at each mint until one gave a token."""

    name = "auto"

    def __init__(
        self,
        machine: Machine,
        *,
        impersonate: str | None = None,
        delegates: Sequence[str] = (),
        egress: Egress = AS_ENVIRONMENT,
        scopes: Sequence[str] = (),
    ) -> None:
        self._machine = machine
        self._impersonate = impersonate
        self._delegates = tuple(delegates)
        self._egress = egress
        self._scopes = tuple(scopes)
        self._proven: Source | None = None
        """Gave a token: from then on it is nobody else, whatever happens."""
        self._told = ""
        self._skipped: tuple[str, ...] = ()
        self._lock = threading.Lock()

    @property
    def paths(self) -> tuple[Path, ...]:
        environ = self._machine.environ
        return (*adc_paths(environ), *gcloud_paths(environ))

    def mint(self, audience: str, /) -> Token:
        if self._proven is not None:
            return self._proven.mint(audience)
        with self._lock:
            place = find_auto_place(self._machine.environ)
        source = self._source(place)
        try:
            token = source.mint(audience)
        except Exception:
            self._tell(place)
            raise
        with self._lock:
            if self._proven is None:
                self._proven = source
                self._tell(place, token)
        return token

    def _tell(self, place: Location, token: Token | None = None) -> None:
        """What was found, when that changes; and once who that is, which nobody has chosen."""
        who = ""
        if token is not None:
            who = f"; tokens are {token.principal}'s"
            who += f", for the audience {token.audience}" if token.audience else ""
        line = f"{place.name}, because {place.because}{who}"
        if line == self._told:
            return
        self._told = line
        if place.skipped != self._skipped:
            self._skipped = place.skipped
            warn_of_skipped(place)
        extra = {"source": place.name, "reason": place.because}
        extra |= {"principal": token.principal, "audience": token.audience} if token else {}
        logger.info("credentials: %s", line, extra=extra)

    def _source(self, place: Location) -> Source:
        if place.kind == "gcloud":
            return Gcloud(
                self._machine,
                impersonate=self._impersonate,
                delegates=self._delegates,
                scopes=self._scopes,
            )
        return Google(
            place.name,
            lambda: read_place(place),
            skew=self._machine.skew,
            helper=self._machine.helper,
            impersonate=self._impersonate,
            delegates=self._delegates,
            egress=self._egress,
            scopes=self._scopes,
        )


def metadata() -> Info:
    return METADATA
