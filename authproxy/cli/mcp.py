"""The command `mcp`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authproxy.cli.completing import mcp_clients, service_names
from authproxy.cli.context import Context, complain, say_problems
from authproxy.cli.flags import MCP, with_flags
from authproxy.errors import ConfigError, Problem

if TYPE_CHECKING:
    from authproxy.settings import Settings


@click.command("mcp")
@click.argument(
    "word", required=False, default="", metavar="[URL|NAME]", shell_complete=service_names
)
@click.option("--path", metavar="PATH", help="Where in the service the server is.  [default: /mcp]")
@click.option(
    "--print-config",
    metavar="CLIENT",
    help="Print what to paste into a client, and end: claude-code, claude-desktop, codex, cursor,"
    " gemini-cli, vscode, windsurf, zed or other.",
    shell_complete=mcp_clients,
)
@with_flags(*MCP)
@click.pass_obj
def mcp(
    context: Context,
    /,
    word: str,
    path: str | None,
    print_config: str | None,
    config: Path | None,
    **flags: object,
) -> int:
    """Be an MCP server on stdio, for clients that start a command.

    All that the client says goes to the MCP server at URL, with a token, and back. URL has the
    server's path, https://SERVICE.run.app/mcp; NAME is that of a service in the configuration.
    Clients that speak HTTP need no such command: run authproxy, and give them
    http://localhost:8080/mcp.
    """
    from authproxy.mcp import command
    from authproxy.mcp.proxy import split_url

    url, own_path = split_url(word)
    load = partial(_load, context, url, config, flags)
    if print_config is not None:
        given = {"path": path, "config": config, **flags}
        _print_config(context, print_config, word, load()[1], given)
        return 0
    return command.run(load, path or own_path, say_problems)


def _load(
    context: Context, word: str, config: Path | None, flags: Mapping[str, object]
) -> "tuple[Settings, str]":
    """The settings, and the name of the service that is meant. Raises ConfigError."""
    settings, names = context.choose((word,) if word else (), config, dict(flags))
    context.say_warnings()
    if len(names) == 1:
        return settings, names[0]
    message = f"an MCP server is one service; say which: authproxy mcp {names[0]}"
    raise ConfigError([Problem(where="command line", key="URL", message=message)])


def _print_config(
    context: Context, client: str, word: str, name: str, flags: Mapping[str, object]
) -> None:
    """To stdout what to paste, and to stderr where."""
    from authproxy.mcp import configs

    try:
        found = configs.find_client(client)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--print-config") from None
    spelled = {f"--{key.replace('_', '-')}": value for key, value in flags.items()}
    entry = configs.make_entry(name, word, spelled, context.environ)
    complain(found.where)
    click.echo(found.write(entry))
