"""`authproxy export`: a configuration for another proxy."""

from collections.abc import Sequence
from pathlib import Path

import click

from authproxy.cli.context import Context
from authproxy.cli.flags import ALL, with_flags

ENGINES = ("nginx", "envoy")


@click.command("export")
@click.argument("engine", type=click.Choice(ENGINES))
@click.argument("urls", nargs=-1, metavar="[NAME=]URL...")
@with_flags(*ALL)
@click.pass_obj
def export(
    context: Context,
    /,
    engine: str,
    urls: Sequence[str],
    config: Path | None,
    **flags: object,
) -> None:
    """Print the configuration of another proxy that does the same.

    That proxy moves the bytes and asks authproxy's authorizer about each request. What it could not
    be told is refused, each setting by its name. docs/export.md says how both are run.
    """
    from authproxy.commands import export as exporting

    name = exporting.named(engine)
    settings = context.load(context.spell_out(urls, flags), config, flags, [exporting.check(name)])
    context.say_warnings()
    click.echo(exporting.export(name, settings), nl=False)
