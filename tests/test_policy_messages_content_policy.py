"""What a page may load is as much here as it is at the service."""

import pytest

from authproxy.policy.messages.content_policy import local_permissions, local_policy
from authproxy.policy.messages.origin_mapping import Home

HOME = Home(services=(b"https://billing.run.app",), client=b"http://localhost:8080")
IN_TLS = Home(services=HOME.services, client=b"https://localhost:8443")
BELOW = Home(services=HOME.services, client=HOME.client, prefix=b"/one")
DEEP = Home(services=(b"https://lb.example:8443/apps/billing",), client=HOME.client)
L = "http://localhost:8080"
OTHER_PORT = "https://lb.example:8443"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://billing.run.app", L),
        ("HTTPS://Billing.run.app:443", L),
        ("http://billing.run.app", L),
        ("https://billing.run.app:*", L),
        ("wss://billing.run.app", "ws://localhost:8080"),
        ("ws://billing.run.app", "ws://localhost:8080"),
        ("billing.run.app", "localhost:8080"),
        ("billing.run.app:443", "localhost:8080"),
        ("https://billing.run.app/", L),
        ("https://billing.run.app/static/", f"{L}/static/"),
        ("billing.run.app/a.js", "localhost:8080/a.js"),
        # Among others.
        ("https:", f"https: {L}"),
        ("wss:", "wss: ws://localhost:8080"),
        ("https://*.run.app", f"https://*.run.app {L}"),
        ("*.run.app", "*.run.app localhost:8080"),
        ("wss://*.run.app/x", "wss://*.run.app/x ws://localhost:8080/x"),
        ("https://*", f"https://* {L}"),
        # Not ours.
        ("*", "*"),
        ("http:", "http:"),
        ("data:", "data:"),
        ("blob:", "blob:"),
        ("'self'", "'self'"),
        ("'none'", "'none'"),
        ("'nonce-billing.run.app'", "'nonce-billing.run.app'"),
        ("https://*.billing.run.app", "https://*.billing.run.app"),
        ("https://billing.run.app.evil.example", "https://billing.run.app.evil.example"),
        ("https://xbilling.run.app", "https://xbilling.run.app"),
        ("https://billing.run.app:8443", "https://billing.run.app:8443"),
        ("ftp://billing.run.app", "ftp://billing.run.app"),
    ],
)
def test_a_source_that_is_or_includes_the_service_includes_us(source: str, expected: str) -> None:
    policy = f"default-src 'self'; connect-src {source} https://x.example;"
    local = f"default-src 'self'; connect-src {expected} https://x.example;"

    assert local.encode() == local_policy(policy.encode(), HOME)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'; upgrade-insecure-requests", "default-src 'self'"),
        ("Upgrade-Insecure-Requests", None),
        ("block-all-mixed-content;upgrade-insecure-requests", None),
        ("img-src https://billing.run.app , upgrade-insecure-requests", f"img-src {L} "),
        ("script-src 'self', img-src billing.run.app", "script-src 'self', img-src localhost:8080"),
        ("report-uri /csp https://billing.run.app/csp", f"report-uri /csp {L}/csp"),
        ("report-to billing.run.app", "report-to billing.run.app"),
        ("sandbox allow-scripts", "sandbox allow-scripts"),
        ("form-action https://billing.run.app", f"form-action {L}"),
        ("base-uri https://billing.run.app/a/", f"base-uri {L}/a/"),
        ("frame-ancestors https://billing.run.app", f"frame-ancestors {L}"),
        ("  img-src\thttps://billing.run.app\t;;", f"  img-src\t{L}\t;;"),
        ("", None),
    ],
)
def test_each_directive_is_read_in_its_own_way(policy: str, expected: str | None) -> None:
    local = local_policy(policy.encode(), HOME)

    assert expected == (local.decode() if local is not None else None)


def test_over_tls_a_policy_may_ask_for_it_and_https_includes_us() -> None:
    policy = b"img-src https:; connect-src wss://billing.run.app; upgrade-insecure-requests"

    expected = b"img-src https:; connect-src wss://localhost:8443; upgrade-insecure-requests"
    assert expected == local_policy(policy, IN_TLS)


@pytest.mark.parametrize(
    ("source", "home", "expected"),
    [
        ("https://billing.run.app/a/", BELOW, f"{L}/one/a/"),
        ("https://billing.run.app", BELOW, L),
        (OTHER_PORT, DEEP, L),
        (f"{OTHER_PORT}/apps/", DEEP, L),
        (f"{OTHER_PORT}/apps/billing/a/", DEEP, f"{L}/a/"),
        (f"{OTHER_PORT}/other/", DEEP, f"{OTHER_PORT}/other/"),
        ("https://lb.example", DEEP, "https://lb.example"),
        ("https://lb.example:*", DEEP, L),
        ("report", DEEP, "report"),
    ],
)
def test_paths_of_sources_are_those_that_the_client_asks_for(
    source: str, home: Home, expected: str
) -> None:
    assert f"img-src {expected}".encode() == local_policy(f"img-src {source}".encode(), home)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('geolocation=(self "https://billing.run.app")', f'geolocation=(self "{L}")'),
        ('usb=("https://*.run.app"), midi=*', f'usb=("https://*.run.app" "{L}"), midi=*'),
        ('usb="https://billing.run.app"', f'usb="{L}"'),
        ('usb="https://*.run.app"', 'usb="https://*.run.app"'),
        ('usb=("https://x.example");report-to=a', 'usb=("https://x.example");report-to=a'),
        ("camera=()", "camera=()"),
    ],
)
def test_a_permission_for_the_service_is_one_for_us(value: str, expected: str) -> None:
    assert expected.encode() == local_permissions(value.encode(), HOME)
