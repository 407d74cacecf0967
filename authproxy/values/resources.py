"""Google Cloud's resources that a configuration names: secrets, Cloud Run services."""

import re
from dataclasses import dataclass

from authproxy.values.addresses import Origin
from authproxy.values.mistakes import RESOURCE
from authproxy.values.wording import quoted

# Of organisations that came before domains were gone: `example.com:project`.
_PROJECT = r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{1,20}"
_PROJECT_ID = re.compile(_PROJECT)
_ADDRESS = re.compile(r"https?[:;]?|[^:]*\.[^:]*|[^:]*:\d*", re.IGNORECASE)
"""What stands before the first slash of a URL whose scheme is broken or missing."""
_REGION = re.compile(r"[a-z]+-[a-z]+\d{1,2}")
_RUN_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TAG = re.compile(r"[a-z](?:[a-z0-9-]{0,44}[a-z0-9])?")
_SECRET = re.compile(
    rf"projects/(?:{_PROJECT})/secrets/[A-Za-z0-9_-]{{1,255}}(?:/versions/[A-Za-z0-9_-]{{1,63}})?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunService:
    """A Cloud Run service by its name; its address is to be asked for."""

    project: str
    """Id or number."""
    region: str
    name: str

    @property
    def resource(self) -> str:
        """As Cloud Run's Admin API names it."""
        return f"projects/{self.project}/locations/{self.region}/services/{self.name}"

    @property
    def nowhere(self) -> Origin:
        """Stands in for the address while that is not known: nothing is ever there (RFC 6761)."""
        return Origin(scheme="https", host=f"{self.name}.{self.region}.invalid", port=443)

    def __str__(self) -> str:
        return f"{self.project}/{self.region}/{self.name}"


def is_run_service(text: str) -> bool:
    """Whether it can only be meant as `PROJECT/REGION/NAME`."""
    first = text.partition("/")[0]
    is_address = _ADDRESS.fullmatch(first) is not None
    return text.count("/") == 2 and "://" not in text and bool(first) and not is_address


def parse_run_service(text: str) -> RunService:
    """`PROJECT/REGION/NAME`."""
    parts = text.strip().split("/")
    if len(parts) != 3:
        resource = RESOURCE.fullmatch(text.strip())
        example = "/".join(resource.groups()) if resource else "acme-prod/europe-west1/billing"
        as_in = "it as in " if resource is None else ""
        raise ValueError(f'{quoted(text)} is no PROJECT/REGION/NAME; write {as_in}"{example}"')
    return RunService(
        project=parse_project(parts[0]), region=parse_region(parts[1]), name=_run_name(parts[2])
    )


def parse_project(text: str) -> str:
    """An id or a number."""
    return _checked(_PROJECT_ID, text, "a project's id", "gcloud projects list shows them")


def parse_region(text: str) -> str:
    return _checked(_REGION, text, "a region", "write it as in europe-west1")


def parse_tag(text: str) -> str:
    """Of a service's traffic."""
    return _checked(_TAG, text, "a traffic tag", "write lower-case letters, digits and hyphens")


def parse_secret_name(text: str) -> str:
    """`projects/P/secrets/S`, with `/versions/V` behind it; V is `latest` when it is left out."""
    if not _SECRET.fullmatch(text):
        if parts := re.fullmatch(r"projects/([^/]+)/secrets/[^/]+(?:/versions/[^/]+)?", text):
            parse_project(parts[1])
        raise ValueError(
            "secret: needs the name of a secret; write"
            " secret:projects/PROJECT/secrets/NAME or …/versions/VERSION"
        )
    return text if "/versions/" in text else f"{text}/versions/latest"


def _run_name(text: str) -> str:
    return _checked(
        _RUN_NAME, text, "a Cloud Run service's name", "gcloud run services list shows them"
    )


def _checked(pattern: re.Pattern[str], text: str, what: str, advice: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not {what}; {advice}")
    return text
