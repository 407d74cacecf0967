from typing import Any, cast

import pytest

from authproxy.errors import Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.access.permissions import Permissions
from authproxy.policy.messages.facts import RequestFacts, read_request
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.routes import Route
from authproxy.values import parse_origin
from authproxy.wire.admission.field_rules import check_fields, destination_path
from authproxy.wire.upstream.upstream import Upstream

PLAIN = Home(services=(b"https://dav.example",), client=b"http://localhost:8080")
BELOW = Home(services=PLAIN.services, client=PLAIN.client, prefix=b"/dav")
DEEP = Home(services=(b"https://lb.example/apps/dav", b"https://dav.example"), client=PLAIN.client)


@pytest.mark.parametrize(
    ("home", "value", "expected"),
    [
        (PLAIN, b"http://localhost:8080/a?b", b"/a?b"),
        (PLAIN, b"/a", b"/a"),
        (PLAIN, b"https://dav.example/a", b"/a"),
        (PLAIN, b"https://dav.example", b"/"),
        (PLAIN, b"https://evil.example/a", b"/a"),
        (BELOW, b"http://localhost:8080/dav/a", b"/a"),
        (BELOW, b"/dav/a", b"/a"),
        (BELOW, b"/a", b"/a"),
        (BELOW, b"http://localhost:8080/a", b"/a"),
        (DEEP, b"https://evil.example/apps/dav/a", b"/a"),
        (DEEP, b"http://localhost:8080/a", b"/a"),
        (DEEP, b"https://lb.example/apps/dav/a", b"/a"),
        (DEEP, b"https://dav.example/a", b"/a"),
    ],
)
def test_a_destination_is_read_as_a_path_below_the_services_address(
    home: Home, value: bytes, expected: bytes
) -> None:
    assert expected == destination_path(value, home)


@pytest.mark.parametrize(
    ("home", "value"),
    [
        (PLAIN, b"a"),
        (PLAIN, b"several"),
        (PLAIN, b"ftp://x/a"),
        (DEEP, b"https://lb.example/a"),
        (DEEP, b"https://evil.example/a"),
    ],
)
def test_a_destination_that_a_service_could_read_in_its_own_way_is_refused(
    home: Home, value: bytes
) -> None:
    with pytest.raises(Refused, match="The Destination of this request is n"):
        destination_path(value, home)


def facts(*fields: tuple[bytes, bytes]) -> RequestFacts:
    named = [make_field(*field) for field in ((b"Host", b"localhost:8080"), *fields)]
    return read_request(RequestHead(b"MOVE", b"/", "1.1", named))


def upstream(permissions: Permissions | None) -> Upstream:
    rules = service_rules(authority="dav.example", token_header="auto")
    url, unused = parse_origin("https://dav.example"), cast(Any, None)
    return Upstream("dav", url, rules, unused, unused, None, permissions=permissions)


@pytest.mark.parametrize(
    ("destination", "passes"),
    [
        (b"http://localhost:8080/pub/b", True),
        (b"https://evil.example/pub", True),
        (b"https://evil.example/admin", False),
        (b"http://localhost:8080/admin/b", False),
        (b"https://dav.example/admin/b", False),
        (b"http://localhost:8080/pub/../admin/b", False),
        (b"/%61dmin", False),
        (b"admin", False),
    ],
)
def test_nothing_is_moved_to_where_rules_forbid(destination: bytes, passes: bool) -> None:
    route = Route(upstream(Permissions(deny_paths=(b"/admin",))))
    asked = facts((b"Destination", destination))

    if passes:
        check_fields(b"MOVE", asked, route, PLAIN, route.service.permissions)
    else:
        with pytest.raises(Refused):
            check_fields(b"MOVE", asked, route, PLAIN, route.service.permissions)


def test_two_destinations_are_none() -> None:
    route = Route(upstream(Permissions(paths=(b"/pub",))))
    both = facts((b"Destination", b"/pub/a"), (b"destination", b"/pub/b"))

    with pytest.raises(Refused, match="neither a path nor a URL"):
        check_fields(b"COPY", both, route, PLAIN, route.service.permissions)


def test_nothing_is_moved_out_of_a_services_path() -> None:
    route = Route(upstream(None), base=b"/apps/dav")
    out = facts((b"Destination", b"http://localhost:8080/../reports/x"))

    with pytest.raises(Refused, match="leaves the service that it begins with"):
        check_fields(b"MOVE", out, route, DEEP, None)
    check_fields(b"MOVE", facts((b"Destination", b"/x")), route, DEEP, None)


def test_without_rules_a_destination_is_the_services_business() -> None:
    check_fields(b"MOVE", facts((b"Destination", b"a")), Route(upstream(None)), PLAIN, None)


def test_fields_that_override_are_refused_where_there_are_rules() -> None:
    route = Route(upstream(Permissions(methods=frozenset([b"MOVE"]))))

    with pytest.raises(Refused, match="change the request's method"):
        check_fields(
            b"MOVE",
            facts((b"X-HTTP-Method-Override", b"PUT")),
            route,
            PLAIN,
            route.service.permissions,
        )


@pytest.mark.parametrize("destination", [b"/admin", b"/pub/../admin/b", b"/%61dmin", b"admin"])
def test_nothing_is_moved_to_where_a_key_may_not_write(destination: bytes) -> None:
    route = Route(upstream(None))
    of_key = Permissions(paths=(b"/pub",), key="ci")

    check_fields(b"MOVE", facts((b"Destination", b"/pub/b")), route, PLAIN, of_key)
    with pytest.raises(Refused):
        check_fields(b"MOVE", facts((b"Destination", destination)), route, PLAIN, of_key)
