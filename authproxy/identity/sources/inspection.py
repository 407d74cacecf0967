"""Looks at what tokens are made from, without making one.

For `authproxy doctor`; what fails is said in the same words as when a token is wanted.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from authproxy.errors import CredentialError
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.credentials import kind_of, read_info, target_of
from authproxy.identity.google.egress import Egress
from authproxy.identity.google.errors import RequestContext, translate
from authproxy.identity.google.transport import Request
from authproxy.identity.sources.gcloud import missing
from authproxy.identity.sources.locations import (
    METADATA_ADDRESS,
    Location,
    find_adc_place,
    find_auto_place,
    find_gcloud,
)
from authproxy.identity.sources.ready_made import TokenFile
from authproxy.values import CredentialsSpec

CERTIFICATES = "https://www.googleapis.com/oauth2/v3/certs"
"""Google's public keys: an answer that anybody may have, with the time in it."""
ACCOUNT_PATH = "/computeMetadata/v1/instance/service-accounts/default/email"
ASK_S = 3.0

WHAT = {
    "service_account": "the key of",
    "authorized_user": "a user's sign-in",
    "impersonated_service_account": "an identity that acts as",
    "external_account": "a federated workload",
    "external_account_authorized_user": "a workforce user's sign-in",
}
"""What a credentials file is, by its type; a line for each of google.KINDS."""


def find_place(spec: CredentialsSpec, environ: Mapping[str, str]) -> Location:
    """What `spec` leads to on this machine, now. Raises CredentialError when to nothing."""
    if spec.kind in ("file", "token-file"):
        kind: Literal["file", "given"] = "file" if spec.kind == "file" else "given"
        return Location(kind=kind, path=_at_home(spec.value, environ), name=str(spec))
    if spec.kind == "auto":
        return find_auto_place(environ)
    if spec.kind == "adc":
        return find_adc_place(environ)
    if spec.kind == "metadata":
        return Location(kind="metadata", name="metadata")
    if spec.kind == "gcloud":
        return Location(kind="gcloud", name="gcloud")
    return Location(kind="none" if spec.kind == "none" else "given", name=str(spec.kind))


def _at_home(text: str, environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(home) / text.removeprefix("~/") if home and text.startswith("~/") else Path(text)


def describe_file(path: Path, name: str) -> str:
    """What kind of credentials the file holds, and whose. Raises CredentialError."""
    info = read_info(path, name)
    kind = kind_of(info, name)
    try:
        kind.credentials(info)
    except Exception as error:  # noqa: BLE001 -- google-auth lets Python's own pass through
        raise translate(error, RequestContext(source=name)) from None
    account = str(info.get("client_email") or target_of(info))
    return " ".join(filter(None, [WHAT[str(info["type"])], account]))


def require_token(path: Path) -> None:
    """Raises CredentialError when the file holds none that is good now."""
    TokenFile(path, Skew()).mint("")


def require_gcloud(environ: Mapping[str, str]) -> str:
    """The program's path. Raises CredentialError."""
    path = find_gcloud(environ)
    if path is None:
        raise missing("gcloud: there is no program gcloud on PATH")
    return path


def metadata_account(environ: Mapping[str, str]) -> str:
    """The service account of this machine. Blocks; raises CredentialError."""
    host = environ.get("GCE_METADATA_HOST") or environ.get("GCE_METADATA_ROOT") or METADATA_ADDRESS
    request = Request(direct=True, skew=Skew())
    try:
        answer = request(
            f"http://{host}{ACCOUNT_PATH}", headers={"Metadata-Flavor": "Google"}, timeout=ASK_S
        )
        if answer.status != 200:
            raise ValueError("an answer that names no account")
        return str(answer.data.decode("ascii", "replace"))[:320].strip()
    except Exception as error:  # noqa: BLE001 -- google-auth lets Python's own pass through
        context = RequestContext(
            source="metadata", answered=request.answered, status=request.status, metadata=True
        )
        raise translate(error, context) from None
    finally:
        request.close()


def clock_offset_s(egress: Egress, clock: Callable[[], float] = time.time) -> float:
    """Google's clock minus `clock`, 0 when they may agree. Blocks; raises CredentialError."""
    skew = Skew(clock)
    request = Request(direct=False, skew=skew, egress=egress)
    try:
        date = request(CERTIFICATES, timeout=ASK_S).headers.get("date")
    except Exception as error:  # noqa: BLE001 -- google-auth lets Python's own pass through
        raise translate(error, RequestContext(source="clock", answered=request.answered)) from None
    finally:
        request.close()
    if date is None:
        raise CredentialError("clock: Google's answer does not say what time it is")
    return skew.offset_s
