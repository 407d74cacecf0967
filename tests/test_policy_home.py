"""A service's own origin in its answers, and the client's in its requests."""

import pytest

from authproxy.exchange import make_field
from authproxy.policy.home import (
    LOCAL_FIELDS,
    Home,
    local_answer,
    local_url,
    service_request,
    service_url,
)

HERE = Home(services=(b"https://billing.run.app",), client=b"http://localhost:8080")
BELOW = Home(
    services=(b"https://billing.run.app", b"https://billing-1.europe-west1.run.app"),
    client=b"http://localhost:8080",
    prefix=b"/billing",
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"https://billing.run.app", b"http://localhost:8080"),
        (b"https://billing.run.app/x?y#z", b"http://localhost:8080/x?y#z"),
        (b"HTTPS://Billing.Run.App?x", b"http://localhost:8080?x"),
        (b"https://billing.run.app:443/x", b"http://localhost:8080/x"),
        (b"http://billing.run.app/x", b"http://localhost:8080/x"),
        (b"//billing.run.app/x", b"http://localhost:8080/x"),
        (b"https://billing.run.app.evil.example/", None),
        (b"https://billing.run.app@evil.example/", None),
        (b"https://billing.run.app:8443/", None),
        (b"https://accounts.google.com/?continue=https://billing.run.app/", None),
        (b"ftp://billing.run.app/", None),
        (b"/x", None),
        (b"x/y", None),
        (b"", None),
    ],
)
def test_the_services_origin_becomes_the_clients(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == local_url(value, HERE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"https://billing.run.app/x", b"http://localhost:8080/billing/x"),
        (b"https://billing-1.europe-west1.run.app?x", b"http://localhost:8080/billing/?x"),
        (b"/x", b"/billing/x"),
        (b"//other.example/x", b"//other.example/x"),
        (b"x", b"x"),
    ],
)
def test_a_path_gets_the_prefix_that_the_service_does_not_see(
    value: bytes, expected: bytes
) -> None:
    assert expected == local_url(value, BELOW)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"http://localhost:8080", b"https://billing.run.app"),
        (b"http://localhost:8080/billing/x?y", b"https://billing.run.app/x?y"),
        (b"http://localhost:8080/billing", b"https://billing.run.app"),
        (b"http://localhost:8080/billings", b"https://billing.run.app/billings"),
        (b"http://localhost:80801/", None),
        (b"https://evil.example/", None),
        (b"null", None),
    ],
)
def test_the_clients_origin_becomes_the_services(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == service_url(value, BELOW)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (b"Content-Location", b"/x", b"/billing/x"),
        (
            b"Refresh",
            b"5; url=https://billing.run.app/x",
            b"5; url=http://localhost:8080/billing/x",
        ),
        (b"Refresh", b"0;URL='/x'", b"0;URL='/billing/x'"),
        (b"Refresh", b"5", b"5"),
        (
            b"Link",
            b"<https://billing.run.app/a>; rel=next, <b>; rel=x, </c>; rel=y",
            b"<http://localhost:8080/billing/a>; rel=next, <b>; rel=x, </billing/c>; rel=y",
        ),
        (b"Access-Control-Allow-Origin", b"https://billing.run.app", b"http://localhost:8080"),
        (b"Access-Control-Allow-Origin", b"*", b"*"),
        (
            b"Content-Security-Policy",
            b"default-src 'self' https://billing.run.app; upgrade-insecure-requests",
            b"default-src 'self' http://localhost:8080",
        ),
        (b"Content-Security-Policy", b"block-all-mixed-content", None),
        (b"Strict-Transport-Security", b"max-age=1", None),
        (b"Set-Cookie", b"a=b; Domain=billing.run.app; Path=/", b"a=b; Path=/billing"),
        (b"X-Other", b"https://billing.run.app", b"https://billing.run.app"),
    ],
)
def test_each_field_that_names_the_origin_is_made_local(
    name: bytes, value: bytes, expected: bytes | None
) -> None:
    field = make_field(name, value)
    found = local_answer([field], BELOW)

    assert ([] if expected is None else [make_field(name, expected)]) == found
    assert (name.lower() in LOCAL_FIELDS) or found == [field]


def test_over_tls_a_policy_may_ask_for_it() -> None:
    home = Home(services=HERE.services, client=b"https://localhost:8443")
    field = make_field(b"Content-Security-Policy", b"upgrade-insecure-requests")

    assert [field] == local_answer([field], home)


def test_a_request_is_what_the_service_would_see_of_its_own_pages() -> None:
    fields = [
        make_field(b"Origin", b"http://localhost:8080"),
        make_field(b"referer", b"http://localhost:8080/billing/x"),
        make_field(b"Cookie", b"authproxy..__Host-a=1; authproxy.other.b=2"),
        make_field(b"Cookie", b"authproxy.other.c=3"),
        make_field(b"X", b"http://localhost:8080"),
    ]

    assert [
        b"Origin: https://billing.run.app",
        b"referer: https://billing.run.app/x",
        b"Cookie: __Host-a=1",
        b"X: http://localhost:8080",
    ] == [line for _, _, line in service_request(fields, BELOW)]
