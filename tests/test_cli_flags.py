import click
import pytest
from click.testing import CliRunner

from authproxy.cli.flags import ALL, IDENTITY, spelled, with_flags
from authproxy.config.readers.environment import read_variables
from authproxy.config.readers.setting_names import FLAGS

OURS = ("--config", "--project", "--region", "--port", "--verbose", "--quiet")
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


@pytest.mark.parametrize("flag", sorted({*ALL} - {"--verbose", "--quiet"}))
def test_every_flag_with_a_value_is_a_variable(flag: str) -> None:
    name = f"AUTHPROXY_{flag.removeprefix('--').replace('-', '_').upper()}"

    _, problems = read_variables({name: "8080"}, [("services", "a", "url")])

    assert [] == problems


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"verbose": True}, {"--log-level": "debug"}),
        ({"quiet": True}, {"--log-level": "warning", "--access-log": False}),
        ({"quiet": True, "access_log": True}, {"--log-level": "warning", "--access-log": True}),
        ({"project": "p", "region": "r", "tls_key": "k"}, {"--tls-key": "k"}),
    ],
)
def test_what_stands_for_other_flags_becomes_those(
    given: dict[str, object], expected: dict[str, object]
) -> None:
    assert expected == spelled(given)


@pytest.mark.parametrize(
    "given", [{"verbose": True, "quiet": True}, {"verbose": True, "log_level": "info"}]
)
def test_flags_that_contradict_each_other_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(click.UsageError, match="leave"):
        spelled(given)
