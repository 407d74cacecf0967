"""The manual page says what the commands' help says, and man's own checks find nothing in it."""

import re
import runpy
import subprocess
from pathlib import Path

import click
import pytest

from authproxy.cli.examples import EXAMPLES, every_command
from authproxy.cli.main import main
from tests.support.program import clean_environment

COMMANDS = dict(every_command(main, "authproxy"))
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "man" / "authproxy.1"
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "man_page.py"))
NO_DATE = "missing date"
"""A page without one has the same bytes on every day."""


def shown() -> str:
    """As a reader sees it, without what only sets it."""
    text = PAGE.read_text().replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")
    return re.sub(r"^\.B[RI]? ", "", text, flags=re.MULTILINE)


def test_the_page_is_that_of_the_commands() -> None:
    assert SCRIPT["page"]() == PAGE.read_text(), "run scripts/man_page.py --write"


def test_every_command_flag_and_example_is_in_it() -> None:
    page = shown()
    flags = {
        flag
        for command in COMMANDS.values()
        for param in command.params
        if isinstance(param, click.Option)
        for flag in (*param.opts, *param.secondary_opts)
    }

    assert [] == [path for path in COMMANDS if f"\n.SS {path}\n" not in page and " " in path]
    assert set() == {flag for flag in flags if not re.search(rf"(^|[ ,]){flag}\b", page, re.M)}
    assert [] == [line for lines in EXAMPLES.values() for line in lines[1:] if line not in page]


@pytest.mark.parametrize("text", [".br", "'x", "a\\b", "--flag", ".a\n.b", "…"])
def test_no_text_is_taken_for_a_request(text: str) -> None:
    found = SCRIPT["escaped"](text)

    assert not re.search(r"^[.']", found, re.MULTILINE)
    assert not re.search(r"\\(?![e&-])", found)
    assert not re.search(r"(?<!\\)-", found)


@pytest.mark.outside
def test_man_and_mandoc_find_nothing_in_it() -> None:
    environ = clean_environment({"MANWIDTH": "100"}) | {"LC_ALL": "C.UTF-8"}

    def run(*argv: str) -> str:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=30, check=False, env=environ
        )
        return done.stderr + "".join(done.stdout if argv[0] == "mandoc" else "")

    lint = run("mandoc", "-T", "lint", "-W", "warning", str(PAGE)).splitlines()
    read = subprocess.run(
        ["man", "-l", str(PAGE)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env=environ,
    )

    assert "" == run("man", "--warnings", "-l", "-Tutf8", "-Z", str(PAGE))
    assert [] == [line for line in lint if NO_DATE not in line]
    assert "authproxy tail --service billing --status '>=400'" in read.stdout
