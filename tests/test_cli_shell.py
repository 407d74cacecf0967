import json
from pathlib import Path

import pytest

from authproxy.cli.main import run


def test_a_first_file_is_written_and_then_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.toml")

    assert [0, 1] == [
        run(["config", "init", path], environ={"PATH": "/proc/nowhere"}) for _ in "12"
    ]
    assert f"wrote {path}; next: authproxy check -c {path}" in capsys.readouterr().err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["config", "schema"], environ={})
    assert "services" in json.loads(capsys.readouterr().out)["properties"]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["login", "--user", "--impersonate", "a@b.example"], 2, "use --impersonate without it"),
        (["login", "--impersonate", "me"], 2, "--impersonate"),
        (["login"], 1, "no gcloud on PATH"),
        (["completion", "tcsh"], 2, "tcsh"),
        (["config", "init", "--project", "A B"], 2, "--project"),
        (["init"], 2, "authproxy config init"),
    ],
)
def test_what_cannot_be_is_said(
    argv: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == run(argv, environ={"PATH": "/proc/nowhere"})
    assert said in capsys.readouterr().err
