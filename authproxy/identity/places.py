"""Where credentials may be that nobody named."""

import contextlib
import http.client
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from authproxy.errors import CredentialError
from authproxy.identity.gcloud import gcloud_folder, gcloud_paths
from authproxy.identity.translate import ADC_LOGIN

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
ADC_FILE = "application_default_credentials.json"
METADATA_ADDRESS = "169.254.169.254"
"""By number: to look a name up can take half a minute where there is no such name."""
PROBE_S = 1.0

MANAGED = {
    "K_SERVICE": "this is Cloud Run",
    "CLOUD_RUN_JOB": "this is a Cloud Run job",
    "KUBERNETES_SERVICE_HOST": "this is Kubernetes and nobody has logged in to gcloud",
}
"""Variables that are set where a metadata server is to be expected.

There it may be slow, or refuse connections in the first seconds
(googleapis/google-auth-library-python issues 604, 745, 1261), and is worth waiting for.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where tokens come from."""

    kind: Literal["file", "metadata", "gcloud", "given", "none"]
    path: Path | None = None
    """Of the credentials file."""
    name: str = ""
    """As in messages."""
    because: str = field(default="", compare=False)
    """Why it is this one."""


def adc_path(environ: Mapping[str, str]) -> Path | None:
    """Where gcloud keeps Application Default Credentials; None when there is no home directory."""
    folder = gcloud_folder(environ)
    return folder / ADC_FILE if folder else None


def adc_paths(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where Application Default Credentials are looked for, whether there are any or not."""
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


def find_gcloud(environ: Mapping[str, str]) -> str | None:
    """The program's path."""
    return shutil.which("gcloud", path=environ.get("PATH", os.defpath))


def find_adc_place(environ: Mapping[str, str]) -> Place:
    """Of Application Default Credentials, in Google's order."""
    named = environ.get(VARIABLE)
    if named:
        return Place(kind="file", path=Path(named), name=f"{VARIABLE}={named}")
    path = adc_path(environ)
    if path is not None and path.is_file():
        return Place(kind="file", path=path, name=str(path))
    return Place(kind="metadata", name="metadata")


def find_auto_place(environ: Mapping[str, str]) -> Place:
    """The first that is there. Raises CredentialError when none is."""
    found = next(filter(None, (look(environ) for look in LOOKS)), None)
    if found is not None:
        return found
    raise CredentialError(
        "no credentials were found on this machine",
        hint=f"Run: {ADC_LOGIN} -- Looked in vain: {'; '.join(LOOKS.values())}.",
    )


def _named(environ: Mapping[str, str]) -> Place | None:
    named = environ.get(VARIABLE)
    if not named:
        return None
    because = f"{VARIABLE} names it"
    return Place(kind="file", path=Path(named), name=f"file:{named}", because=because)


def _written(environ: Mapping[str, str]) -> Place | None:
    path = adc_path(environ)
    if path is None or not path.is_file():
        return None
    return Place(kind="file", path=path, name=f"file:{path}", because=f"{ADC_LOGIN} wrote it")


def _metadata(environ: Mapping[str, str]) -> Place | None:
    because = _expected(environ)
    if because is None and metadata_answers(environ):
        because = "the metadata server answers"
    return Place(kind="metadata", name="metadata", because=because) if because else None


def _expected(environ: Mapping[str, str]) -> str | None:
    """Why there must be a metadata server; None when there may be none."""
    because = next((why for name, why in MANAGED.items() if environ.get(name)), None)
    logged_in = any(path.is_file() for path in gcloud_paths(environ)[:1])
    return None if logged_in else because


def _gcloud(environ: Mapping[str, str]) -> Place | None:
    if find_gcloud(environ) is None:
        return None
    because = "gcloud is on PATH and nothing else was found"
    return Place(kind="gcloud", name="gcloud", because=because)


LOOKS: Mapping[Callable[[Mapping[str, str]], Place | None], str] = {
    _named: f"{VARIABLE} is not set",
    _written: "gcloud has written no credentials file",
    _metadata: "no metadata server answers",
    _gcloud: "gcloud is not on PATH",
}
"""In this order; what is said when it was in vain."""
