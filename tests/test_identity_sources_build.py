import subprocess
import sys
from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.machine import Machine
from authproxy.identity.source import Source, paths_of
from authproxy.identity.sources.build import CAN_ACT, FINISHED, build_source
from authproxy.values import PLAIN_SOURCES, VALUE_SOURCES, CredentialsSpec

TARGET = "target@p.iam.gserviceaccount.com"


def build(kind: str, value: str = "", *, impersonate: str | None = None, **env: str) -> Source:
    return build_source(
        CredentialsSpec(kind, value), impersonate=impersonate, delegates=(), machine=Machine(env)
    )


def test_there_is_a_source_for_every_kind_that_can_be_configured() -> None:
    assert {*PLAIN_SOURCES, *VALUE_SOURCES} == {*CAN_ACT, *FINISHED}


@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("auto", "", "auto"),
        ("adc", "", "adc"),
        ("metadata", "", "metadata"),
        ("gcloud", "", "gcloud"),
        ("none", "", "none"),
        ("file", "/run/key.json", "file:/run/key.json"),
        ("token-file", "/run/token", "token-file:/run/token"),
        ("token-env", "TOKEN", "token-env:TOKEN"),
        ("command", "/opt/bin/get-token --password hunter2", "command:get-token"),
    ],
)
def test_a_source_is_named_as_in_the_configuration_but_for_secrets(
    kind: str, value: str, name: str
) -> None:
    assert name == build(kind, value).name


@pytest.mark.parametrize(
    ("kind", "value", "paths"),
    [
        ("file", "~/key.json", ["/h/key.json"]),
        ("token-file", "/run/token", ["/run/token"]),
        ("adc", "", ["/run/adc.json", "/h/.config/gcloud/application_default_credentials.json"]),
        (
            "gcloud",
            "",
            [
                "/h/.config/gcloud/credentials.db",
                "/h/.config/gcloud/active_config",
                "/h/.config/gcloud/configurations/config_default",
            ],
        ),
        ("metadata", "", []),
        ("token-env", "TOKEN", []),
        ("command", "get-token", []),
        ("none", "", []),
    ],
)
def test_a_source_names_the_files_whose_change_may_help(
    kind: str, value: str, paths: list[str]
) -> None:
    source = build(kind, value, HOME="/h", GOOGLE_APPLICATION_CREDENTIALS="/run/adc.json")

    assert paths == [str(path) for path in paths_of(source)]


def test_auto_names_the_files_of_all_that_it_could_choose() -> None:
    home = {"HOME": "/h", "GOOGLE_APPLICATION_CREDENTIALS": "/run/adc.json"}
    both = (*paths_of(build("adc", **home)), *paths_of(build("gcloud", **home)))

    assert both == paths_of(build("auto", **home))


@pytest.mark.parametrize("kind", CAN_ACT)
def test_sources_of_credentials_can_act_as_another_account(kind: str) -> None:
    assert kind == build(kind, impersonate=TARGET).name


@pytest.mark.parametrize("kind", FINISHED)
def test_finished_tokens_cannot_act_as_another_account(kind: str) -> None:
    with pytest.raises(ValueError, match="cannot act as") as caught:
        build(kind, "x", impersonate=TARGET)

    assert (
        f"{kind} cannot act as another service account; remove impersonate, or use one of adc,"
        " auto, file, gcloud, metadata" == str(caught.value)
    )


def test_delegates_without_an_account_to_act_as_are_refused() -> None:
    with pytest.raises(ValueError, match="delegates are the way to a service account"):
        build_source(
            CredentialsSpec("auto"), impersonate=None, delegates=[TARGET], machine=Machine({})
        )


@pytest.mark.parametrize(
    ("value", "env", "path"),
    [
        ("~/key", {"HOME": "/proc/nowhere"}, "/proc/nowhere/key"),
        ("~/key", {}, "~/key"),
        ("/run/~/key", {"HOME": "/proc/nowhere"}, "/run/~/key"),
    ],
)
def test_a_path_may_start_at_home(value: str, env: dict[str, str], path: str) -> None:
    assert f"token-file:{path}" == build("token-file", value, **env).name


def test_a_path_at_home_is_read_there(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hello")
    with pytest.raises(CredentialError, match="the file is not JSON"):
        build("file", "~/key", HOME=str(tmp_path)).mint("https://a")


def test_nothing_of_google_is_imported_before_a_token_is_wanted() -> None:
    """google-auth and requests take 0.15 seconds to import: `authproxy --help` does not wait."""
    program = """
import sys, authproxy.identity.token_cache.cache, authproxy.identity.sources.build
print([name for name in sys.modules if name.split(".")[0] in ("google", "requests", "urllib3")])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "[]\n" == done.stdout
