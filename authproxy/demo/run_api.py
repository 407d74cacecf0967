"""The pretend Cloud Run Admin API: services by name, and their addresses."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from authproxy.demo.accounts import CLOUD_PLATFORM, Accounts
from authproxy.demo.iam import check_caller, rpc_error

SERVICE_PATH = "/v2/projects/{project}/locations/{region}/services/{name}"
SERVICES_PATH = "/v2/projects/{project}/locations/{region}/services"
LOCATIONS_PATH = "/v1/projects/{project}/locations"
PAGE = 2
"""So few services to a page that a list has several."""


@dataclass(slots=True, kw_only=True)
class Described:
    """A service as the API describes it."""

    urls: list[str]
    """The first is its `uri`."""
    tags: dict[str, str] = field(default_factory=dict)
    """Addresses by traffic tag."""


class PretendRunApi:
    """`GET` of one service, of those of a region, and of the regions. Only `viewers` may."""

    def __init__(self, accounts: Accounts) -> None:
        self.viewers: set[str] = set()
        self.services: dict[tuple[str, str, str], Described] = {}
        """By project, region and name."""
        self._accounts = accounts

    async def service(self, request: web.Request) -> web.StreamResponse:
        part = request.match_info
        refusal = self._refusal(request, "run.services.get")
        if refusal is not None:
            return refusal
        key = part["project"], part["region"], part["name"]
        found = self.services.get(key)
        if found is None:
            text = f"Resource '{part['name']}' of kind 'SERVICE' in region '{part['region']}'"
            return rpc_error(404, "NOT_FOUND", f"{text} in project '{part['project']}'")
        return web.json_response(_described(key, found))

    async def list(self, request: web.Request) -> web.StreamResponse:
        part = request.match_info
        refusal = self._refusal(request, "run.services.list")
        if refusal is not None:
            return refusal
        place = part["project"], part["region"]
        found = [key for key in sorted(self.services) if key[:2] == place]
        begin = int(request.query.get("pageToken") or 0)
        body: dict[str, Any] = {
            "services": [_described(key, self.services[key]) for key in found[begin : begin + PAGE]]
        }
        if begin + PAGE < len(found):
            body["nextPageToken"] = str(begin + PAGE)
        return web.json_response(body)

    async def locations(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refusal(request, "run.locations.list")
        if refusal is not None:
            return refusal
        project = request.match_info["project"]
        regions = dict.fromkeys(["europe-west1", *(key[1] for key in sorted(self.services))])
        return web.json_response(
            {
                "locations": [
                    {"name": f"projects/{project}/locations/{region}", "locationId": region}
                    for region in regions
                ]
            }
        )

    def _refusal(self, request: web.Request, permission: str) -> web.Response | None:
        caller = check_caller(self._accounts, request, {CLOUD_PLATFORM})
        if isinstance(caller, web.Response):
            return caller
        if caller.account.email in self.viewers:
            return None
        # As Google words it elsewhere; what Cloud Run's API really says was not seen.
        text = f"Permission '{permission}' denied on resource (or it may not exist)."
        return rpc_error(403, "PERMISSION_DENIED", text)


def _described(key: tuple[str, str, str], found: Described) -> dict[str, Any]:
    project, region, name = key
    return {
        "name": f"projects/{project}/locations/{region}/services/{name}",
        "uri": found.urls[0],
        "urls": found.urls,
        "trafficStatuses": [{"tag": tag, "uri": uri} for tag, uri in found.tags.items()],
    }
