import json
import subprocess
import sys
from pathlib import Path

import pytest

from authproxy.cli.main import run
from tests.support.program import clean_environment


def test_a_first_file_is_written_and_then_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.toml")

    assert [0, 1] == [run(["config", "init", path], environ={"PATH": "/nowhere"}) for _ in "12"]
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
    assert code == run(argv, environ={"PATH": "/nowhere"})
    assert said in capsys.readouterr().err


def test_bash_completes_commands_and_values(tmp_path: Path) -> None:
    program = tmp_path / "authproxy"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m authproxy "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(authproxy completion bash)"\n'
        'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n'
        '_authproxy_completion authproxy; echo "${COMPREPLY[*]}"; }\n'
        "try authproxy comp; try authproxy run --log-level de; try authproxy run --credentials me\n"
    )
    environ = clean_environment()
    environ["PATH"] = f"{tmp_path}:{environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env=environ, capture_output=True, text=True, timeout=30, check=True
    )

    assert ["completion", "debug", "metadata"] == done.stdout.split()
