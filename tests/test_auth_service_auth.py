import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from authproxy.auth import ConfigError, ServiceAuth
from authproxy.auth.service_auth import explained
from authproxy.errors import CredentialError
from tests.support.auth_world import BOT, auth_world, in_thread
from tests.support.program import clean_environment


def test_a_mistake_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match=r"ServiceAuth\(\): url: .* would get its token unenc"):
        ServiceAuth("http://service.example")


async def test_the_token_itself_can_be_had_for_what_has_no_adapter() -> None:
    async with auth_world() as there, there.auth() as auth:
        tokens: list[str] = []
        await in_thread(lambda: tokens.append(auth.token(f"{there.url}/any/path")))
        with pytest.raises(ValueError, match=r"https://evil\.example is not one of the services"):
            auth.token("https://evil.example/")

    assert 3 == len(tokens[0].split("."))
    assert f"<ServiceAuth [{there.url}]>" == repr(auth)
    assert tokens[0] not in repr(vars(auth))


async def test_entering_it_fetches_the_token_ahead() -> None:
    async with auth_world() as there, there.auth() as auth:
        named = auth.find("https", "localhost", there.world.cloud_run.port)
        assert named is not None
        token = await auth.await_token(named)

    assert BOT == token.principal
    assert 1 == there.mints


async def test_settings_of_each_service_are_its_own() -> None:
    async with auth_world() as there:
        services: Mapping[str, Any] = {
            "a": {"url": there.url, "credentials": there.credentials},
            "b": {"url": there.stranger.url, "credentials": "none"},
        }
        async with ServiceAuth(services) as auth:
            tokens = []
            for url in (there.url, there.stranger.url):
                named = auth.find("https", "localhost", int(url.rpartition(":")[2]))
                assert named is not None
                tokens.append((await auth.await_token(named)).principal)

    assert [BOT, ""] == tokens


async def test_a_failure_is_not_waited_for_again_by_everybody() -> None:
    async with auth_world() as there:
        there.world.google.token.fail_with(400, '{"error": "invalid_grant"}', "application/json")
        with there.auth() as auth:

            def work() -> None:
                for _ in range(3):
                    with pytest.raises(CredentialError):
                        auth.token(there.url)

            await in_thread(work)

    assert 1 == there.world.google.token.calls


def test_advice_is_a_note_once() -> None:
    error = CredentialError("no token", hint="Sign in.")

    assert ["Sign in."] == explained(error).__notes__
    assert not hasattr(explained(CredentialError("no token")), "__notes__")


@pytest.mark.parametrize(
    ("library", "package"), [("httpx", "httpx"), ("requests", "requests"), ("grpc", "grpcio")]
)
def test_a_library_that_is_not_there_is_named_with_how_to_get_it(
    library: str, package: str
) -> None:
    """In a process where it cannot be imported."""
    script = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from authproxy.auth.service_auth import import_module_for\n"
        f"import_module_for({library!r})"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], env=clean_environment(), capture_output=True, text=True
    ).stderr

    assert f"{package} is not installed, and ServiceAuth.{library}() needs it" in said
    assert f"pip install {package}" in said


def test_no_http_library_is_imported_before_it_is_asked_for() -> None:
    script = (
        "import sys\nfrom authproxy.auth import ServiceAuth\n"
        "ServiceAuth('https://a.run.app')\n"
        "print(sorted({'aiohttp', 'httpx', 'grpc', 'requests'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], env=clean_environment(), capture_output=True, text=True
    )

    assert "[]\n" == said.stdout, said.stderr
