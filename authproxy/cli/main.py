"""The command line: arguments in, exit code out.

0 is success, 1 a failure at run time, 2 a mistake in usage or configuration. What a command does is
imported when it runs: `authproxy --help` must not wait for it.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authproxy.cli import version
from authproxy.cli.completing import service_names
from authproxy.cli.context import Context, OnReady, Read, ServeUntilStopped, complain, say_problems
from authproxy.cli.demo import demo
from authproxy.cli.examples import teach
from authproxy.cli.exec import exec_
from authproxy.cli.flags import ALL, IDENTITY, with_flags
from authproxy.cli.group import Commands
from authproxy.cli.mcp import mcp
from authproxy.cli.page import opener, show_page
from authproxy.cli.shell import completion, config, export, login
from authproxy.cli.tail import tail
from authproxy.errors import AuthProxyError, ConfigError, Problem, StartError
from authproxy.system import entry

if TYPE_CHECKING:
    from authproxy.settings import Settings

HELP_FLAGS = {"help_option_names": ["-h", "--help"]}


def run(
    argv: list[str],
    *,
    environ: Mapping[str, str] | None = None,
    serve: ServeUntilStopped | None = None,
) -> int:
    """Run the command in `argv`; `serve` stands in for `authproxy.runtime.app.run`."""
    context = Context(os.environ if environ is None else environ, serve or _serve)
    try:
        with context.at_end:
            return int(main.main(argv, "authproxy", standalone_mode=False, obj=context) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except ConfigError as error:
        return say_problems(error, command=context.command)
    except (StartError, AuthProxyError) as error:
        for text in filter(None, (str(error), error.hint)):
            complain(text)
        return 1


def _serve(settings: "Settings", on_ready: OnReady | None = None, read: Read | None = None) -> int:
    from authproxy.runtime.reload import ConfigOrigin
    from authproxy.workers.one_or_several import serve

    origin = None if read is None else ConfigOrigin(read=read[0], file=read[1])
    return serve(settings, on_ready, origin)


@click.group(cls=Commands, context_settings=HELP_FLAGS, subcommand_metavar="[run] URL… | COMMAND")
@click.version_option(version.describe(), "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Put a Google identity token on requests to IAM-protected services.

    authproxy https://SERVICE.run.app listens on localhost:8080 and passes each request on to the
    service, with a fresh token. authproxy run --help shows all flags.
    """
    ctx.obj.command = ctx.invoked_subcommand or "run"
    if ctx.obj.environ.get("NO_COLOR") or ctx.obj.environ.get("FORCE_COLOR"):
        from authproxy.values.wording import wants_colour

        ctx.color = wants_colour(ctx.obj.environ, at_terminal=False)


@main.command("run")
@click.argument("urls", nargs=-1, metavar="[NAME=]URL|SERVICE...")
@with_flags(*ALL)
@click.option("--open", "opens", is_flag=True, help="Open the inspector's page in the browser.")
@click.pass_obj
def _run(
    context: Context,
    /,
    urls: Sequence[str],
    config: Path | None,
    opens: bool,
    **flags: object,
) -> int:
    """Pass requests on to one or more services, until stopped.

    URL is a service's address; NAME=URL gives it a name of your choice. SERVICE is a Cloud Run
    service by name, PROJECT/REGION/NAME, or just NAME with --project and --region. Every flag that
    takes a value is a variable too, as --log-level is AUTHPROXY_LOG_LEVEL, and so is every key of
    the file: flags beat variables, variables beat the file.
    """

    def read() -> "tuple[Settings, Sequence[Problem]]":
        return context.load(context.spell_out(urls, flags), config, flags), context.warnings

    settings, _ = read()
    on_ready = opener(settings, context.environ) if opens else None
    context.say_warnings()
    return context.serve(settings, on_ready, (read, context.find_file(config)))


@main.command("check")
@click.argument("urls", nargs=-1, metavar="[NAME=]URL|SERVICE...")
@click.option("--json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--running",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[ADDR]",
    help="Say what a reload would change in the authproxy that runs, at this admin listener.",
)
@with_flags(*ALL)
@click.pass_obj
def _check(
    context: Context,
    /,
    urls: Sequence[str],
    config: Path | None,
    json: bool,
    running: str | None,
    **flags: object,
) -> int:
    """Say what is wrong with the configuration, or what would run.

    With --running the authproxy that runs reads its own configuration, and changes nothing; no
    other can be named here. The exit code is 0 when a reload would change nothing, 3 when it would,
    2 when the configuration is not valid, and 1 when nobody answers.
    """
    from authproxy.commands import check, settings_shown

    if running is not None:
        from authproxy.commands import check_running

        if urls or config is not None:
            raise click.UsageError(
                "--running is about the configuration that authproxy runs with; leave out"
                f" {'the services' if urls else '-c'}, or --running"
            )
        return check_running.run(running or None, context.environ, click.echo, json=json)

    try:
        settings = context.load(context.spell_out(urls, flags), config, flags)
        check.look_at_credentials(settings, context.environ)
    except ConfigError as error:
        if not json:
            raise
        click.echo(settings_shown.as_json(None, error.problems, (), context.environ))
        return 2
    if json:
        click.echo(settings_shown.as_json(settings, (), context.warnings, context.environ))
        return 0
    context.say_warnings()
    click.echo(check.summary(settings, context.environ))
    return 0


