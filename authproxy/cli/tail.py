"""The command `tail`."""

import sys
from collections.abc import Sequence

import click

from authproxy.cli.completing import service_names, words
from authproxy.cli.context import Context, complain

FILTERS = ("service", "status", "method", "kind")


@click.command("tail")
@click.argument("address", required=False, metavar="[ADDR]")
@click.option("--text", metavar="WORDS", help="Words in path, host, service, client or principal.")
@click.option(
    "--service",
    metavar="NAME",
    multiple=True,
    help="Only those for this service.",
    shell_complete=service_names,
)
@click.option("--status", metavar="S", multiple=True, help="As in 404, 5xx, >=400 or 400-499.")
@click.option("--method", metavar="M", multiple=True, help="As in POST.")
@click.option(
    "--kind",
    metavar="K",
    multiple=True,
    help="grpc, sse, websocket, mcp or refused (by authproxy).",
    shell_complete=words("grpc", "sse", "websocket", "mcp", "refused"),
)
@click.option(
    *("-n", "--last"),
    type=click.IntRange(0, 5000),
    default=10,
    show_default=True,
    metavar="N",
    help="Begin with the last N that were.",
)
@click.option("--json", is_flag=True, help="Print an object a line: see docs/inspector-api.md.")
@click.pass_obj
def tail(
    context: Context,
    /,
    address: str | None,
    text: str | None,
    last: int,
    json: bool,
    **filters: Sequence[str],
) -> int:
    """Show what passes through a running authproxy.

    Each request has a line, once it is over; a WebSocket or a stream of events has one when it
    opens too. It goes on until Ctrl-C, also when authproxy is started anew.

    ADDR is that of the admin listener; without it, that of the authproxy that runs here is found
    as authproxy status finds it. Several values of a filter go with commas between, or with the
    flag once more.
    """
    from authproxy.commands.tail import command

    found = {name: ",".join(filters[name]) for name in FILTERS}
    given = {name: value for name, value in {"text": text, **found}.items() if value}
    wanted = command.TailWanted(filters=given, last=last, json=json)
    return command.run(address, context.environ, wanted, sys.stdout, complain)
