from pathlib import Path

import pytest

from authproxy.commands.setup.login import arguments, run
from authproxy.errors import StartError

EMAIL = "caller@p.iam.gserviceaccount.com"


def test_each_sign_in_has_its_arguments() -> None:
    application = ["auth", "application-default", "login"]

    assert application == arguments(user=False, impersonate=None)
    assert [*application, f"--impersonate-service-account={EMAIL}"] == arguments(
        user=False, impersonate=EMAIL
    )
    assert ["auth", "login"] == arguments(user=True, impersonate=None)


@pytest.mark.parametrize(("code", "lines"), [(0, 4), (3, 3)])
def test_gcloud_is_run_and_what_for_is_said(
    code: int, lines: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gcloud = tmp_path / "gcloud"
    gcloud.write_text(f'#!/bin/sh\necho "asked: $*"\nexit {code}\n')
    gcloud.chmod(0o755)
    said: list[str] = []

    assert code == run({"PATH": str(tmp_path)}, user=False, impersonate=EMAIL, say=said.append)
    assert lines == len(said)
    assert (
        f"runs: gcloud auth application-default login --impersonate-service-account={EMAIL}" in said
    )
    assert capfd.readouterr().out.startswith("asked: auth application-default login")


def test_without_gcloud_it_says_what_else_there_is() -> None:
    with pytest.raises(StartError, match="no gcloud on PATH") as raised:
        run({"PATH": "/proc/nowhere"}, user=False, impersonate=None, say=print)

    assert "--credentials file:KEY.json" in (raised.value.hint or "")