@main.command("token")
@click.argument("words", nargs=-1, metavar="[URL|NAME]", shell_complete=service_names)
@click.option("--header", is_flag=True, help="Print a header line, for curl -H.")
@click.option("--decode", is_flag=True, help="Print the token's claims, as JSON.")
@click.option(
    "--key", metavar="NAME", default="", help="Print the token that callers with this key get."
)
@with_flags(*IDENTITY, "--token-header")
@click.pass_obj
def _token(
    context: Context,
    /,
    words: Sequence[str],
    config: Path | None,
    header: bool,
    decode: bool,
    key: str,
    **flags: object,
) -> None:
    """Print an identity token for a service, for curl and scripts.

    URL is the service's address, NAME that of one in the configuration. --key NAME prints what
    authproxy would send for [keys.NAME], which may act as an account of its own.
    """
    from authproxy.commands import by_name, token

    if header and decode:
        raise click.UsageError("--header and --decode cannot be used together")
    form: token.Form = "header" if header else "claims" if decode else "token"

    settings, names = context.choose(words, config, flags)
    settings = by_name.locate(settings, names, context.machine)
    warn = complain if sys.stdout.isatty() else None
    token.run(settings, names, context.machine, form=form, say=click.echo, warn=warn, key=key)


@main.command("doctor")
@click.argument("words", nargs=-1, metavar="[URL|NAME]...", shell_complete=service_names)
@click.option("--json", is_flag=True, help="Print all findings as JSON.")
@with_flags(*ALL)
@click.pass_obj
def _doctor(
    context: Context,
    /,
    words: Sequence[str],
    config: Path | None,
    json: bool,
    **flags: object,
) -> int:
    """Say what is wrong, and what to do about it.

    Looks at clock, DNS, TLS and egress proxy, credentials, metadata server and gcloud; fetches a
    token, compares it with the service, and sends one request. URL is a service's address, NAME
    that of one in the configuration; without either, all of the configuration's.

    \b
    The exit code says what failed first:
      0  nothing            13  credentials       17  claims
     10  clock              14  metadata server   18  probe
     11  DNS                15  gcloud            19  role
     12  connection         16  token             20  lookup by name
    """
    from authproxy.commands.doctor import command

    words = words or command.nowhere(config, context.environ)
    settings, names = context.choose(words, config, flags)
    terminal = sys.stdout.isatty()
    return command.run(
        settings, names, context.machine, json=json, terminal=terminal, say=click.echo
    )


@main.command("status")
@click.argument("address", required=False, metavar="[ADDR]")
@click.option("--json", is_flag=True, help="Print everything as JSON.")
@click.option("--ready", is_flag=True, help="Say only whether it is ready, for health checks.")
@click.option("--open", "opens", is_flag=True, help="Open the inspector's page in the browser.")
@click.pass_obj
def _status(context: Context, address: str | None, json: bool, ready: bool, opens: bool) -> int:
    """Show how an authproxy is doing, or whether one answers.

    ADDR is that of an admin listener, which knows it all, or of a listener for clients, written as
    for --listen. By default it is AUTHPROXY_ADMIN, then the first of AUTHPROXY_LISTEN, then the
    admin listener of the authproxy that runs here, then localhost with $PORT or 8080. A
    configuration file is not read.

    The exit code is 0 when one answers, with --ready when it is ready, and 1 when not.
    """
    if opens:
        if json or ready:
            raise click.UsageError("--open shows no status; leave --json and --ready out")
        return show_page(context, address)
    from authproxy.commands import status

    wanted = status.StatusWanted(json, ready, sys.stdout.isatty())
    return status.run(address, context.environ, click.echo, wanted=wanted)


@main.command("list")
@with_flags("--config", "--project", "--region", "--credentials", "--impersonate", "--egress-proxy")
@click.pass_obj
def _list(context: Context, /, config: Path | None, **flags: object) -> int:
    """Show the Cloud Run services of a project, as a configuration.

    The configuration goes to stdout, what there is to say about it to stderr. Without --region all
    regions are looked at.
    """
    from authproxy.commands import by_name
    from authproxy.commands import list as listing
    from authproxy.commands.doctor.subject import NOWHERE

    given = {name: flags.pop(name) for name in ("project", "region")}
    project, region = by_name.find_list(given, context.environ)
    settings, names = context.choose((NOWHERE,), config, flags)
    return listing.run(
        settings,
        names[0],
        context.machine,
        project=project,
        region=region,
        say=click.echo,
        explain=complain,
    )


@main.command("key")
@click.argument("name", default="client", metavar="[NAME]")
@click.option("--sha256", is_flag=True, help="Print the digest of a key that is read from stdin.")
def _key(name: str, sha256: bool) -> None:
    """Make a key that clients must show.

    The key goes to stdout; what to write into the configuration, with its digest, to stderr.
    """
    from authproxy.commands import key

    if not sha256:
        try:
            key.make(name, say=click.echo, explain=partial(click.echo, err=True))
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    elif sys.stdin.isatty():
        with entry.raising():  # the terminal shows again what is typed
            shown = click.prompt("Key", hide_input=True, err=True)
        key.digest(shown, say=click.echo)
    else:
        key.digest(sys.stdin.readline(), say=click.echo)


main.add_command(demo)
main.add_command(exec_)
main.add_command(export)
main.add_command(config)
main.add_command(completion)
main.add_command(login)
main.add_command(mcp)
main.add_command(tail)
teach(main)
