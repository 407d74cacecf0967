"""Cloud Run's services by name, from its Admin API.

https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services. Its lists take no
wildcard for the region, so the regions are asked for first, by v1, which alone knows them.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from authproxy.errors import Code, CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.apis.client import ApiRefusedError, Case, GoogleApi, explained
from authproxy.identity.source import Product
from authproxy.policy.google.advice import member_of
from authproxy.settings import ServiceSettings
from authproxy.values import Origin, RunService, parse_origin

NAME = "Cloud Run's API"
BASE = "https://run.googleapis.com"
KEEP_S = 3650 * 24 * 3600.0
"""An address does not change while its service is there."""
AT_ONCE = 8
"""Regions that are asked at the same time."""
MAX_PAGES = 1000

CASES = (
    Case(
        "SERVICE_DISABLED",
        "the Cloud Run Admin API is not enabled in the project {project}",
        "Run: gcloud services enable run.googleapis.com --project={project}",
    ),
    Case(
        "insufficient authentication scopes",
        "the credentials' scopes are too narrow to look services up",
        "On a VM: give it the scope cloud-platform. Or write the service's https:// address.",
    ),
    Case(
        "PERMISSION_DENIED",
        "{principal} may not look services up in the project {project}, or there is none of that"
        " name",
        "Run: gcloud projects add-iam-policy-binding {project} --member={member}"
        " --role=roles/run.viewer -- roles/run.invoker does not allow it. Or write the service's"
        " https:// address.",
    ),
    Case(
        "NOT_FOUND",
        "there is no such service or region",
        "Run: authproxy list --project {project}",
    ),
)
"""The first that fits. The permissions are run.services.get and run.services.list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Addresses of one service."""

    url: Origin
    """Where requests go: the traffic tag's address if one was asked for."""
    audience: str
    """The service's own, also for a tag."""
    others: tuple[Origin, ...]
    """All by which it knows itself besides `url`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A service in a list."""

    service: RunService
    url: str


class RunApi:
    """A source whose audiences are names of services; what it makes is their `Addresses`."""

    name = NAME

    def __init__(self, api: GoogleApi) -> None:
        self._api = api

    def product(self, audience: str, /) -> Product:
        name = f"service address of {audience}"
        return Product(name=name, missing=name, code=Code.SERVICE_UNRESOLVED)

    def mint(self, audience: str, /) -> Token:
        resource, _, tag = audience.partition("?tag=")
        project = resource.split("/")[1]
        answer, principal = _get(self._api, f"{BASE}/v2/{resource}", project)
        now = self._api.skew.now()
        return Token(
            value=Secret(json.dumps(_found(answer, tag))),
            expires_at=now + KEEP_S,
            audience=audience,
            principal=principal,
            source=NAME,
            issued_at=now,
        )


def lookup_name(service: RunService, tag: str | None) -> str:
    """What to ask a RunApi for."""
    return f"{service.resource}?tag={tag}" if tag else service.resource


def read_addresses(token: Token) -> Addresses:
    """What a RunApi has made."""
    found = json.loads(token.value.reveal())
    url = parse_origin(found["url"])
    others = dict.fromkeys(parse_origin(text) for text in found["urls"])
    others.pop(url, None)
    return Addresses(url=url, audience=found["audience"], others=tuple(others))


def located(service: ServiceSettings, found: Addresses) -> ServiceSettings:
    """`service`, whose address has been looked up."""
    return service.model_copy(
        update={
            "url": found.url,
            "audience": service.audience or found.audience,
            "other_urls": (*service.other_urls, *found.others),
        }
    )


def list_services(api: GoogleApi, project: str, region: str | None = None) -> list[Listed]:
    """Of one region, or of all. Raises CredentialError. Blocks."""
    regions = [region] if region else list(_regions(api, project))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lists = pool.map(lambda each: list(_listed(api, project, each)), regions)
        return [service for services in lists for service in services]


def _regions(api: GoogleApi, project: str) -> Iterator[str]:
    url = f"{BASE}/v1/projects/{project}/locations"
    for each in _pages(api, url, project, "locations"):
        yield str(each.get("locationId", ""))


def _listed(api: GoogleApi, project: str, region: str) -> Iterator[Listed]:
    url = f"{BASE}/v2/projects/{project}/locations/{region}/services"
    for each in _pages(api, url, project, "services"):
        name = str(each.get("name", "")).rpartition("/")[2]
        service = RunService(project=project, region=region, name=name)
        yield Listed(service=service, url=str(each.get("uri", "")))


def _pages(api: GoogleApi, url: str, project: str, key: str) -> Iterator[Mapping[str, Any]]:
    token = ""
    for _ in range(MAX_PAGES):
        page, _ = _get(api, f"{url}?{urlencode({'pageToken': token})}" if token else url, project)
        yield from page.get(key) or ()
        token = str(page.get("nextPageToken") or "")
        if not token:
            return


def _get(api: GoogleApi, url: str, project: str) -> tuple[Mapping[str, Any], str]:
    try:
        return api.get(url, api=NAME)
    except ApiRefusedError as refusal:
        who = refusal.principal
        places = {"project": project, "principal": who, "member": member_of(who)}
        raise explained(refusal, NAME, CASES, places) from None


def _found(answer: Mapping[str, Any], tag: str) -> dict[str, object]:
    uri = str(answer.get("uri") or "")
    if not uri:
        raise CredentialError(
            f"{NAME}: the service has no address yet",
            hint="Was its first deployment successful? gcloud run services list shows it.",
        )
    url = _tagged(answer, tag) if tag else uri
    urls = [uri, *map(str, answer.get("urls") or ())]
    return {"url": url, "audience": uri, "urls": urls}


def _tagged(answer: Mapping[str, Any], tag: str) -> str:
    tags = {
        str(each["tag"]): str(each["uri"])
        for each in answer.get("trafficStatuses") or ()
        if each.get("tag") and each.get("uri")
    }
    if tag not in tags:
        there = f"its tags are {', '.join(sorted(tags))}" if tags else "it has none"
        raise CredentialError(
            f'{NAME}: the service has no traffic tag "{tag}"; {there}',
            hint="gcloud run services update-traffic --set-tags makes one.",
            permanent=True,
        )
    return tags[tag]
