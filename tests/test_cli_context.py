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
