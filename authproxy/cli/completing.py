"""Completion in a shell of what is no command and no flag: values, and names of services.

A mistake in the configuration completes nothing; it is said when the command runs.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def words(*known: str) -> Complete:
    return lambda _ctx, _param, begun: [word for word in known if word.startswith(begun)]


def service_names(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Of the services in the file that `-c` or AUTHPROXY_CONFIG names, but for those written."""
    given = ctx.params.get("config") or os.environ.get("AUTHPROXY_CONFIG")
    written = [each for each in ctx.params.values() if isinstance(each, tuple | list)]
    used = {word for each in written for word in each}
    names = _names_in(Path(given)) if given else []
    return [name for name in names if name.startswith(begun) and name not in used]


def mcp_clients(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    from authproxy.mcp.configs import CLIENTS

    return [name for name in CLIENTS if name.startswith(begun)]


def _names_in(file: Path) -> Sequence[str]:
    import tomllib

    with suppress(OSError, ValueError):
        services = tomllib.loads(file.expanduser().read_text()).get("services", {})
        return [*services] if isinstance(services, Mapping) else []
    return []
