import os
from pathlib import Path

import pytest
import trustme

from tests.support.configuring import URL, problems, settings


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "authproxy.toml"
    file.write_text(content)
    return file


def test_a_token_is_not_sent_in_clear() -> None:
    assert [
        "command line: URL: http://a:8000 would get its token unencrypted, and others on the"
        ' network could read it; write https://a, or credentials = "none" if it needs no token'
    ] == problems(urls=["http://a:8000"])


def test_plain_http_is_for_this_machine_and_for_services_without_a_token() -> None:
    assert [] == problems(urls=["http://localhost:1"])
    assert [] == problems(urls=["http://a:8000"], flags={"--credentials": "none"})


@pytest.mark.parametrize("source", ["token-file:t", "token-env:T", "command:x", "none"])
def test_a_finished_token_cannot_act_as_a_service_account(source: str) -> None:
    kind = source.split(":")[0]

    assert [
        f'command line: --impersonate: credentials of the kind "{kind}" cannot act as a service'
        " account; use auto, adc, metadata, gcloud or file:KEY.json, or remove impersonate"
    ] == problems(
        urls=[URL],
        flags={"--credentials": source, "--impersonate": "a@b.iam"},
        environ={"T": "eyJ"},
    )


def test_delegates_need_somebody_to_act_as() -> None:
    assert [
        "environment: AUTHPROXY_DELEGATES: has no effect alone; add impersonate, the account to"
        " act as"
    ] == problems(urls=[URL], environ={"AUTHPROXY_DELEGATES": "a@b.iam"})


@pytest.mark.parametrize(
    ("token", "key", "is_bad"),
    [
        ("auto", "authorization", True),
        ("auto", "X-Serverless-Authorization", True),
        ("X-Token", "x-token", True),
        ("X-Serverless-Authorization", "Authorization", False),
        ("auto", "X-Api-Key", False),
    ],
)
def test_one_header_cannot_carry_token_and_key(token: str, key: str, is_bad: bool) -> None:
    environ = {
        "AUTHPROXY_TOKEN_HEADER": token,
        "AUTHPROXY_API_KEY": "env:KEY",
        "AUTHPROXY_API_KEY_HEADER": key,
        "KEY": "hunter2",
    }
    if not is_bad:
        assert [] == problems(urls=[URL], environ=environ)
        return

    assert [
        f"environment: AUTHPROXY_API_KEY_HEADER: {key} carries the token; choose another header for"
        " the key"
    ] == problems(urls=[URL], environ=environ)


def test_without_a_token_its_header_is_free_for_the_key() -> None:
    assert [] == problems(
        urls=[URL],
        flags={"--credentials": "none", "--api-key": "env:KEY"},
        environ={"AUTHPROXY_API_KEY_HEADER": "Authorization", "KEY": "hunter2"},
    )


@pytest.mark.parametrize(
    ("flag", "value", "sentence"),
    [
        ("--credentials", "token-env:TOKEN", "the environment variable TOKEN is not set"),
        ("--api-key", "env:KEY", "the environment variable KEY is not set"),
        ("--api-key", "file:/proc/no/key", 'there is no file "/proc/no/key"'),
        ("--ca-file", "/proc/no/ca.pem", 'there is no file "/proc/no/ca.pem"'),
        (
            "--ca-file",
            "/dev/null",
            '"/dev/null" holds no PEM certificate; it must have a BEGIN CERTIFICATE line',
        ),
        ("--ca-file", "", "needs the path of a file; leave it out where there is none"),
    ],
)
def test_what_is_not_there_is_a_problem_where_it_is_named(
    flag: str, value: str, sentence: str
) -> None:
    assert [f"command line: {flag}: {sentence}"] == problems(urls=[URL], flags={flag: value})


@pytest.mark.parametrize("kind", ["token-file", "file"])
def test_files_of_credentials_may_appear_later(kind: str) -> None:
    assert [] == problems(urls=[URL], flags={"--credentials": f"{kind}:/not/yet"})


def test_what_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("{}")
    (tmp_path / "key").write_text("hunter2\n")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    assert [] == problems(
        urls=[URL],
        flags={
            "--credentials": f"file:{tmp_path}/key.json",
            "--api-key": f"file:{tmp_path}/key",
            "--ca-file": f"{tmp_path}/ca.pem",
        },
    )


def test_a_pipe_is_not_read_before_it_is_needed(tmp_path: Path) -> None:
    """Reading uses it up, and opening one that nobody writes to would wait for ever."""
    os.mkfifo(tmp_path / "pipe")

    assert [] == problems(
        urls=[URL],
        flags={
            "--credentials": f"file:{tmp_path}/pipe",
            "--api-key": f"file:{tmp_path}/pipe",
        },
    )


ACCESS = '[services.s]\nurl = "https://storage.googleapis.com"\ntoken = "access"\n'


def test_an_access_token_may_go_to_googles_own_apis(tmp_path: Path) -> None:
    service = settings(file=write(tmp_path, ACCESS)).services["s"]

    assert ("", "Authorization") == (service.token_audience, service.header_for_token)


@pytest.mark.parametrize(
    "url",
    [
        "https://billing-abc123-ew.a.run.app",
        "https://googleapis.com.example",
        "https://evilgoogleapis.com",
        "http://storage.googleapis.com",
    ],
)
def test_an_access_token_goes_to_nobody_else(url: str, tmp_path: Path) -> None:
    file = write(tmp_path, f'[services.s]\nurl = "{url}"\ntoken = "access"\n')

    assert (
        "authproxy.toml:3: services.s.token: an access token gives access to everything that its"
        f" identity may do, so it is sent to https://NAME.googleapis.com only; for {url} use an"
        " identity token"
    ) in problems(file=file)


def test_a_finished_token_is_no_access_token(tmp_path: Path) -> None:
    file = write(tmp_path, ACCESS + 'credentials = "token-env:T"\n')

    assert [
        'authproxy.toml:4: services.s.credentials: credentials of the kind "token-env" have no'
        " access tokens; use auto, adc, metadata, gcloud or file:KEY.json"
    ] == problems(file=file, environ={"T": "x"})


def test_an_access_token_has_scopes_and_no_audience(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        ACCESS
        + 'audience = "https://a"\n[services.t]\nurl = "https://t"\nscopes = ["https://x"]\n',
    )

    assert [
        "authproxy.toml:4: services.s.audience: access tokens have none; remove it",
        'authproxy.toml:7: services.t.scopes: only access tokens have scopes; add token = "access"',
    ] == problems(file=file)


def test_what_is_wrong_with_a_list_is_said_before_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "allow.txt").write_text("10.0.0.0/8\n10.0.0.300\n")
    file = write(tmp_path, 'allow_file = "allow.txt"\ndeny_file = "deny.txt"\n')

    there, missing = problems(file=file, urls=[URL])
    assert 'allow.txt:2: allow_file: "10.0.0.300" is not an address' in there
    assert missing.startswith("authproxy.toml:2: deny_file: ")
