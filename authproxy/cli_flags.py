"""The flags of the command line: each is written once, and a command takes those it has use for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_FLAGS: Mapping[str, Callable[[Decorated], Decorated]] = {
    "--config": click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A TOML file; AUTHPROXY_CONFIG names one too.",
    ),
    "--listen": click.option(
        "-l",
        "--listen",
        multiple=True,
        metavar="ADDR",
        help="HOST:PORT, PORT, [IPV6]:PORT or unix:PATH; port 0 is any free one."
        "  [default: localhost:8080, or $PORT]",
    ),
    "--audience": click.option(
        "--audience", metavar="A", help="The token's audience.  [default: the service's address]"
    ),
    "--token-header": click.option(
        "--token-header", metavar="NAME", help="The header for the token.  [default: auto]"
    ),
    "--credentials": click.option(
        "--credentials",
        metavar="SOURCE",
        help="auto, adc, metadata, gcloud, file:KEY.json, token-file:PATH, token-env:NAME,"
        " command:ARGV or none.  [default: auto]",
    ),
    "--impersonate": click.option(
        "--impersonate", metavar="EMAIL", help="The service account to act as."
    ),
    "--api-key": click.option(
        "--api-key",
        metavar="REF",
        help="A key to send as X-Api-Key: env:NAME, file:PATH or secret:projects/P/secrets/S,"
        " never the key itself.",
    ),
    "--allow": click.option(
        "--allow",
        multiple=True,
        metavar="CIDR",
        help="Clients that may connect.  [default: this machine]",
    ),
    "--deny": click.option(
        "--deny", multiple=True, metavar="CIDR", help="Clients that may not, whatever --allow says."
    ),
    "--ca-file": click.option(
        "--ca-file", metavar="PEM", help="More certificates to trust for the service."
    ),
    "--project": click.option(
        "--project", metavar="P", help="The project of services given by name."
    ),
    "--region": click.option(
        "--region", metavar="R", help="The region of services given by name, as in europe-west1."
    ),
    "--tag": click.option(
        "--tag", metavar="T", help="The traffic tag to go to, of services given by name."
    ),
    "--tls-cert": click.option(
        "--tls-cert", metavar="PEM", help="Speak TLS with clients, with this certificate."
    ),
    "--tls-key": click.option(
        "--tls-key", metavar="PEM", help="The certificate's key, if it is not in the same file."
    ),
    "--egress-proxy": click.option(
        "--egress-proxy",
        metavar="URL",
        help="The proxy on the way out, or none.  [default: HTTPS_PROXY and NO_PROXY say]",
    ),
    "--log-format": click.option("--log-format", metavar="FORMAT", help="auto, text or json."),
    "--log-level": click.option(
        "--log-level", metavar="LEVEL", help="debug, info, warning or error."
    ),
    "--access-log": click.option(
        "--access-log/--no-access-log",
        default=None,
        help="Write a line for each exchange.  [default: yes]",
    ),
}

ALL = tuple(_FLAGS)
"""Of `run`."""

IDENTITY = (
    "--config",
    "--project",
    "--region",
    "--audience",
    "--credentials",
    "--impersonate",
    "--egress-proxy",
)
"""What a token depends on."""


def with_flags(*names: str) -> Callable[[Decorated], Decorated]:
    """The flags with these names, in this order in the help."""

    def decorate(command: Decorated) -> Decorated:
        for name in reversed(names):
            command = _FLAGS[name](command)
        return command

    return decorate
