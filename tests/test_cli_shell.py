import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authproxy.cli.context import Context
from authproxy.cli.main import main, run
from authproxy.cli.shell import ENGINES
from tests.support.exporting import REST, TOP


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


@pytest.mark.parametrize("engine", ENGINES)
def test_the_configuration_goes_to_stdout(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(TOP + REST)

    code = run(["export", engine, "-c", str(file)], environ={})

    said = capsys.readouterr()
    assert (0, "") == (code, said.err)
    assert said.out.endswith("\n")
    assert said.out.startswith("# Made by authproxy")


def test_what_cannot_be_exported_is_said_and_nothing_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text('health_path = "/h"\n' + TOP + REST)

    code = run(["export", "nginx", "-c", str(file)], environ={})

    said = capsys.readouterr()
    assert (2, "") == (code, said.out)
    assert f"{file}:1: health_path: cannot be exported for nginx" in said.err


def test_another_engine_is_told_the_ones_that_are_known() -> None:
    context = Context({}, lambda *_: 0)

    result = CliRunner().invoke(main, ["export", "apache"], obj=context)

    assert 2 == result.exit_code
    assert "'apache' is not" in result.output
