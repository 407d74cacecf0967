"""The command `exec`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authproxy.cli.context import Context, complain
from authproxy.cli.flags import EXEC, with_flags

if TYPE_CHECKING:
    from authproxy.exec.placeholders import Variable
    from authproxy.settings import Settings

ARGV = "authproxy.exec.argv"
_NO_COMMAND = "Which command? Write it after two hyphens: authproxy exec URL -- CMD ARG…"


class WithCommand(click.Command):
    """A command with another one behind `--`, whose words are its own whatever they look like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[ARGV] = args[end + 1 :]
        return super().parse_args(ctx, args[:end])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- CMD [ARG...]"]


@click.command("exec", cls=WithCommand)
@click.argument("urls", nargs=-1, metavar="[NAME=]URL|SERVICE...")
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME[=TEMPLATE]",
    help="A variable for CMD with the service's address, or with TEMPLATE, which has {url} in it."
    " May be repeated.",
)
@click.option(
    "--http-proxy",
    is_flag=True,
    help="Set http_proxy too: what CMD asks of http://NAME.localhost or of the service's own name"
    " by plain http then goes through authproxy.",
)
@click.option(
    "--any-user", is_flag=True, help="Let other users of this machine connect, as with sudo in CMD."
)
@with_flags(*EXEC)
@click.pass_context
def exec_(
    ctx: click.Context,
    /,
    urls: Sequence[str],
    variables: Sequence[str],
    http_proxy: bool,
    any_user: bool,
    config: Path | None,
    **flags: object,
) -> int:
    """Run a command with a proxy of its own.

    authproxy listens on a free port of localhost, starts CMD, and stops when CMD ends, with its
    exit code. The address
    is in AUTHPROXY_URL, in AUTHPROXY_NAME_URL for each service, and in place of {url} in CMD's
    arguments, {url:NAME} with several services; {address} is HOST:PORT alone, {{url}} is {url}
    itself. Only processes of your own user can connect (on Linux).

    The terminal, signals and the exit code are CMD's. What went wrong in authproxy is said once,
    when CMD has ended; -v or --log-file FILE say more.
    """
    from authproxy.exec import command
    from authproxy.exec.child import CannotRunError
    from authproxy.exec.own_settings import ExecOptions

    context: Context = ctx.obj
    argv: list[str] = ctx.meta[ARGV]
    if not argv:
        raise click.UsageError(_NO_COMMAND, ctx)
    settings = context.load(context.spell_out(urls, flags), config, flags)
    options = ExecOptions(
        variables=tuple(_parse(variables)),
        forward_proxy=http_proxy,
        any_user=any_user,
        live_log=bool(flags["verbose"] or flags["log_level"] or flags["access_log"]),
    )
    _check(settings, argv, options.variables)
    context.say_warnings()
    try:
        return command.run(settings, argv, options, context.machine)
    except CannotRunError as error:
        complain(str(error))
        return error.code


def _parse(variables: Sequence[str]) -> "list[Variable]":
    from authproxy.exec.placeholders import Variable

    try:
        return [Variable.parse(text) for text in variables]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--env") from None


def _check(settings: "Settings", argv: Sequence[str], variables: "Sequence[Variable]") -> None:
    """Before anything is started: does everything lead to a service?"""
    from authproxy.exec.placeholders import ServiceUrls

    urls = ServiceUrls(dict.fromkeys(settings.services, "http://127.0.0.1:1"))
    try:
        for text in (*argv, *(variable.template for variable in variables)):
            urls.fill(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
