"""Which proxy a service is reached through: the rules of HTTPS_PROXY and NO_PROXY, and settings."""

from pathlib import Path

import pytest

from authproxy.config.readers.egress_proxy import find_egress, find_egress_for_tokens, is_direct
from authproxy.values import EgressSpec, parse_origin
from tests.support.configuring import problems, settings

PROXY = "http://proxy:3128"
OTHER = "http://other:3128"


def way_out(url: str, **environ: str) -> tuple[str, str] | None:
    """The proxy to the service, and what names it."""
    made = settings(urls=[f"a={url}"], environ=environ)
    found = find_egress(made.services["a"], made, environ)
    return None if found is None else (str(found), found.source)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": PROXY}, (PROXY, "HTTPS_PROXY")),
        ({"https_proxy": PROXY, "HTTPS_PROXY": OTHER}, (PROXY, "https_proxy")),
        ({"https_proxy": "", "HTTPS_PROXY": OTHER}, None),
        ({"ALL_PROXY": PROXY}, (PROXY, "ALL_PROXY")),
        ({"all_proxy": PROXY, "HTTPS_PROXY": OTHER}, (OTHER, "HTTPS_PROXY")),
        ({"HTTP_PROXY": PROXY}, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "a.example"}, None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "", "NO_PROXY": "*"}, (PROXY, "HTTPS_PROXY")),
        ({"HTTPS_PROXY": PROXY, "AUTHPROXY_EGRESS_PROXY": "none"}, None),
        ({"HTTPS_PROXY": PROXY, "AUTHPROXY_EGRESS_PROXY": OTHER}, (OTHER, "egress_proxy")),
        ({"AUTHPROXY_EGRESS_PROXY": OTHER, "NO_PROXY": "example"}, None),
        (
            {"AUTHPROXY_EGRESS_PROXY": "env:MINE", "MINE": "http://u:p@other:1"},
            ("http://other:1", "env:MINE"),
        ),
        ({"AUTHPROXY_SERVICES_A_EGRESS_PROXY": OTHER, "NO_PROXY": "*"}, (OTHER, "egress_proxy")),
        ({"AUTHPROXY_SERVICES_A_EGRESS_PROXY": "none", "HTTPS_PROXY": PROXY}, None),
        (
            {
                "AUTHPROXY_SERVICES_A_EGRESS_PROXY": "auto",
                "AUTHPROXY_EGRESS_PROXY": OTHER,
                "HTTPS_PROXY": PROXY,
            },
            (PROXY, "HTTPS_PROXY"),
        ),
    ],
)  # fmt: skip  -- a table
def test_variables_and_settings_name_the_proxy(
    environ: dict[str, str], expected: tuple[str, str] | None
) -> None:
    assert expected == way_out("https://a.example", **environ)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HTTP_PROXY": PROXY}, (PROXY, "HTTP_PROXY")),
        ({"HTTPS_PROXY": PROXY}, None),
        ({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, None),
        ({"http_proxy": PROXY, "REQUEST_METHOD": "GET"}, (PROXY, "http_proxy")),
    ],
)
def test_a_service_on_http_has_its_own_variable(
    environ: dict[str, str], expected: tuple[str, str] | None
) -> None:
    environ = {**environ, "AUTHPROXY_CREDENTIALS": "none"}

    assert expected == way_out("http://a.example", **environ)


def test_loopback_is_direct_whatever_the_environment_says() -> None:
    for url in ("https://localhost", "https://127.0.0.9:8443", "https://[::1]"):
        assert way_out(url, HTTPS_PROXY=PROXY) is None


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "https://a.example", True),
        ("", "https://a.example", False),
        (" , ", "https://a.example", False),
        ("a.example", "https://a.example", True),
        ("A.Example.", "https://a.example", True),
        ("a.example", "https://b.a.example", True),
        ("a.example", "https://ba.example", False),
        (".a.example", "https://a.example", True),
        (".a.example", "https://b.a.example", True),
        ("*.a.example", "https://b.a.example", True),
        ("b.a.example", "https://a.example", False),
        ("example", "https://a.example", True),
        ("x, a.example", "https://a.example", True),
        ("x a.example", "https://a.example", True),
        ("a.example:443", "https://a.example", True),
        ("a.example:8443", "https://a.example", False),
        ("a.example:8443", "https://a.example:8443", True),
        (".", "https://a.example", False),
        ("10.0.0.7", "https://10.0.0.7", True),
        ("10.0.0.7:8443", "https://10.0.0.7", False),
        ("10.0.0.7:443", "https://10.0.0.7", True),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("0.0.7", "https://10.0.0.7", False),
        ("10.0.0.0/99", "https://10.0.0.7", False),
        ("2001:db8::/32", "https://[2001:db8::7]", True),
        ("2001:db8::7", "https://[2001:db8::7]", True),
        ("[2001:db8::7]", "https://[2001:db8::7]", True),
        ("[2001:db8::7]:443", "https://[2001:db8::7]", True),
        ("[2001:db8::7]:8443", "https://[2001:db8::7]", False),
        ("2001:db8::/32", "https://10.0.0.7", False),
    ],
)
def test_no_proxy_names_what_is_direct(no_proxy: str, url: str, direct: bool) -> None:
    assert direct is is_direct(parse_origin(url), {"NO_PROXY": no_proxy})


def test_a_variable_that_names_no_proxy_is_a_problem_said_once() -> None:
    found = problems(
        urls=["a=https://a.example", "b=https://b.example"],
        environ={"HTTPS_PROXY": "socks5://me:hunter2@proxy:1080"},
    )

    assert found == [
        "environment: HTTPS_PROXY: this is not an HTTP proxy but socks5://; write"
        " http://PROXY:3128, or https:// for a proxy that speaks TLS itself; or set"
        ' egress_proxy = "none"'
    ]


def test_a_variable_that_no_service_needs_is_not_looked_at() -> None:
    environ = {"HTTPS_PROXY": "socks5://proxy:1080", "NO_PROXY": "example"}

    assert [] == problems(urls=["https://a.example"], environ=environ)


def test_a_file_that_names_no_proxy_is_a_problem_of_the_setting(tmp_path: Path) -> None:
    file, secret = tmp_path / "authproxy.toml", tmp_path / "proxy"
    file.write_text('egress_proxy = "file:proxy"\n[services.a]\nurl = "https://a.example"\n')

    assert problems(file=file) == ['authproxy.toml:1: egress_proxy: there is no file "proxy"']
    secret.write_text("me:hunter2@\n")
    assert problems(file=file) == [
        "authproxy.toml:1: egress_proxy: file:proxy: this is not the address of a proxy; write"
        " http://PROXY:3128, or https:// for a proxy that speaks TLS itself"
    ]


def test_the_setting_of_one_service_is_named_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text('[services.a]\nurl = "https://a.example"\negress_proxy = "env:GONE"\n')

    assert problems(file=file) == [
        "authproxy.toml:3: services.a.egress_proxy: the environment variable GONE is not set"
    ]


def test_tokens_take_the_way_that_the_setting_names() -> None:
    urls = ["https://a.example"]
    auto = settings(urls=urls, environ={"HTTPS_PROXY": PROXY})
    none = settings(urls=urls, flags={"--egress-proxy": "none"})
    other = settings(urls=urls, flags={"--egress-proxy": OTHER})

    assert EgressSpec("auto") == find_egress_for_tokens(auto, {"HTTPS_PROXY": PROXY})
    assert EgressSpec("none") == find_egress_for_tokens(none, {})
    assert OTHER == str(find_egress_for_tokens(other, {}))
