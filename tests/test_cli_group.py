"""The words that are commands, and those that are not. More in tests/test_cli.py."""

import click
import pytest
from click.testing import CliRunner

from authproxy.cli_group import Commands


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
