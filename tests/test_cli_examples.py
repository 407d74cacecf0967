"""The examples in the help: a shell reads each, its command takes the words, and some are run."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from authproxy.cli.context import Context
from authproxy.cli.examples import EXAMPLES, every_command
from authproxy.cli.main import main, run
from tests.support.program import clean_environment

COMMANDS = dict(every_command(main, "authproxy"))
LINES = [(path, line) for path, lines in EXAMPLES.items() for line in lines]
OTHERS = ("curl", "jq", "python3")
"""What else stands in the lines."""
RUN = ("check -c", "check https", "completion", "config", "key")
"""These need no service and no Google, and end by themselves."""
SAY_WORDS = """#!{python}
import json, os, sys
with open(os.environ["WORDS"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
"""
CALL_US = """#!/bin/sh
exec {python} -m authproxy "$@"
"""


def shell(line: str, folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run the line in `folder`, with `program` as authproxy, and nothing but what is listed."""
    path = folder / "bin"
    path.mkdir()
    for name in ("authproxy", *OTHERS):
        file = path / name
        is_ours = name == "authproxy"
        file.write_text((program if is_ours else "#!/bin/sh\ncat").format(python=sys.executable))
        file.chmod(0o755)
    (path / "cat").symlink_to("/bin/cat")
    (folder / ".config" / "fish" / "completions").mkdir(parents=True)
    (folder / "ci.key").write_text("a-key-of-sixteen-and-more\n")
    service = "[services.billing]\nurl = 'https://billing.example'\ncredentials = 'none'\n"
    if "-c authproxy.toml" in line:
        (folder / "authproxy.toml").write_text(service)
    environ = clean_environment({"WORDS": str(folder / "words"), "HOME": str(folder)})
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", line],
        env=environ | {"PATH": str(path)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


def parse(argv: list[str]) -> click.Context:
    """As the command that is meant parses them."""
    command: click.Command = main
    while isinstance(command, click.Group) and argv and argv[0] in command.commands:
        command = command.commands[argv.pop(0)]
    command = main.commands["run"] if command is main else command
    # click keeps a command's flags for help from its first context in this process.
    return command.make_context(
        command.name, argv, obj=Context({}, lambda *_: 0), **main.context_settings
    )


def test_every_command_has_two_to_four_examples_of_its_own() -> None:
    assert sorted(COMMANDS) == sorted(EXAMPLES)
    assert {} == {path: lines for path, lines in EXAMPLES.items() if not 2 <= len(lines) <= 4}
    for path, line in LINES:
        assert f"{path.removesuffix(' run')} " in f"{line} "


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_help_ends_with_them(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run([*path.split()[1:], "--help"], environ={})

    help_, _, shown = capsys.readouterr().out.partition("\n  Examples:\n")
    assert help_.startswith("Usage: authproxy")
    assert "".join(f"    {line}\n" for line in EXAMPLES[path]) == shown


@pytest.mark.parametrize("line", [line for _, line in LINES])
def test_a_shell_reads_it_and_the_command_takes_the_words(line: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path, SAY_WORDS)
    written = (tmp_path / "words").read_text().splitlines()

    assert (0, "") == (done.returncode, done.stderr)
    assert 1 == len(written)
    with parse(json.loads(written[0])) as context:
        assert context.command.name in ("run", *line.split())


@pytest.mark.parametrize(
    "line",
    [line for path, line in LINES if f"{line} ".split("authproxy ", 1)[1].startswith(RUN)],
)
def test_it_does_what_it_says(line: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path, CALL_US)

    assert 0 == done.returncode, done.stderr
    assert "Traceback" not in done.stderr
