"""What google-auth and other programs use is the proxy that the setting names."""

from authproxy.identity.google.egress import AS_ENVIRONMENT, environ_for, proxies_for
from authproxy.values import EgressSpec, parse_egress_url

PROXY = parse_egress_url("http://me:hunter2@proxy:3128")
ENVIRON = {"PATH": "/bin", "https_proxy": "http://other:1", "NO_PROXY": "a.example"}


def test_without_a_setting_all_is_as_the_environment_says() -> None:
    assert {} == proxies_for(AS_ENVIRONMENT)
    assert ENVIRON == environ_for(AS_ENVIRONMENT, ENVIRON)


def test_a_proxy_is_the_way_for_every_scheme() -> None:
    url = "http://me:hunter2@proxy:3128"

    assert {"http": url, "https": url, "all": url} == proxies_for(PROXY)
    assert environ_for(PROXY, ENVIRON) == {
        "PATH": "/bin",
        "NO_PROXY": "a.example",
        "http_proxy": url,
        "https_proxy": url,
        "all_proxy": url,
        "HTTP_PROXY": url,
        "HTTPS_PROXY": url,
        "ALL_PROXY": url,
    }


def test_none_beats_the_environment() -> None:
    none = EgressSpec("none")

    assert {"http": None, "https": None, "all": None} == proxies_for(none)
    assert {"PATH": "/bin", "NO_PROXY": "a.example"} == environ_for(none, ENVIRON)
