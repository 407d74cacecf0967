"""Checks for fields of a request that would get round the rules for its service."""

from authproxy.errors import Code, Refused
from authproxy.policy.access.permissions import Permissions
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.origin_mapping import (
    Home,
    after_prefix,
    is_path,
    parse_url,
    place_of,
    service_url,
)
from authproxy.policy.routes import Route
from authproxy.wire.upstream.upstream import Upstream


def check_fields(
    method: bytes,
    facts: RequestFacts,
    route: Route[Upstream],
    home: Home,
    permissions: Permissions | None,
) -> None:
    """Raises Refused. Asked once for the same fields, method and route; `permissions`: those of the
    service, or of the key that was shown."""
    if permissions is not None and facts.overrides:
        permissions.check_overrides(facts.overrides - route.service.rules.drop)
    if facts.destination and (permissions is not None or route.is_bounded):
        path = destination_path(facts.destination, home)
        route.check_below(path)
        if permissions is not None:
            permissions.check(method, path)


def destination_path(value: bytes, home: Home) -> bytes:
    """Where below the service's address a WebDAV Destination (RFC 4918 10.3) leads.

    One at another server should lead nowhere, but some services look at its path alone. Raises
    Refused for what a service could take for one of its own paths, and we cannot.
    """
    there = service_url(value, home)
    if is_path(there):
        path = after_prefix(there, home.service.rest)
    else:
        url = parse_url(there)
        if url is None:
            raise _refused("is neither a path nor a URL")
        places = [place_of(service) for service in home.services if url.is_at(place_of(service))]
        places = places or [home.service]
        found = (after_prefix(url.rest, place.rest) for place in places)
        path = next((each for each in found if each is not None), None)
    if path is None:
        raise _refused("is not below the service's address")
    return path if path[:1] == b"/" else b"/" + path


def _refused(why: str) -> Refused:
    return Refused(
        f"The Destination of this request {why}.",
        code=Code.PATH_NOT_ALLOWED,
        hint="Write the whole address, as it is at this proxy.",
    )
