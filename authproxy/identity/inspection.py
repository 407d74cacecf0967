"""Looks at what tokens are made from, without making one.

For `authproxy doctor`; what fails is said in the same words as when a token is wanted.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from authproxy.errors import CredentialError
from authproxy.identity.discovery import (
    METADATA_ADDRESS,
    PLACES,
    VARIABLE,
    adc_path,
    metadata_answers,
)
from authproxy.identity.egress import Egress
from authproxy.identity.gcloud import LOGIN
from authproxy.identity.google import KINDS, read_info
from authproxy.identity.skew import Skew
from authproxy.identity.translate import ADC_LOGIN, Asked, translate
from authproxy.identity.transport import Request
from authproxy.values import CredentialsSpec

CERTIFICATES = "https://www.googleapis.com/oauth2/v3/certs"
"""Google's public keys: an answer that anybody may have, with the time in it."""
ACCOUNT_PATH = "/computeMetadata/v1/instance/service-accounts/default/email"
ASK_S = 3.0

WHAT = {
    "service_account": "the key of",
    "authorized_user": "a user's sign-in",
    "impersonated_service_account": "somebody who acts as",
    "external_account": "a federated workload",
    "external_account_authorized_user": "a workforce user's sign-in",
}
"""What a credentials file is, by its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where tokens come from."""

    kind: Literal["file", "metadata", "gcloud", "given", "none"]
    path: Path | None = None
    """Of the credentials file."""
    name: str = ""
    """As in messages."""


def find_place(spec: CredentialsSpec, environ: Mapping[str, str]) -> Place:
    """What `spec` leads to on this machine, now. Raises CredentialError when to nothing."""
    if spec.kind == "file":
        return _file(_at_home(spec.value, environ), f"file:{spec.value}")
    if spec.kind in ("auto", "adc"):
        return _find(environ, adc_only=spec.kind == "adc")
    if spec.kind == "metadata":
        return Place(kind="metadata", name="metadata")
    if spec.kind == "gcloud":
        return Place(kind="gcloud", name="gcloud")
    return Place(kind="none" if spec.kind == "none" else "given", name=str(spec.kind))


def _find(environ: Mapping[str, str], *, adc_only: bool) -> Place:
    named, path = environ.get(VARIABLE), adc_path(environ)
    if named:
        return _file(Path(named), f"{VARIABLE}={named}" if adc_only else f"file:{named}")
    if path is not None and path.is_file():
        return _file(path, str(path) if adc_only else f"file:{path}")
    if adc_only or metadata_answers(environ):
        return Place(kind="metadata", name="metadata")
    if find_gcloud(environ) is not None:
        return Place(kind="gcloud", name="gcloud")
    tried = "; ".join(place.missing for place in PLACES)
    raise CredentialError(
        "no credentials were found on this machine",
        hint=f"Run: {ADC_LOGIN} -- Looked in vain: {tried}.",
    )


def _file(path: Path, name: str) -> Place:
    return Place(kind="file", path=path, name=name)


def _at_home(text: str, environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(home) / text.removeprefix("~/") if home and text.startswith("~/") else Path(text)


def describe_file(path: Path, name: str) -> str:
    """What kind of credentials the file holds, and whose. Raises CredentialError."""
    info = read_info(path, name)
    kind = str(info.get("type"))
    if kind not in KINDS:
        raise CredentialError(
            f'{name}: credentials of type "{kind[:40]}" cannot be used',
            hint=f"The types are {', '.join(sorted(KINDS))}. For yourself: {ADC_LOGIN}",
            permanent=True,
        )
    try:
        KINDS[kind].credentials(info)
    except Exception as error:  # noqa: BLE001 -- google-auth lets Python's own pass through
        raise translate(error, Asked(source=name)) from None
    return " ".join(filter(None, [WHAT.get(kind, kind), _account(info)]))


def _account(info: Mapping[str, Any]) -> str:
    """The service account, where the file names one."""
    url = str(info.get("service_account_impersonation_url", ""))
    return str(info.get("client_email") or url.rpartition("/")[2].partition(":")[0])


def find_gcloud(environ: Mapping[str, str]) -> str | None:
    """The program's path."""
    return shutil.which("gcloud", path=environ.get("PATH", os.defpath))


def require_gcloud(environ: Mapping[str, str]) -> str:
    """The program's path. Raises CredentialError."""
    path = find_gcloud(environ)
    if path is None:
        raise CredentialError(
            "gcloud: there is no program gcloud on PATH",
            hint="Install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install) and"
            f" run: {LOGIN}",
            permanent=True,
        )
    return path


def metadata_account(environ: Mapping[str, str]) -> str:
    """The service account of this machine. Blocks; raises CredentialError."""
    host = environ.get("GCE_METADATA_HOST") or environ.get("GCE_METADATA_ROOT") or METADATA_ADDRESS
    request = Request(direct=True)
    try:
        answer = request(
            f"http://{host}{ACCOUNT_PATH}", headers={"Metadata-Flavor": "Google"}, timeout=ASK_S
        )
        if answer.status != 200:
            raise ValueError("an answer that names no account")
        return str(answer.data.decode("ascii", "replace"))[:320].strip()
    except Exception as error:  # noqa: BLE001 -- google-auth lets Python's own pass through
        asked = Asked(
            source="metadata", answered=request.answered, status=request.status, metadata=True
        )
        raise translate(error, asked) from None
    finally:
        request.close()


def clock_offset_s(egress: Egress, clock: Callable[[], float] = time.time) -> float:
    """Google's clock minus `clock`, 0 when they may agree. Blocks; raises CredentialError."""
    skew = Skew(clock)
    request = Request(direct=False, egress=egress, skew=skew)
    try:
        date = request(CERTIFICATES, timeout=ASK_S).headers.get("date")
    except Exception as error:  # noqa: BLE001 -- google-auth lets Python's own pass through
        raise translate(error, Asked(source="clock", answered=request.answered)) from None
    finally:
        request.close()
    if date is None:
        raise CredentialError("clock: Google's answer does not say what time it is")
    return skew.offset_s
