from pathlib import Path

import pytest

from authproxy.commands.check import summary
from authproxy.settings import KeySettings
from tests.support.configuring import URL, settings


def test_a_summary_of_one_service_is_short() -> None:
    assert (
        summary(settings(urls=[URL]), {})
        == f"""\
The configuration is good.

  listen        localhost:8080
  hosts         localhost, *.localhost
  allow         127.0.0.0/8, ::1/128

billing -> {URL}
  hosts         billing.localhost
  audience      {URL}
  credentials   auto
  token header  auto"""
    )


def test_a_summary_has_all_that_was_set_and_no_secret() -> None:
    found = summary(
        settings(
            urls=["a=https://a"],
            flags={
                "--listen": ("80", "unix:/a.sock"),
                "--deny": ("10.0.0.1",),
                "--impersonate": "caller@p.iam",
                "--api-key": "env:KEY",
            },
            environ={
                "AUTHPROXY_HOSTS": "proxy.example",
                "AUTHPROXY_SERVICES_A_HOSTS": "a.example",
                "AUTHPROXY_SERVICES_A_ALLOW": "10.0.0.0/8",
                "AUTHPROXY_SERVICES_A_DENY": "10.0.0.2",
                "AUTHPROXY_DELEGATES": "one@p.iam,two@p.iam",
                "AUTHPROXY_AUDIENCE": "aud",
                "KEY": "hunter2",
            },
        ),
        {"https_proxy": "http://me:hunter2@proxy:3128"},
    )

    assert (
        found
        == """\
The configuration is good.

  listen        localhost:80
  listen        unix:/a.sock
  hosts         localhost, *.localhost, proxy.example
  allow         127.0.0.0/8, ::1/128
  deny          10.0.0.1/32

a -> https://a
  hosts         a.localhost, a.example
  audience      aud
  credentials   auto
  impersonate   caller@p.iam
  delegates     one@p.iam, two@p.iam
  token header  auto
  X-Api-Key     from env:KEY
  allow         10.0.0.0/8
  deny          10.0.0.2/32
  egress proxy  http://proxy:3128 (named by https_proxy)

Web pages: over plain http to proxy.example, a.example browsers do not say which page asks. A page
of another site is refused if it sends a Referer; one that sends none can make GET requests with
your identity. Use localhost or https (tls_cert_file), or ask for keys."""
    )


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"AUTHPROXY_HOSTS": "proxy.example"}, "proxy.example"),
        ({"AUTHPROXY_LISTEN": "0.0.0.0:80", "AUTHPROXY_ALLOW": "10.0.0.0/8"}, "this machine's"),
        ({"AUTHPROXY_HOSTS": "a.localhost"}, ""),
        ({"AUTHPROXY_HOSTS": "proxy.example", "AUTHPROXY_LISTEN": "unix:/a.sock"}, "proxy.example"),
        ({}, ""),
    ],
)
def test_it_says_where_pages_of_other_sites_are_not_told_apart(
    environ: dict[str, str], says: str
) -> None:
    found = summary(settings(urls=[URL], environ=environ), {})

    assert bool(says) is ("Web pages: over plain http" in found)
    assert says in found


def test_in_tls_or_with_keys_pages_of_other_sites_are_told_apart() -> None:
    from_names = settings(urls=[URL], environ={"AUTHPROXY_HOSTS": "proxy.example"})
    key = KeySettings(sha256=("0" * 64,))

    for safe in ({"tls_cert_file": Path("/cert.pem")}, {"keys": {"ci": key}}):
        assert "Web pages" not in summary(from_names.model_copy(update=safe), {})


def test_a_commands_arguments_are_kept_back() -> None:
    found = summary(
        settings(
            urls=["a=https://a", "b=https://b"],
            environ={
                "AUTHPROXY_SERVICES_A_CREDENTIALS": "command:vault read -token=hunter2",
                "AUTHPROXY_SERVICES_B_CREDENTIALS": "command:get-token",
            },
        ),
        {},
    )

    assert "  credentials   command:vault …\n" in found
    assert "  credentials   command:get-token\n" in found
    assert "hunter2" not in found


def test_a_service_by_name_has_no_address_yet() -> None:
    flags = {"--api-key": "secret:projects/acme-prod/secrets/key", "--tag": "canary"}
    found = summary(settings(urls=["acme-prod/europe-west1/billing"], flags=flags), {})

    assert (
        "billing -> acme-prod/europe-west1/billing\n"
        "  hosts         billing.localhost\n"
        "  audience      its address, when that was looked up\n"
        "  tag           canary\n"
    ) in found
    assert "  X-Api-Key     from secret:projects/acme-prod/secrets/key/versions/latest" in found


def test_it_says_which_path_a_rule_means() -> None:
    environ = {
        "AUTHPROXY_PATH": "/one",
        "AUTHPROXY_STRIP_PATH": "true",
        "AUTHPROXY_PATHS": "/api",
        "AUTHPROXY_DENY_PATHS": "/api/x,/one/admin",
        "AUTHPROXY_METHODS": "GET,POST",
        "AUTHPROXY_DENY_METHODS": "POST",
    }
    found = summary(settings(urls=[URL], environ=environ), {})

    assert found.endswith(
        """
  path          /one, which the service does not see
  methods       GET, POST
  deny methods  POST
  paths         /api (asked for as /one/api, or /api at billing.localhost)
  deny paths    /api/x (asked for as /one/api/x, or /api/x at billing.localhost), /one/admin \
(asked for as /one/one/admin, or /one/admin at billing.localhost)
  look again    deny_paths "/one/admin" is about what the service gets, which is without /one \
(strip_path): write "/admin".
  look again    deny_paths "/one/admin" fits nothing: paths lets nothing there through.
  look again    methods POST fits nothing: deny_methods has it too."""
    )
    environ |= {"AUTHPROXY_STRIP_PATH": "false", "AUTHPROXY_DENY_PATHS": ""}
    found = summary(settings(urls=[URL], environ=environ), {})
    assert "\n  path          /one, which the service sees\n" in found
    assert '\n  look again    paths "/api" fits nothing at localhost, where' in found
