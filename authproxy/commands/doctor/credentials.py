"""Checks of where tokens come from: credentials, the metadata server, gcloud."""

from authproxy.commands.doctor.report import Result, not_needed, ok
from authproxy.commands.doctor.subject import Subject
from authproxy.identity.sources.inspection import (
    describe_file,
    find_place,
    metadata_account,
    require_gcloud,
)
from authproxy.identity.sources.locations import Location
from authproxy.threads import in_thread

OTHERS = {
    "metadata": "from the metadata server",
    "gcloud": "from gcloud",
}


async def check_credentials(subject: Subject) -> Result:
    """Which there are, and what the file holds if they are one."""
    spec = subject.service.credentials
    place = await in_thread(find_place, spec, subject.environ, name="doctor-credentials")
    subject.place = place
    if place.kind == "none":
        return not_needed('they are "none", so no token is sent')
    if place.kind == "given":
        return not_needed(f"{place.name} has a ready-made token")
    if place.path is None:
        return ok(f"{spec}: {OTHERS[place.kind]}{_acting_as(subject)}")
    what = await in_thread(describe_file, place.path, place.name, name="doctor-credentials")
    return ok(f"{place.name}: {what}{_acting_as(subject)}")


async def check_metadata(subject: Subject) -> Result:
    if _place(subject).kind != "metadata":
        return not_needed(_instead(subject))
    account = await in_thread(metadata_account, subject.environ, name="doctor-metadata")
    return ok(f"it answers for {account}")


async def check_gcloud(subject: Subject) -> Result:
    if _place(subject).kind != "gcloud":
        return not_needed(_instead(subject))
    return ok(f"it is at {require_gcloud(subject.environ)}")


def _place(subject: Subject) -> Location:
    if subject.place is None:
        raise AssertionError("check_credentials comes first")
    return subject.place


def _instead(subject: Subject) -> str:
    place = subject.place
    if place is None:
        return ""
    return (
        "no token is sent"
        if place.kind == "none"
        else f"tokens come from {place.name or 'elsewhere'}"
    )


def _acting_as(subject: Subject) -> str:
    target = subject.asked.impersonate
    return f", to act as {target}" if target else ""
