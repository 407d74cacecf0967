"""A service's own address in what it says, and the client's in what it asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.messages.origin_mapping import (
    Home,
    Url,
    local_origin,
    local_url,
    parse_url,
    service_origin,
    service_page,
    service_url,
)

HERE = Home(services=(b"https://billing.run.app",), client=b"http://localhost:8080")
BELOW = Home(
    services=(b"https://billing.run.app", b"https://billing-1.europe-west1.run.app"),
    client=b"http://localhost:8080",
    prefix=b"/billing",
)
DEEP = Home(
    services=(b"https://lb.example/apps/billing", b"https://billing.example"),
    client=b"http://localhost:8080",
)
DEEP_BELOW = Home(services=DEEP.services, client=DEEP.client, prefix=b"/one")
BY_NUMBER = Home(services=(b"http://[::1]:9000",), client=b"https://proxy.example")


def other(url: Url) -> bytes | None:
    """As the routes of a listener would say it."""
    if url.port != b"8080":
        return None
    if url.host == b"reports.localhost":
        return b"https://reports.run.app" + url.rest
    return b"https://shop.run.app" + url.rest[5:] if url.rest.startswith(b"/shop") else None


AMONG = Home(services=BELOW.services, client=BELOW.client, prefix=BELOW.prefix, find_address=other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"https://billing.run.app", b"http://localhost:8080"),
        (b"https://billing.run.app/x?y#z", b"http://localhost:8080/x?y#z"),
        (b"HTTPS://Billing.Run.App?x", b"http://localhost:8080?x"),
        (b"https://billing.run.app:443/x", b"http://localhost:8080/x"),
        (b"https://billing.run.app:0443/x", b"http://localhost:8080/x"),
        (b"https://billing.run.app:/x", b"http://localhost:8080/x"),
        (b"https://billing.run.app./x", b"http://localhost:8080/x"),
        (b"http://billing.run.app/x", b"http://localhost:8080/x"),
        (b"http://billing.run.app:80/x", b"http://localhost:8080/x"),
        (b"http://billing.run.app:443/x", b"http://localhost:8080/x"),
        (b"https://billing.run.app:80/x", b"http://localhost:8080/x"),
        (b"//billing.run.app/x", b"http://localhost:8080/x"),
        (b"//billing.run.app:443/x", b"http://localhost:8080/x"),
        (b"wss://billing.run.app/x", b"ws://localhost:8080/x"),
        (b"https://me:pw@billing.run.app/x", b"http://me:pw@localhost:8080/x"),
        (b"https://billing.run.app\\x", b"http://localhost:8080\\x"),
        (b"https://localhost:8080/x", b"http://localhost:8080/x"),
        (b"//LOCALHOST:8080/x", b"http://localhost:8080/x"),
        (b"https://billing.run.app.evil.example/", None),
        (b"https://billing.run.app@evil.example/", None),
        (b"https://billing.run.app:443@evil.example/", None),
        (b"https://evil.example\\@billing.run.app/", None),
        (b"https://evil.example/@billing.run.app/", None),
        (b"https://billing.run.app:8443/", None),
        (b"https://localhost/x", None),
        (b"https://localhost:80801/x", None),
        (b"https://accounts.google.com/?continue=https://billing.run.app/", None),
        (b"ftp://billing.run.app/", None),
        (b"javascript://billing.run.app/", None),
        (b"https:/billing.run.app/", None),
        (b"https://", None),
        (b"//", None),
        (b"/x", None),
        (b"/\\evil.example", None),
        (b"x/y", None),
        (b"?x", None),
        (b"#x", None),
        (b"", None),
    ],
)
def test_the_services_origin_becomes_the_clients(value: bytes, expected: bytes | None) -> None:
    assert (value if expected is None else expected) == local_url(value, HERE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"https://billing.run.app", b"http://localhost:8080/billing/"),
        (b"https://billing.run.app/", b"http://localhost:8080/billing/"),
        (b"https://billing.run.app/x", b"http://localhost:8080/billing/x"),
        (b"https://billing-1.europe-west1.run.app?x", b"http://localhost:8080/billing/?x"),
        (b"https://billing.run.app#x", b"http://localhost:8080/billing/#x"),
        (b"/x", b"/billing/x"),
        (b"/", b"/billing/"),
        (b"/billings", b"/billing/billings"),
        (b"https://localhost:8080/x", b"http://localhost:8080/billing/x"),
        (b"http://localhost:8080", b"http://localhost:8080/billing/"),
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
        (b"/billing", b"/billing"),
        (b"/billing/x", b"/billing/x"),
        (b"/billing?x", b"/billing?x"),
        (b"https://billing.run.app/billing/x", b"http://localhost:8080/billing/x"),
        (b"https://localhost:8080/billing/x", b"http://localhost:8080/billing/x"),
    ],
)
def test_who_has_read_x_forwarded_prefix_is_not_given_it_twice(
    value: bytes, expected: bytes
) -> None:
    assert expected == local_url(value, BELOW)


def test_our_own_address_with_another_services_path_keeps_it() -> None:
    assert b"http://localhost:8080/shop/x" == local_url(b"https://localhost:8080/shop/x", AMONG)


@pytest.mark.parametrize(
    ("value", "expected", "prefixed"),
    [
        (b"/apps/billing/x", b"/x", b"/one/x"),
        (b"/apps/billing", b"/", b"/one/"),
        (b"/apps/billing?x", b"/?x", b"/one/?x"),
        (b"https://lb.example/apps/billing/x", b"http://localhost:8080/x", None),
        (
            b"https://lb.example/apps/billing",
            b"http://localhost:8080",
            b"http://localhost:8080/one/",
        ),
        (b"https://billing.example/x", b"http://localhost:8080/x", None),
        (b"/one/apps/billing/x", b"https://lb.example/one/apps/billing/x", b"/one/x"),
        # What is not below its path cannot be had here.
        (b"/login", b"https://lb.example/login", b"https://lb.example/login"),
        (b"/apps/billings", b"https://lb.example/apps/billings", None),
        (b"https://lb.example/apps/reports", b"https://lb.example/apps/reports", None),
        (b"https://lb.example", b"https://lb.example", b"https://lb.example"),
    ],
)
def test_what_a_service_below_a_path_says_loses_that_path(
    value: bytes, expected: bytes, prefixed: bytes | None
) -> None:
    assert expected == local_url(value, DEEP)
    if prefixed is not None:
        assert prefixed == local_url(value, DEEP_BELOW)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"http://localhost:8080", b"https://billing.run.app"),
        (b"http://localhost:8080/billing/x?y", b"https://billing.run.app/x?y"),
        (b"https://localhost:8080/billing/x", b"https://billing.run.app/x"),
        (b"http://LocalHost:8080/billing", b"https://billing.run.app"),
        (b"http://localhost:8080/billings", b"https://billing.run.app/billings"),
        (b"http://localhost:8080/shop/x", b"https://shop.run.app/x"),
        (b"http://reports.localhost:8080/x", b"https://reports.run.app/x"),
        (b"http://reports.localhost:9090/x", None),
        (b"http://localhost:80801/", None),
        (b"https://evil.example/", None),
        (b"about:client", None),
    ],
)
def test_a_page_here_becomes_the_services(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == service_page(value, AMONG)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"http://localhost:8080/billing/x", b"https://billing.run.app/x"),
        (b"/billing/x", b"/x"),
        (b"/billing", b"/"),
        (b"/shop/x", b"https://shop.run.app/x"),
        (b"http://user:pw@localhost:8080/billing/x", b"https://billing.run.app/x"),
        (b"//localhost:8080/billing/x", b"https://billing.run.app/x"),
        # It would be another file than the one that was named.
        (b"http://localhost:8080/x", None),
        (b"/x", b"http://localhost:8080/x"),
        (b"x", None),
        (b"https://evil.example/billing/x", None),
    ],
)
def test_a_target_here_becomes_the_services_or_stays(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == service_url(value, AMONG)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"http://localhost:8080", b"https://billing.run.app"),
        (b"https://localhost:8080", b"https://billing.run.app"),
        (b"http://reports.localhost:8080", b"https://reports.run.app"),
        (b"http://reports.localhost", None),
        (b"http://localhost:8080/", None),
        (b"//localhost:8080", None),
        (b"https://evil.example", None),
        (b"chrome-extension://abc", None),
        (b"null", None),
        (b"", None),
    ],
)
def test_the_clients_origin_becomes_the_services(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == service_origin(value, AMONG)


def test_what_is_asked_of_a_service_below_a_path_gets_that_path() -> None:
    assert b"https://lb.example/apps/billing/x" == service_url(b"http://localhost:8080/x", DEEP)
    assert b"/apps/billing/x" == service_url(b"/x", DEEP)
    assert b"/apps/billing/x" == service_url(b"/one/x", DEEP_BELOW)
    assert b"https://lb.example" == service_origin(b"http://localhost:8080", DEEP)
    assert b"http://localhost:8080" == local_origin(b"https://lb.example", DEEP)


def test_addresses_may_be_numbers_and_ours_in_tls() -> None:
    assert b"https://proxy.example/x" == local_url(b"http://[::1]:9000/x", BY_NUMBER)
    assert b"http://[::1]/x" == local_url(b"http://[::1]/x", BY_NUMBER)
    assert b"http://[::1]:9000/x" == service_url(b"https://proxy.example:443/x", BY_NUMBER)
    assert b"wss://proxy.example/x" == local_url(b"ws://[::1]:9000/x", BY_NUMBER)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"https://billing.run.app", b"http://localhost:8080"),
        (b"http://billing.run.app", b"http://localhost:8080"),
        (b"https://localhost:8080", b"http://localhost:8080"),
        (b"https://billing.run.app/", None),
        (b"https://evil.example", None),
        (b"*", None),
        (b"null", None),
    ],
)
def test_an_origin_has_no_path(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == local_origin(value, BELOW)


PATHS = st.lists(st.sampled_from(["a", "b.c", "billing", "apps", "one"]), max_size=4).map(
    lambda parts: ("/" + "/".join(parts)).encode()
)


@given(PATHS, st.sampled_from([HERE, DEEP, DEEP_BELOW, BY_NUMBER]))
def test_there_and_back_again_is_the_same(path: bytes, home: Home) -> None:
    here = home.client + home.prefix + path

    assert here == local_url(service_url(here, home), home)


def test_a_url_is_taken_apart_without_what_can_be_left_out() -> None:
    assert Url(b"https", b"a@", b"x.example", b"", b"/y") == parse_url(b"HTTPS://a@X.Example:443/y")
    assert b"https://x.example" == Url(b"https", b"", b"x.example", b"", b"/y").origin
    assert b"x.example:1" == Url(b"", b"", b"x.example", b"1", b"").authority
    assert parse_url(b"https://[::1") is None
