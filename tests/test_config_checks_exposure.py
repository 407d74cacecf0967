import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from authproxy.config.checks import exposure
from tests.support.certificates import write_pair
from tests.support.configuring import URL, problems

OPEN = 'listen = "0.0.0.0"\n'
SERVICE = f'[services.billing]\nurl = "{URL}"\n'


def found_in(tmp_path: Path, text: str, **environ: str) -> list[str]:
    file = tmp_path / "authproxy.toml"
    file.write_text(text)
    return problems(file=file, environ=environ)


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def too_open(where: str, name: str) -> list[str]:
    return [
        f'authproxy.toml:{where}: "{name}" can be read by every user of this machine (its mode is'
        f" 0644); run: chmod 600 {name}"
    ]


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        (f'{SERVICE}api_key = "file:secret"', "3: services.billing.api_key"),
        (
            f'{SERVICE}secret_headers = ["X-Key: file:secret"]',
            "3: services.billing.secret_headers",
        ),
        (f'{SERVICE}credentials = "file:account.json"', "3: services.billing.credentials"),
        (f'{SERVICE}[keys.ci]\nfile = "secret"', "4: keys.ci.file"),
        (f'egress_proxy = "file:proxy"\n{SERVICE}', "1: egress_proxy"),
    ],
)
def test_a_file_of_ours_with_a_secret_that_everybody_can_read_is_refused(
    tmp_path: Path, setting: str, where: str
) -> None:
    secret = write(tmp_path / "secret", "0123456789-0123456789-0123")
    account = write(tmp_path / "account.json", json.dumps({"type": "service_account"}))
    proxy = write(tmp_path / "proxy", "http://u:p@proxy.example:3128")
    name = next(file.name for file in (account, proxy, secret) if file.name in setting)

    assert too_open(where, name) == found_in(tmp_path, setting)
    for file in (secret, account, proxy):
        file.chmod(0o640)
    assert [] == found_in(tmp_path, setting)


def test_a_certificates_key_is_one_too(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "localhost", authority=trustme.CA())
    cert, key = pair.cert, pair.key
    key.chmod(0o644)
    apart = f'tls_cert_file = "{cert.name}"\ntls_key_file = "{key.name}"\n{SERVICE}'

    assert too_open("2: tls_key_file", key.name) == found_in(tmp_path, apart)
    both = write(tmp_path / "both.pem", cert.read_text() + key.read_text())
    together = f'tls_cert_file = "{both.name}"\n{SERVICE}'
    assert too_open("1: tls_cert_file", both.name) == found_in(tmp_path, together)


def test_a_federation_file_holds_no_secret(tmp_path: Path) -> None:
    write(tmp_path / "federation.json", json.dumps({"type": "external_account"}))

    assert [] == found_in(tmp_path, f'{SERVICE}credentials = "file:federation.json"')


def test_a_file_of_somebody_else_is_their_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "secret", "0123456789-0123456789")
    monkeypatch.setattr(os, "geteuid", lambda: 65532)

    assert [] == found_in(tmp_path, f'{SERVICE}api_key = "file:secret"')


def test_what_cannot_be_changed_is_not_complained_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = write(tmp_path / "secret", "0123456789-0123456789-0123")
    read_only = SimpleNamespace(f_flag=os.ST_RDONLY)
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)

    assert [] == found_in(tmp_path, f'{SERVICE}api_key = "file:secret"')
    assert exposure.open_mode(secret) is None
    assert exposure.open_mode(Path("/proc/nowhere")) is None


FORWARDED = (
    "has no effect on Cloud Run, where every connection comes from Google's front end; name its"
    " network in trusted_proxies (the access log shows its address), and X-Forwarded-For then says"
    " who the client is"
)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f'{OPEN}allow = ["192.0.2.0/24"]\n{SERVICE}', "2: allow"),
        (f'{OPEN}allow = ["0.0.0.0/0"]\ndeny = ["192.0.2.7"]\n{SERVICE}', "3: deny"),
        (
            f'{OPEN}allow = ["0.0.0.0/0"]\n{SERVICE}allow = ["192.0.2.0/24"]\n',
            "5: services.billing.allow",
        ),
    ],
)
def test_on_cloud_run_rules_about_clients_need_the_front_ends_word(
    tmp_path: Path, text: str, where: str
) -> None:
    assert [f"authproxy.toml:{where}: {FORWARDED}"] == found_in(tmp_path, text, K_SERVICE="proxy")
    assert [] == found_in(tmp_path, text)
    trusting = f'trusted_proxies = ["169.254.0.0/16"]\n{text}'
    assert [] == found_in(tmp_path, trusting, K_SERVICE="proxy")


def test_on_cloud_run_a_sidecar_that_nobody_elsewhere_reaches_may_say_so(tmp_path: Path) -> None:
    plain = f'allow = ["127.0.0.1", "192.0.2.7"]\n{SERVICE}'
    opened = f'{OPEN}allow = ["127.0.0.1"]\n{SERVICE}'

    assert [] == found_in(tmp_path, plain, K_SERVICE="proxy")
    assert [] == found_in(tmp_path, opened, K_SERVICE="proxy")


def test_on_cloud_run_everybody_may_be_let_in(tmp_path: Path) -> None:
    text = f'{OPEN}allow = ["0.0.0.0/0", "::/0"]\n{SERVICE}'

    assert [] == found_in(tmp_path, text, K_SERVICE="proxy")
