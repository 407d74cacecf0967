"""Flags of `authproxy tail`."""

import pytest

from authproxy.cli.main import run


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-n", "5001"], "5001 is not in the range 0<=x<=5000"),
        (["-n", "-1"], "-1 is not in the range"),
        (["--filter", "x"], "--filter"),
        (["a", "b"], "Got unexpected extra argument (b)"),
    ],
)
def test_a_mistake_is_a_mistake_in_usage(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["tail", *argv], environ={})
    assert said in capsys.readouterr().err


def test_help_says_how_filters_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["tail", "--help"], environ={})
    out = capsys.readouterr().out

    assert ">=400 or 400-499" in out
    assert "grpc, sse, websocket, mcp or refused" in out
