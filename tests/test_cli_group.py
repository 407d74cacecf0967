"""The words that are commands, and those that are not. More in tests/test_cli_main.py."""

import click
import pytest
from click.testing import CliRunner

from authproxy.cli.group import Commands
from authproxy.cli.main import run
from authproxy.settings import Settings


@click.group(cls=Commands)
def program() -> None:
    pass


@program.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def _run(words: tuple[str, ...]) -> None:
    click.echo(f"run {' '.join(words)}")


@program.command("token")
def _token() -> None:
    click.echo("token")


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["token"], "token\n"),
        (["https://a.run.app"], "run https://a.run.app\n"),
        (["acme/europe-west1/tokens"], "run acme/europe-west1/tokens\n"),
        (["tokens", "--project", "acme"], "run tokens --project acme\n"),
        (["tokens", "--region=us-east4"], "run tokens --region=us-east4\n"),
    ],
)
def test_what_is_no_command_is_for_run(words: list[str], output: str) -> None:
    assert output == CliRunner().invoke(program, words).output


def test_a_misspelled_command_is_not_taken_for_a_service() -> None:
    result = CliRunner().invoke(program, ["tokens"])

    assert 2 == result.exit_code
    assert 'No such command "tokens". Did you mean "token"?' in result.output


@pytest.mark.parametrize(
    ("argv", "advice"),
    [
        (["version"], "Did you mean authproxy --version?"),
        (["help"], "Did you mean authproxy --help?"),
        (["serve"], "Did you mean authproxy run?"),
        (["validate"], "Did you mean authproxy check?"),
        (["keygen"], "Did you mean authproxy key?"),
        (["signin"], "Did you mean authproxy login?"),
        (["Check"], 'Did you mean "check"?'),
        (["-version"], "did you mean --version?"),
        (["-listen", "80", "https://a"], "did you mean --listen?"),
        (["--versoin"], "did you mean authproxy --version?"),
        (["run", "--version"], "write authproxy --version, without anything else"),
        (["--host", "x", "https://a"], "did you mean --listen?"),
        (["--insecure", "https://a"], "certificates are always checked"),
        (["--log", "x", "https://a"], "did you mean --log-file?"),
    ],
)
def test_words_and_flags_of_other_programs_are_answered_with_ours(
    argv: list[str], advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(argv, environ={})

    assert advice in capsys.readouterr().err


def test_with_a_project_in_the_environment_a_word_may_be_a_service() -> None:
    environ = {"AUTHPROXY_PROJECT": "acme-prod", "AUTHPROXY_REGION": "us-east4"}
    served: list[Settings] = []

    def serve(settings: Settings, on_ready: object = None, _read: object = None) -> int:
        served.append(settings)
        return 0

    assert 0 == run(["tokens"], environ=environ, serve=serve)
    assert ["tokens"] == [name for each in served for name in each.services]
