import json
from pathlib import Path

import pytest

from authproxy.cli.main import run

HOME = {"HOME": "/proc/nowhere"}


def test_what_to_paste_goes_to_stdout_and_where_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "https://billing-abc.run.app/mcp"
    code = run(["mcp", url, "--print-config", "cursor", "--audience", "a"], environ=HOME)
    out, err = capsys.readouterr()

    assert 0 == code
    [(name, server)] = json.loads(out)["mcpServers"].items()
    assert "billing-abc" == name
    assert ["mcp", url, "--audience", "a"] == server["args"][-4:]
    assert "~/.cursor/mcp.json" in err


def test_a_service_of_the_configuration_goes_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[services.tools]\nurl = "https://tools.example/mcp"\n')
    code = run(["mcp", "tools", "-c", str(file), "--print-config", "zed"], environ=HOME)
    out, _ = capsys.readouterr()

    assert 0 == code
    args = json.loads(out)["context_servers"]["tools"]["args"]
    assert ["mcp", "tools", "--config", str(file)] == args[-4:]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["https://a.example", "--print-config", "emacs"], 'no client is called "emacs"'),
        (["htps://a.example", "--print-config", "zed"], "the scheme must be https"),
        (["https://a.example", "--listen", "1"], "No such option"),
        (["--print-config", "zed"], "Which service?"),
    ],
)
def test_what_cannot_be_is_said(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["mcp", *argv], environ=HOME)
    assert said in capsys.readouterr().err


def test_one_of_several_services_has_to_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        '[services.a]\nurl = "https://a.example"\n[services.b]\nurl = "https://b.example"\n'
    )
    code = run(["mcp", "-c", str(file), "--print-config", "zed"], environ=HOME)

    assert 2 == code
    assert "an MCP server is one service; say which: authproxy mcp a" in capsys.readouterr().err
