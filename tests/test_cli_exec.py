from pathlib import Path

import pytest

from authproxy.cli.main import run

URL = "https://a.example"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([URL], "Write it after two hyphens"),
        ([URL, "--"], "Write it after two hyphens"),
        (["--", "true"], "Which service?"),
        (["htps://a", "--", "true"], "the scheme must be https"),
        ([URL, "--listen", "80", "--", "true"], "No such option"),
        ([URL, "--env", "A=/v1", "--", "true"], "write A={url}/v1"),
        ([URL, "--env", "A={url:c}", "--", "true"], "there is no service c"),
        (["x=https://x", "y=https://y", "--", "curl", "{url}"], "write {url:x} or {url:y}"),
        (["x=https://x", "y=https://y", "--env", "A", "--", "true"], "write {url:x} or {url:y}"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_started(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["exec", *argv], environ={})
    assert said in capsys.readouterr().err


def test_a_log_file_that_cannot_be_written_is_a_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = str(tmp_path / "no" / "log")

    assert 1 == run(["exec", URL, "--log-file", log, "--", "true"], environ={})
    assert "cannot open the log file" in capfd.readouterr().err
