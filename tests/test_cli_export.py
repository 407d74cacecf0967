from pathlib import Path

import pytest
from click.testing import CliRunner

from authproxy.cli.context import Context
from authproxy.cli.export import ENGINES
from authproxy.cli.main import main, run
from tests.support.exporting import REST, TOP


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
