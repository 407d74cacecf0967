"""The command as its users run it: real google-auth against the pretend Google."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authproxy.cli.main import run
from authproxy.demo.world import World
from authproxy.identity.claims import token_from_jwt
from tests.support.jwt import unsigned_jwt

ROBOT = "robot@p.iam.gserviceaccount.com"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World() as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        yield world


async def told(
    capsys: pytest.CaptureFixture[str], world: World, *argv: str
) -> tuple[int, str, str]:
    key = f"file:{world.service_account_file(ROBOT)}"
    code = await asyncio.to_thread(
        run, ["token", "--credentials", key, *argv], environ={"HOME": "/proc/nowhere"}
    )
    return code, *capsys.readouterr()


@pytest.mark.prints_tokens
async def test_the_token_is_printed_and_nothing_else(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = await told(capsys, world, world.url)
    token = token_from_jwt(out, source="stdout", audience="", now=0)

    assert (0, "") == (code, err)
    assert (world.url, ROBOT) == (token.audience, token.principal)
    assert out.endswith("\n")


async def test_the_service_may_be_a_name_of_the_configuration(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(
        f'[services.a]\nurl = "{world.url}"\naudience = "https://mine"\n'
        '[services.b]\nurl = "https://b"\n'
    )
    code, out, _ = await told(capsys, world, "--decode", "-c", str(file), "a")

    assert (0, "https://mine") == (code, json.loads(out)["aud"])


@pytest.mark.prints_tokens
async def test_a_header_is_ready_for_curl(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = await told(capsys, world, "--header", world.url)
    _, named, _ = await told(capsys, world, "--header", "--token-header", "X-Token", world.url)

    assert out.startswith("Authorization: Bearer eyJ")
    assert named.startswith("X-Token: Bearer eyJ")
    assert 1 == out.count("\n")


async def test_the_claims_are_shown_without_the_signature(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = await told(capsys, world, "--decode", "--audience", "https://x", world.url)
    claims = json.loads(out)

    assert (0, "") == (code, err)
    assert ("https://x", ROBOT) == (claims["aud"], claims["email"])
    assert "eyJ" not in out


async def test_a_failure_is_said_as_everywhere(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.google.accounts.disabled.add(ROBOT)
    code, out, err = await told(capsys, world, world.url)

    assert (1, "") == (code, out)
    assert err.endswith(
        f": the service account {ROBOT} is disabled\n"
        f"authproxy: gcloud iam service-accounts enable {ROBOT}\n"
    )


class Terminal:
    """What stdout is when a person looks on."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None: ...


@pytest.mark.parametrize(
    ("flags", "warned"), [((), True), (("--header",), True), (("--decode",), False)]
)
def test_who_prints_a_token_on_a_terminal_is_warned(
    flags: tuple[str, ...],
    *,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("T", unsigned_jwt(email="me@x.example", aud="https://a"))
    argv = ["token", "https://a", "--credentials", "token-env:T", *flags]

    assert 0 == run(argv)

    expected = "authproxy: anyone with this token can call https://a as me@x.example until "
    assert terminal.text
    assert warned is capsys.readouterr().err.startswith(expected)


def test_no_credentials_are_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == run(["token", "https://a", "--credentials", "none"], environ={})

    assert (
        "",
        'authproxy: there is no token: credentials are "none"\n'
        "authproxy: Name others with --credentials.\n",
    ) == capsys.readouterr()


def test_of_several_services_one_must_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["token", "https://a", "https://b"], environ={})

    assert capsys.readouterr().err.startswith(
        "authproxy: command line: URL: a token is for one service; say which: authproxy token a\n"
    )


def test_the_two_forms_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["token", "https://a", "--header", "--decode"], environ={})

    assert "--header and --decode cannot be used together" in capsys.readouterr().err


@pytest.mark.prints_tokens
async def test_an_access_token_is_shown_but_says_nothing_of_itself(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(
        '[services.a]\nurl = "https://storage.googleapis.com"\ntoken = "access"\n'
        f'credentials = "file:{world.service_account_file(ROBOT)}"\n'
    )
    header = await asyncio.to_thread(run, ["token", "--header", "-c", str(file)], environ={})
    out, _ = capsys.readouterr()
    claims = await asyncio.to_thread(run, ["token", "--decode", "-c", str(file)], environ={})
    _, err = capsys.readouterr()

    found = world.google.accounts.find_access_token(out.split()[-1])
    assert (0, "Authorization: Bearer") == (header, out.rpartition(" ")[0])
    assert found is not None
    assert ROBOT == found.account.email
    assert 1 == claims
    assert "authproxy: an access token has no claims to show\n" in err


CI = "ci@p.iam.gserviceaccount.com"
WITH_KEYS = (
    f'[keys.ci]\nsha256 = "{"a" * 64}"\nimpersonate = "{CI}"\nservices = ["a"]\n'
    f'[keys.person]\nsha256 = "{"b" * 64}"\n'
)


@pytest.mark.parametrize(("key", "who"), [("ci", CI), ("person", ROBOT)])
async def test_the_token_is_what_the_caller_with_a_key_would_get(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, who: str
) -> None:
    world.google.accounts.allow_acting_as(CI, by=ROBOT)
    file = tmp_path / "authproxy.toml"
    file.write_text(f'{WITH_KEYS}[services.a]\nurl = "{world.url}"\n')
    code, out, err = await told(capsys, world, "--decode", "-c", str(file), "--key", key, "a")

    assert (0, "") == (code, err)
    assert (who, world.url) == (json.loads(out)["email"], json.loads(out)["aud"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--key", "persn", "a"),
            "--key: there is no [keys.persn] in the configuration; did you mean",
        ),
        (("--key", "nobody", "a"), "[keys.nobody] in the configuration; it has ci, person"),
        (("--key", "ci", "b"), "--key: this key does not open b; it opens a"),
    ],
)
async def test_a_key_that_is_not_there_or_opens_something_else_is_no_key(
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    file = tmp_path / "authproxy.toml"
    urls = "".join(f'[services.{name}]\nurl = "https://{name}.example"\n' for name in "ab")
    file.write_text(WITH_KEYS + urls)
    code, out, err = await told(capsys, world, "-c", str(file), *arguments)

    assert (2, "") == (code, out)
    assert said in err


async def test_without_a_file_there_is_no_key_to_name(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = await told(capsys, world, "--key", "ci", world.url)

    assert 2 == code
    assert "nor any other key; name the file with -c" in err
