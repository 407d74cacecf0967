import click
import pytest
from click.testing import CliRunner

from authproxy.cli_flags import ALL, IDENTITY, with_flags
from authproxy.config.keys import FLAGS

OURS = ("--config", "--project", "--region")
"""Flags that are no settings."""


def flags_in_help(*names: str) -> list[str]:
    """In the order of the help."""

    @click.command()
    @with_flags(*names)
    def command(**_flags: object) -> None: ...

    lines = CliRunner().invoke(command, ["--help"]).output.splitlines()
    words = [line.replace(",", " ").replace("/", " ").split() for line in lines]
    return [word for line in words for word in line[:2] if word in (*FLAGS, *OURS)]


@pytest.mark.parametrize("names", [ALL, IDENTITY])
def test_a_command_has_the_flags_that_it_names_in_this_order(names: tuple[str, ...]) -> None:
    assert list(names) == flags_in_help(*names)


def test_every_flag_of_the_configuration_is_there() -> None:
    assert {*FLAGS, *OURS} == set(ALL)
