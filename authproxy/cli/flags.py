"""The flags of the command line: each is written once, and a command takes those it has use for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from authproxy.cli.completing import words

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _once(ctx: click.Context, param: click.Parameter, values: tuple[Any, ...]) -> Any:
    """What a flag that stands once says. Of two the first would be lost without a word."""
    if len(values) > 1:
        raise click.BadParameter("is given twice; write it once", ctx, param)
    return values[0] if values else None


def _single(*names: str, metavar: str, help: str, **more: Any) -> Callable[[Decorated], Decorated]:
    return click.option(*names, metavar=metavar, help=help, multiple=True, callback=_once, **more)


SOURCES = (
    *("auto", "adc", "metadata", "gcloud", "none"),
    *("file:", "token-file:", "token-env:", "command:"),
)

_FLAGS: Mapping[str, Callable[[Decorated], Decorated]] = {
    "--config": _single(
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
    "--port": _single(
        "-p", "--port", metavar="PORT", help="The port to listen on, in place of the usual one."
    ),
    "--audience": _single(
        "--audience", metavar="A", help="The token's audience.  [default: the service's address]"
    ),
    "--token-header": _single(
        "--token-header", metavar="NAME", help="The header for the token.  [default: auto]"
    ),
    "--credentials": _single(
        "--credentials",
        metavar="SOURCE",
        help="auto, adc, metadata, gcloud, file:KEY.json, token-file:PATH, token-env:NAME,"
        " command:ARGV or none.  [default: auto]",
        shell_complete=words(*SOURCES),
    ),
    "--impersonate": _single(
        "--impersonate", metavar="EMAIL", help="The service account to act as."
    ),
    "--api-key": _single(
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
        "--deny",
        multiple=True,
        metavar="CIDR",
        help="Clients that may not connect, even if --allow names them.",
    ),
    "--ca-file": _single(
        "--ca-file", metavar="PEM", help="More certificates to trust for the service."
    ),
    "--admin": _single(
        "--admin",
        metavar="ADDR",
        help="Where probes, metrics and the status of authproxy are, or off."
        "  [default: 127.0.0.1:4040 at a terminal outside containers and CI, else off]",
    ),
    "--inspect": click.option(
        "--inspect/--no-inspect",
        default=None,
        help="Keep the last exchanges, without secrets, for the page at --admin."
        "  [default: at a terminal outside containers and CI]",
    ),
    "--record-bodies": click.option(
        "--record-bodies/--no-record-bodies",
        default=None,
        help="Keep bodies and messages as well.  [default: no]",
    ),
    "--project": _single("--project", metavar="P", help="The project of services given by name."),
    "--region": _single(
        "--region", metavar="R", help="The region of services given by name, as in europe-west1."
    ),
    "--tag": _single("--tag", metavar="T", help="The traffic tag of services given by name."),
    "--tls-cert": _single(
        "--tls-cert", metavar="PEM", help="Speak TLS with clients, with this certificate."
    ),
    "--tls-key": _single(
        "--tls-key", metavar="PEM", help="The certificate's key, if it is not in the same file."
    ),
    "--egress-proxy": _single(
        "--egress-proxy",
        metavar="URL",
        help="The proxy on the way out, or none.  [default: by HTTPS_PROXY and NO_PROXY]",
    ),
    "--workers": _single(
        "--workers",
        metavar="N",
        help="Processes that answer clients: a number, or auto, one for each CPU.  [default: 1]",
        shell_complete=words("auto"),
    ),
    "--log-file": _single(
        "--log-file", metavar="FILE", help="Write the log there.  [default: stderr]"
    ),
    "--log-format": _single(
        "--log-format",
        metavar="FORMAT",
        help="auto, text or json.",
        shell_complete=words("auto", "text", "json"),
    ),
    "--log-level": _single(
        "--log-level",
        metavar="LEVEL",
        help="debug, info, warning or error.",
        shell_complete=words("debug", "info", "warning", "error"),
    ),
    "--access-log": click.option(
        "--access-log/--no-access-log",
        default=None,
        help="Write a line for each exchange.  [default: yes]",
    ),
    "--verbose": click.option("-v", "--verbose", is_flag=True, help="Log more: --log-level debug."),
    "--quiet": click.option(
        "-q",
        "--quiet",
        is_flag=True,
        help="Log less: warnings and errors, and no line for each exchange.",
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

EXEC = (
    *IDENTITY,
    "--tag",
    "--token-header",
    "--api-key",
    "--ca-file",
    "--log-file",
    "--log-format",
    "--log-level",
    "--access-log",
    "--verbose",
    "--quiet",
)
"""Of a proxy for one command, which chooses where it listens."""

MCP = (
    *IDENTITY,
    "--tag",
    "--token-header",
    "--api-key",
    "--ca-file",
    "--log-file",
    "--log-format",
    "--log-level",
    "--access-log",
    "--verbose",
    "--quiet",
)
"""Of a bridge, which listens nowhere."""


def with_flags(*names: str) -> Callable[[Decorated], Decorated]:
    """The flags with these names, in this order in the help."""

    def decorate(command: Decorated) -> Decorated:
        for name in reversed(names):
            command = _FLAGS[name](command)
        return command

    return decorate


def spelled(flags: Mapping[str, Any]) -> Mapping[str, object]:
    """Parameters by their flags, `--log-level`; what stands for several becomes those.

    Raises click.UsageError for two that contradict each other.
    """
    said = dict(flags)
    verbose, quiet = said.pop("verbose", False), said.pop("quiet", False)
    if verbose and quiet:
        raise click.UsageError("-v logs more and -q less; leave one of them out")
    if said.get("log_level") and (verbose or quiet):
        raise click.UsageError("--log-level sets it already; leave -v and -q out")
    if verbose or quiet:
        said["log_level"] = "debug" if verbose else "warning"
    if quiet and said.get("access_log") is None:
        said["access_log"] = False
    return {
        f"--{name.replace('_', '-')}": value
        for name, value in said.items()
        if name not in ("project", "region")
    }
