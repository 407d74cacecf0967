from pathlib import Path

import pytest

from tests.support.configuring import URL, problems, settings


def found_in(tmp_path: Path, service: str, **environ: str) -> list[str]:
    file = tmp_path / "authproxy.toml"
    file.write_text(f"[services.billing]\n{service}\n")
    return problems(file=file, environ=environ)


@pytest.mark.parametrize(
    ("service", "problem"),
    [
        (
            f'url = "{URL}"\nservice = "acme-prod/europe-west1/billing"',
            "3: services.billing.service: says where the service is, and so does url; remove one",
        ),
        (
            f'url = "{URL}"\ntag = "canary"',
            "3: services.billing.tag: goes with a service by name; a tag's own address can be"
            " written as url",
        ),
        (
            'service = "acme-prod/europe-west1/billing"\ncredentials = "none"',
            '2: services.billing.service: credentials of the kind "none" cannot look a service up;'
            ' write its address: url = "https://…"',
        ),
        (
            'service = "billing"',
            '2: services.billing.service: "billing" is no PROJECT/REGION/NAME; write it as in'
            ' "acme-prod/europe-west1/billing"',
        ),
        (
            f'url = "{URL}"\napi_key = "secret:projects/acme-prod/secrets/k"\ncredentials = "none"',
            '3: services.billing.api_key: credentials of the kind "none" cannot ask Secret'
            " Manager; use auto, adc, metadata, gcloud or file:KEY.json, or env:NAME or file:PATH"
            " for the secret",
        ),
        (
            f'url = "{URL}"\nsecret_headers = ["Authorization: env:K"]',
            "3: services.billing.secret_headers: Authorization carries the token; choose another"
            " header for the key",
        ),
        (
            f'url = "{URL}"\napi_key = "env:K"\nsecret_headers = ["x-api-key: env:K"]',
            "4: services.billing.secret_headers: x-api-key is there twice; remove one",
        ),
        (
            f'url = "{URL}"\napi_key = "env:K"\nadd_headers = ["X-A: b", "x-api-KEY: "]',
            "4: services.billing.add_headers: x-api-KEY looks like a secret, which"
            ' must not be written here; write secret_headers = ["x-api-KEY: env:NAME"]',
        ),
        (
            f'url = "{URL}"\nsecret_headers = ["X-A: env:K"]\nadd_headers = ["x-a: b"]',
            "4: services.billing.add_headers: x-a carries a secret already; remove it",
        ),
        (
            f'url = "{URL}"\ntoken_header = "X-Who"\nadd_headers = ["x-who: b"]',
            "4: services.billing.add_headers: x-who carries the token; remove it",
        ),
        (
            f'url = "{URL}"\nsecret_headers = ["X-Key: env:GONE"]',
            "3: services.billing.secret_headers: the environment variable GONE is not set",
        ),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, service: str, problem: str) -> None:
    assert [f"authproxy.toml:{problem}"] == found_in(tmp_path, service, K="key")


def test_a_header_with_a_key_in_a_file_is_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2")
    (tmp_path / "key").chmod(0o600)
    file = tmp_path / "authproxy.toml"
    file.write_text(f'[services.billing]\nurl = "{URL}"\nsecret_headers = ["X-Key: file:key"]\n')

    [(name, ref)] = settings(file=file).services["billing"].secret_headers
    assert ("X-Key", f"file:{tmp_path}/key") == (name, str(ref))


def test_a_service_by_name_is_called_by_it() -> None:
    found = settings(urls=["acme-prod/europe-west1/billing", "b=acme-prod/europe-west1/billing"])

    assert ["billing", "b"] == list(found.services)
    assert all(service.is_nowhere for service in found.services.values())
