import stat
from pathlib import Path

import pytest

from authproxy.commands.setup.init import find_project, find_text, write
from authproxy.config.loading import load
from authproxy.errors import CredentialError, StartError
from authproxy.identity.apis.cloud_run import Listed
from authproxy.identity.machine import Machine
from authproxy.values import RunService

BILLING = Listed(
    service=RunService(project="acme-prod", region="europe-west1", name="billing"),
    url="https://billing-abc.run.app",
)


def refuse() -> list[Listed]:
    raise CredentialError("no\ncredentials")


def nothing_yet() -> list[Listed]:
    raise AssertionError("without a project nobody is asked")


def test_what_is_found_is_a_configuration_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    write(path, find_text(path, "acme-prod", lambda: [BILLING]))
    settings = load(urls=(), file=path, flags={}, environ={})

    assert ["billing"] == list(settings.services)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("project", "find", "why"),
    [
        ("", nothing_yet, "# No project is known"),
        ("acme-prod", refuse, "# acme-prod could not be asked: no credentials\n"),
        ("acme-prod", list, "# There are no Cloud Run services in acme-prod."),
    ],
)
def test_else_it_has_an_example_and_says_why(
    project: str, find: "object", why: str, tmp_path: Path
) -> None:
    assert callable(find)
    path = tmp_path / "a.toml"
    write(path, find_text(path, project, find))

    assert why in path.read_text()
    load(urls=["https://a.example"], file=path, flags={}, environ={})


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("mine")
    for where, said in ((path, "is there already"), (tmp_path / "no" / "a.toml", "cannot write")):
        with pytest.raises(StartError, match=said):
            write(where, "ours")

    assert "mine" == path.read_text()


def test_the_project_is_the_flags_the_environments_or_gclouds(tmp_path: Path) -> None:
    gcloud = tmp_path / "gcloud"
    gcloud.write_text("#!/bin/sh\necho from-gcloud\n")
    gcloud.chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    cases = [
        ("from-flag", path, "from-flag"),
        (None, {"GOOGLE_CLOUD_PROJECT": "from-environment", **path}, "from-environment"),
        (None, path, "from-gcloud"),
        (None, {"PATH": "/proc/nowhere"}, ""),
    ]
    for given, environ, found in cases:
        with Machine(environ) as machine:
            assert found == find_project(given, machine)
