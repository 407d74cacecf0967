"""The flag `--open`, of `run` and of `status`."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from authproxy.cli.context import Context, OnReady, complain

if TYPE_CHECKING:
    from authproxy.settings import Settings


def show_page(context: Context, address: str | None) -> int:
    """Of the authproxy that runs already; the exit code."""
    from authproxy.commands import open_page
    from authproxy.runtime.admin import is_unattended

    by_browser = not is_unattended(context.environ)
    return open_page.run(address, context.environ, click.echo, complain, by_browser=by_browser)


def opener(settings: "Settings", environ: Mapping[str, str]) -> OnReady | None:
    """To be called once the proxy is ready; None in a container. Raises click.UsageError."""
    from authproxy.commands import open_page
    from authproxy.runtime.admin import find_place, is_unattended

    at_terminal = sys.stderr is not None and sys.stderr.isatty()
    if find_place(settings, at_terminal=at_terminal, environ=environ) is None:
        raise click.UsageError(
            "--open needs the admin listener, which has the page, and there is none:"
            " add --admin 4040"
        )
    if settings.admin.listen.path is not None:
        raise click.UsageError(
            "--open needs an admin listener with a port, not a Unix socket: --admin 4040"
        )
    if is_unattended(environ):
        complain("--open does nothing in a container, or on a machine that works by itself")
        return None

    def open_now(_urls: Sequence[str]) -> None:
        open_page.run_own(complain, environ)

    return open_now
