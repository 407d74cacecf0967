"""The command `demo`."""

import click

from authproxy.cli.context import Context


@click.command("demo")
@click.option(
    "-l",
    "--listen",
    metavar="ADDR",
    help="Where authproxy listens.  [default: localhost, at $PORT or 8080]",
)
@click.option(
    "-p",
    "--port",
    metavar="PORT",
    type=click.IntRange(min=0, max=65535),
    help="The port on localhost, in place of --listen.",
)
@click.option(
    "--token-life",
    default=60,
    show_default=True,
    metavar="SECONDS",
    type=click.IntRange(min=10, max=3600),
    help="How long the pretend Google's tokens are valid.",
)
@click.pass_obj
def demo(context: Context, listen: str | None, port: int | None, token_life: int) -> int:
    """Show it all on this machine, without an account.

    Starts a pretend Google, a pretend Cloud Run and authproxy in front of it, and says what to try.
    """
    from authproxy.demo import runner

    if port is not None:
        if listen is not None:
            raise click.UsageError("--listen and --port both set the port; leave one of them out")
        listen = f"localhost:{port}"
    return runner.run(listen=listen, token_life_s=token_life, run_proxy=context.serve)
