"""The manual page man/authproxy.1, from the help of the commands: --write puts it there.

One page for all commands, for that is what people look for: `man authproxy`. Read it as it is with
`man -l man/authproxy.1`.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from authproxy import __version__
from authproxy.cli.examples import EXAMPLES, every_command
from authproxy.cli.main import main

PAGE = Path(__file__).parents[1] / "man" / "authproxy.1"
BEGIN = """\
.\\" Written by scripts/man_page.py; change the help of the commands instead.
.TH AUTHPROXY 1 "" "authproxy {version}" "User Commands"
.SH NAME
authproxy \\- {summary}
.SH SYNOPSIS
.B authproxy
.RI [ run ]
.RI [ NAME= ] URL ...
.RI [ OPTIONS ]
.br
.B authproxy
.I COMMAND
.RI [ OPTIONS ]
.SH DESCRIPTION
"""
END = """\
.SH EXIT STATUS
.TP
.B 0
Success, or an end by a signal that a person sent with Ctrl\\-C in a command that follows something.
.TP
.B 1
A failure at run time.
.TP
.B 2
A mistake in usage or configuration.
.TP
.B 128 and more
A signal has ended it: 130 is Ctrl\\-C, 143 is SIGTERM.
.PP
.BR "authproxy doctor" ,
.BR "authproxy check \\-\\-running" " and"
.B authproxy exec
have more; each says so above.
.SH ENVIRONMENT
.TP
.B AUTHPROXY_CONFIG
The configuration's file, as \\-\\-config names it.
.TP
.BR AUTHPROXY_LISTEN ", " AUTHPROXY_LOG_LEVEL " \\&..."
Every flag of
.B authproxy run
that takes a value is a variable too.
.TP
.BR NO_COLOR ", " FORCE_COLOR
No colours anywhere; colours also where there is no terminal. Either counts unless it is empty, and
NO_COLOR has the last word.
.SH SEE ALSO
.BR curl (1),
the documents in docs/ of the source, and config.example.toml, which has every setting.
"""


def escaped(text: str) -> str:
    """Text that roff shows as it is: hyphens stay hyphens, so that flags can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def sentences(text: str) -> Iterator[str]:
    """Paragraphs of a docstring; behind `\\b` lines stay as they are."""
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        lines = [line.strip() for line in paragraph.splitlines()]
        if lines[0] == "\b":
            # Python 3.13 takes a docstring's indentation away, older ones leave it.
            kept = textwrap.dedent(paragraph.split("\n", 1)[1])
            yield f".PP\n.EX\n{escaped(kept)}\n.EE\n"
        else:
            yield f"{'.PP' if number else ''}\n{escaped(' '.join(lines))}\n".lstrip("\n")


def options(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path, **main.context_settings)
    for param in command.get_params(context):
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record is not None:
            yield f".TP\n.B {escaped(record[0])}\n{escaped(' '.join(record[1].split()))}\n"


def section(path: str, command: click.Command) -> Iterator[str]:
    """One command: usage, what it does, flags, examples."""
    context = click.Context(command, info_name=path, **main.context_settings)
    yield f".SS {escaped(path)}\n"
    yield f".B {escaped(' '.join([path, *command.collect_usage_pieces(context)]))}\n.PP\n"
    yield from sentences(command.help or "")
    yield from options(command, path)
    examples = "\n".join(map(escaped, EXAMPLES[path]))
    yield f".PP\nExamples:\n.PP\n.EX\n{examples}\n.EE\n"


def page() -> str:
    summary, _, rest = (main.help or "").partition("\n\n")
    written = [BEGIN.format(version=__version__, summary=escaped(summary.strip().rstrip(".")))]
    written += [*sentences(rest), ".SH OPTIONS\n", *options(main, "authproxy"), ".SH COMMANDS\n"]
    for path, command in every_command(main, "authproxy"):
        if command is not main:
            written += section(path, command)
    return "".join([*written, END])


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page())
    sys.exit(page() != PAGE.read_text())
