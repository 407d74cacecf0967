"""Places where credentials may be that no setting names."""

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from authproxy.errors import CredentialError
from authproxy.identity.google.errors import ADC_LOGIN
from authproxy.identity.sources.gcloud import gcloud_folder, gcloud_paths
from authproxy.system.offers import this_user

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
class Location:
    """Credentials that were found, and their place."""

    kind: Literal["file", "metadata", "gcloud", "given", "none"]
    path: Path | None = None
    """Of the credentials file."""
    name: str = ""
    """As in messages."""
    because: str = field(default="", compare=False)
    """Why it is this one."""
    skipped: tuple[str, ...] = field(default=(), compare=False)
    """What is wrong with each place that comes before it and cannot be used."""


@dataclass(frozen=True, slots=True)
class Vain:
    """A place without credentials, and the reason."""

    because: str
    is_odd: bool = False
    """Something is there, and it cannot be used."""


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
    import http.client  # takes half a MiB, with what it is made of

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


def find_adc_place(environ: Mapping[str, str]) -> Location:
    """Of Application Default Credentials, in Google's order."""
    named = environ.get(VARIABLE)
    if named:
        return Location(kind="file", path=Path(named), name=f"{VARIABLE}={named}")
    path = adc_path(environ)
    problem = find_problem(path) if path is not None else NOTHING_WRITTEN
    if path is not None and problem is None:
        return Location(kind="file", path=path, name=str(path))
    odd = (problem.because,) if problem is not None and problem.is_odd else ()
    return Location(kind="metadata", name="metadata", skipped=odd)


def find_auto_place(environ: Mapping[str, str]) -> Location:
    """The first that is there and can be used. Raises CredentialError when none is."""
    in_vain: list[Vain] = []
    for look in LOOKS:
        found = look(environ)
        if isinstance(found, Location):
            return replace(found, skipped=tuple(each.because for each in in_vain if each.is_odd))
        in_vain.append(found)
    looked = "; ".join(each.because for each in in_vain)
    raise CredentialError(
        "no credentials were found on this machine",
        hint=f"Run: {ADC_LOGIN} -- What was looked for: {looked}.",
    )


def find_problem(path: Path) -> Vain | None:
    """Why a file that nobody named cannot be used; None when it can."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING_WRITTEN
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is not a path"
        return Vain(f"{path} cannot be read ({reason})", is_odd=True)
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no plain file"
        return Vain(f"{path} is {what}", is_odd=True)
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        return Vain(f"{path} may not be read by {this_user()}", is_odd=True)
    return None


def _named(environ: Mapping[str, str]) -> Location | Vain:
    named = environ.get(VARIABLE)
    if not named:
        return Vain(f"{VARIABLE} is not set")
    because = f"{VARIABLE} names it"
    return Location(kind="file", path=Path(named), name=f"file:{named}", because=because)


def _written(environ: Mapping[str, str]) -> Location | Vain:
    path = adc_path(environ)
    if path is None:
        return NOTHING_WRITTEN
    because = f"{ADC_LOGIN} wrote it"
    return find_problem(path) or Location(
        kind="file", path=path, name=f"file:{path}", because=because
    )


def _metadata(environ: Mapping[str, str]) -> Location | Vain:
    because = _expected(environ)
    if because is None and metadata_answers(environ):
        because = "the metadata server answers"
    if because is None:
        return Vain("no metadata server answers")
    return Location(kind="metadata", name="metadata", because=because)


def _expected(environ: Mapping[str, str]) -> str | None:
    """Why there must be a metadata server; None when there may be none."""
    because = next((why for name, why in MANAGED.items() if environ.get(name)), None)
    logged_in = any(find_problem(path) is None for path in gcloud_paths(environ)[:1])
    return None if logged_in else because


def _gcloud(environ: Mapping[str, str]) -> Location | Vain:
    if find_gcloud(environ) is None:
        return Vain("gcloud is not on PATH (https://cloud.google.com/sdk/docs/install has it)")
    because = "gcloud is on PATH and nothing else was found"
    return Location(kind="gcloud", name="gcloud", because=because)


NOTHING_WRITTEN = Vain("gcloud has written no credentials file")

LOOKS: Sequence[Callable[[Mapping[str, str]], Location | Vain]] = (
    _named,
    _written,
    _metadata,
    _gcloud,
)
"""In this order."""
