"""What the command itself refuses. The demo is in tests/test_demo_runner.py."""

import pytest

from authproxy.cli.main import run


def test_a_demo_that_cannot_listen_there_is_a_mistake_in_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 2 == run(["demo", "--listen", "a b"], environ={})

    assert '"a b" is not an address' in capsys.readouterr().err


def test_a_demo_is_told_once_where_to_listen(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["demo", "--listen", "localhost:1", "--port", "2"]

    assert 2 == run(argv, environ={})
    assert "--listen and --port both set the port" in capsys.readouterr().err
