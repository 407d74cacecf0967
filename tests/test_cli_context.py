"""What commands share. More in tests/test_cli_main.py."""

from pathlib import Path

import pytest

from authproxy.cli.context import Context
from authproxy.cli.main import run
from authproxy.settings import Settings
from tests.support.configuring import URL


def serve(settings: Settings, on_ready: object = None, _read: object = None) -> int:
    return 0


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_warning_is_a_line_and_all_goes_on(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run([command, "--deny", "10.0.0.0/8", URL], environ={}, serve=serve)

    assert (
        "authproxy: warning: command line: --deny: 10.0.0.0/8 has no effect: it is not allowed"
        " anyway\n"
    ) == capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "example"),
    [
        ([], "authproxy https://SERVICE.run.app"),
        (["run"], "authproxy https://SERVICE.run.app"),
        (["check"], "authproxy check https://SERVICE.run.app"),
        (["token"], "authproxy token https://SERVICE.run.app"),
        (["mcp"], "authproxy mcp https://SERVICE.run.app/mcp"),
        (["exec", "--", "ls"], "authproxy exec https://SERVICE.run.app -- curl {url}/"),
    ],
)
def test_without_a_service_each_command_says_how_it_is_written_itself(
    argv: list[str], example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(argv, environ={"HOME": "/"}, serve=serve)

    said = capsys.readouterr().err
    assert f"    {example}\n" in said
    assert f"{' '.join(example.split()[: 1 + (argv not in ([], ['run']))])} --help" in said


@pytest.mark.parametrize(
    ("argv", "starts"),
    [
        (["ftp://x"], True),
        (["exec", "ftp://x", "--", "ls"], True),
        (["demo", "-l", "a b"], True),
        (["check", "ftp://x"], False),
        (["token", "ftp://x"], False),
        (["doctor", "ftp://x"], False),
        (["list"], False),
        (["config", "init", "--credentials", "x"], False),
    ],
)
def test_only_what_starts_something_says_that_nothing_was_started(
    argv: list[str], starts: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(argv, environ={"HOME": "/proc/nowhere", "PATH": "/proc/nowhere"}, serve=serve)

    assert starts == ("nothing was started" in capsys.readouterr().err)


def test_services_by_name_are_spelled_out_in_the_variable_too() -> None:
    environ = {
        "AUTHPROXY_URL": "billing",
        "AUTHPROXY_PROJECT": "acme-prod",
        "AUTHPROXY_REGION": "us-east4",
    }

    found = Context(environ, serve).load((), None, {})

    assert "acme-prod/us-east4/billing" == str(found.services["billing"].service)


def test_a_place_of_ours_is_no_mistake_where_there_is_no_name(tmp_path: Path) -> None:
    found = Context({"AUTHPROXY_PROJECT": "acme-prod"}, serve).load((URL,), None, {})

    assert ["billing"] == list(found.services)
