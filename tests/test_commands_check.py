import json
from pathlib import Path

import pytest

from authproxy.cli.main import run
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


def test_the_audience_of_a_service_below_a_path_has_no_path() -> None:
    found = summary(settings(urls=["https://lb.example.com/apps/billing/"]), {}).splitlines()

    assert "billing -> https://lb.example.com/apps/billing" in found
    assert "  audience      https://lb.example.com" in found


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
        "  audience      its address, once it is looked up\n"
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
  paths         /api (asked for as /one/api, or /api at billing.localhost)
  deny paths    /api/x (asked for as /one/api/x, or /api/x at billing.localhost), /one/admin \
(asked for as /one/one/admin, or /one/admin at billing.localhost)
  methods       GET, POST
  deny methods  POST"""
    )
    environ |= {"AUTHPROXY_STRIP_PATH": "false", "AUTHPROXY_DENY_PATHS": ""}
    found = summary(settings(urls=[URL], environ=environ), {})
    assert "\n  path          /one, which the service sees\n" in found


def test_a_summary_shows_all_that_differs_from_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    (tmp_path / "allow.txt").write_text("::1\n")
    file.write_text(
        'trusted_proxies = "127.0.0.1"\nallow_file = "allow.txt"\n'
        '[listeners.local]\nlisten = "unix:/a"\nsocket_mode = "0660"\n'
        f'[keys.ci]\nsha256 = "{"ab" * 32}"\nservices = "a"\n'
        '[services.a]\nurl = "https://a"\nmethods = "read-only"\ndeny_paths = ["/admin/*"]\n'
        'path = "/a"\nstrip_path = true\nadd_headers = ["X-Env: test"]\n'
        '[log]\nlevel = "debug"\n[traces]\nexport = "off"\n'
        '[inspect]\nmemory = "64MiB"\nsecret_names = ["iban", "X-Customer"]\n'
        '[limits]\nbody_bytes = "10MB"\n[timeouts]\nconnect = "2500ms"\n'
    )

    assert (
        summary(settings(file=file), {})
        == f"""\
The configuration is good.

  hosts         localhost, *.localhost
  allow file    {tmp_path}/allow.txt
  trusted proxies 127.0.0.1/32

listener local
  listen        unix:/a
  socket mode   0660

key ci
  sha256        1 key
  services      a

a -> https://a
  hosts         a.localhost
  audience      https://a
  credentials   auto
  token header  auto
  path          /a, which the service does not see
  deny paths    /admin (asked for as /a/admin, or /admin at a.localhost)
  add headers   X-Env: test
  methods       GET, HEAD, OPTIONS

log
  level         debug

traces
  export        off

inspect
  memory        67108864
  secret names  iban, X-Customer

limits
  body bytes    10000000

timeouts
  connect       2.5"""
    )


KEY = {"type": "service_account", "client_email": "a@p.iam.gserviceaccount.com"}


@pytest.mark.parametrize("content", ["no json", json.dumps(KEY), json.dumps({"type": "odd"})])
@pytest.mark.parametrize("source", ["file", "adc", "auto"])
def test_a_credentials_file_is_read_as_the_doctor_does(
    source: str, content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key.json"
    key.write_text(content)
    key.chmod(0o600)
    environ = {} if source == "file" else {"GOOGLE_APPLICATION_CREDENTIALS": str(key)}
    credentials = f"file:{key}" if source == "file" else source

    assert 2 == run(["check", "--credentials", credentials, URL], environ=environ)

    err = capsys.readouterr().err
    assert err.startswith(f"authproxy: {key}: services.billing.credentials: ")
    assert "Traceback" not in err


def test_good_credentials_are_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
    file = tmp_path / "adc.json"
    file.write_text(json.dumps(user))
    file.chmod(0o600)

    assert 0 == run(["check", URL], environ={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})


def test_a_configuration_with_problems_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["check", "--json", "ftp://a"], environ={})

    out, err = capsys.readouterr()
    found = json.loads(out)
    assert ("", False, 1) == (err, found["ok"], len(found["problems"]))
