"""The flag `--open` where it makes no sense."""

import pytest

from authproxy.cli.main import run


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["status", "--open", "--json"], 2, "leave --json and --ready out"),
        (
            ["status", "--open", "unix:/proc/nowhere/s"],
            1,
            "nothing answers at unix:/proc/nowhere/s",
        ),
        (["run", "https://a.run.app", "--open"], 2, "add --admin 4040"),
    ],
)
def test_it_says_why_there_is_no_page(
    argv: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == run(argv, environ={})
    assert said in " ".join(capsys.readouterr().err.split())
