"""Readings of names: the parts of a `run.app` host, the maker of an OAuth client id."""

import re
from dataclasses import dataclass

GCLOUD_CLIENTS = (
    "32555940559.apps.googleusercontent.com",
    "764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com",
)
"""gcloud's own OAuth clients: of `auth login` and of `auth application-default login`. Cloud Run
accepts people's tokens for these, and for no other client (GoogleCloudPlatform/cloud-run-proxy
issue 10, PR 8)."""
OAUTH_CLIENT = ".apps.googleusercontent.com"
TAG_MARK = "---"

_NUMBERED = re.compile(r"(?P<service>.+)-[0-9]+\.(?P<region>[a-z0-9-]+)\.run\.app")
_HASHED = re.compile(r"(?P<service>.+)-[a-z0-9]+-[a-z]{1,3}\.a\.run\.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Name, region and tag of a service, as far as its host tells. Empty is unknown."""

    service: str = ""
    """Its name in Cloud Run, which need not be the one in the configuration."""
    region: str = ""
    tag: str = ""
    """Of the revision that the address leads to."""


def find_place(host: str) -> Place:
    """From `[TAG---]SERVICE-PROJECTNUMBER.REGION.run.app` everything; from the older
    `[TAG---]SERVICE-HASH-CODE.a.run.app` no region: what the codes stand for is not published."""
    tag, mark, name = host.rpartition(TAG_MARK)
    match = _HASHED.fullmatch(name) or _NUMBERED.fullmatch(name)
    if match is None:
        return Place()
    found = match.groupdict()
    return Place(service=found["service"], region=found.get("region", ""), tag=tag if mark else "")


def is_run_app(host: str) -> bool:
    return host.endswith(".run.app")
