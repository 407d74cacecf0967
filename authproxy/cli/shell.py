"""The commands that set things up: `config`, `completion`, `login`, and `export`."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from authproxy.cli.context import Context, complain
from authproxy.cli.flags import ALL, with_flags

ENGINES = ("nginx", "caddy", "envoy")
SHELLS = ("bash", "zsh", "fish")
COMPLETES = "_AUTHPROXY_COMPLETE"


@click.group("config")
def config() -> None:
    """Begin a configuration file, or have an editor check it."""


@config.command("init")
@click.argument(
    "path", required=False, type=click.Path(path_type=Path), default=Path("authproxy.toml")
)
@with_flags("--project", "--credentials", "--impersonate", "--egress-proxy")
@click.pass_obj
def _init(context: Context, /, path: Path, **flags: object) -> None:
    """Write a first configuration, with the Cloud Run services that are found.

    PATH is authproxy.toml by default; a file that is there already stays as it is. The services are
    those of --project, or of the project that the environment or gcloud names; without one the file
    has an example in their place.
    """
    from authproxy.commands.doctor.subject import NOWHERE
    from authproxy.commands.setup import init

    given = flags.pop("project")
    try:
        project = init.find_project(str(given) if given else None, context.machine)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--project") from None
    settings, names = context.choose((NOWHERE,), None, flags)
    find = partial(init.find_services, settings, names[0], context.machine, project)
    init.write(path, init.find_text(path, project, find))
    complain(f"wrote {path}; next: authproxy check -c {path}")


@config.command("schema")
def _schema() -> None:
    """Print a JSON Schema of configuration files.

    Editors with Taplo (Even Better TOML) complete and check a file whose first line names it:
    #:schema ./authproxy.schema.json
    """
    from authproxy.commands.setup import schema

    click.echo(schema.as_json())


_WHERE = {
    "bash": 'eval "$(authproxy completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(authproxy completion zsh)" in ~/.zshrc, after compinit',
    "fish": "authproxy completion fish > ~/.config/fish/completions/authproxy.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands."""
    from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

    kinds: dict[str, type[ShellComplete]] = {
        "bash": BashComplete,
        "zsh": ZshComplete,
        "fish": FishComplete,
    }
    made = kinds[shell](ctx.find_root().command, {}, "authproxy", COMPLETES)
    click.echo(made.source())
    if sys.stdout.isatty():
        complain(f"to keep it: {_WHERE[shell]}")


@click.command("login")
@click.option("--user", is_flag=True, help="Sign gcloud itself in: gcloud auth login.")
@click.option("--impersonate", metavar="EMAIL", help="The service account to act as, each time.")
@click.pass_obj
def login(context: Context, user: bool, impersonate: str | None) -> int:
    """Sign in as a person, by gcloud.

    It runs gcloud auth application-default login, and says so. Not needed on Google Cloud, nor with
    a key file or federation.
    """
    from authproxy.commands.setup import login as signing_in
    from authproxy.values import parse_email

    if user and impersonate:
        raise click.UsageError("--user signs gcloud in as you; use --impersonate without it")
    try:
        email = parse_email(impersonate) if impersonate else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--impersonate") from None
    return signing_in.run(context.environ, user=user, impersonate=email, say=complain)


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
