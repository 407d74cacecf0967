"""The commands as a group in which `run` may be left out, and what is no command or flag."""

from collections.abc import Mapping, Sequence

import click

GROUP_FLAGS = ("-h", "--help", "-V", "--version")

_BY_NAME = ("--project", "--region")

_OTHERWISE: Mapping[str, str] = {
    "version": "did you mean authproxy --version?",
    "help": "did you mean authproxy --help?",
    **dict.fromkeys(("start", "serve", "server", "up", "proxy"), "did you mean authproxy run?"),
    **dict.fromkeys(
        ("validate", "lint", "test", "verify", "show"), "did you mean authproxy check?"
    ),
    **dict.fromkeys(("configure", "init", "setup"), "did you mean authproxy config init?"),
    **dict.fromkeys(("completions", "complete"), "did you mean authproxy completion?"),
    **dict.fromkeys(("keygen", "genkey", "keys"), "did you mean authproxy key?"),
    **dict.fromkeys(("diagnose", "debug", "diag"), "did you mean authproxy doctor?"),
    **dict.fromkeys(("ls", "services"), "did you mean authproxy list?"),
    **dict.fromkeys(("health", "healthcheck", "ping"), "did you mean authproxy status?"),
    **dict.fromkeys(("auth", "signin"), "did you mean authproxy login?"),
    **dict.fromkeys(("stop", "restart", "reload", "kill"), "it runs until Ctrl-C or SIGTERM"),
}
"""Words that other programs have for what is a command or a flag here."""

_FLAGS: Mapping[str, str] = {
    **dict.fromkeys(("--host", "--bind", "--address", "--addr"), "did you mean --listen?"),
    **dict.fromkeys(
        ("--url", "--target", "--upstream"), "the address needs no option: authproxy URL"
    ),
    **dict.fromkeys(
        ("--insecure", "-k", "--no-verify"),
        "certificates are always checked; to trust another CA, use --ca-file",
    ),
    **dict.fromkeys(("--debug", "--trace"), "did you mean -v?"),
    **dict.fromkeys(("--silent", "--no-log"), "did you mean -q?"),
    **dict.fromkeys(("--log", "--output", "--logfile"), "did you mean --log-file?"),
    **dict.fromkeys(("--token", "--key-file", "--credential"), "did you mean --credentials?"),
    **dict.fromkeys(
        ("--service-account",), "did you mean --impersonate, or --credentials file:KEY.json?"
    ),
    **dict.fromkeys(("--header", "-H"), "write add_headers into a file, and use it with --config"),
    "--version": "write authproxy --version, without anything else",
    **dict.fromkeys(("--cert",), "did you mean --tls-cert?"),
    **dict.fromkeys(("--key",), "did you mean --tls-key, or --api-key?"),
    **dict.fromkeys(
        ("--daemon", "--background", "-d"), "a service manager or & runs it in the background"
    ),
}


class Commands(click.Group):
    """`run` may be left out: what is no command is an argument or a flag of `run`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        completing = ctx.resilient_parsing and not args
        if first not in self.commands and first not in GROUP_FLAGS and not completing:
            if not ctx.resilient_parsing:
                self._refuse_misspelled(ctx, first, args)
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """What is no flag may be one elsewhere."""
        from authproxy.values import find_slip

        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            said = _FLAGS.get(error.option_name)
            if said is None and find_slip(error.option_name, ("--version",)):
                said = "did you mean authproxy --version?"
            if said is None:
                raise
            text = f"No such option: {error.option_name}; {said}"
            raise click.UsageError(text, error.ctx) from None

    def _refuse_misspelled(self, ctx: click.Context, word: str, args: Sequence[str]) -> None:
        """A service's address has a dot, a colon, a slash or an equals sign; a command has none."""
        from authproxy.values import find_close

        if len(word) > 3 and word[0] == "-" != word[1] and word.isascii():
            self._refuse_one_hyphen(ctx, word)
        by_name = any(arg.startswith(_BY_NAME) for arg in args) or _has_places(ctx)
        if not word.isalpha() or by_name:
            return
        close = find_close(word.lower(), self.commands)
        said = _OTHERWISE.get(word.lower()) or (close and f'Did you mean "{close}"?')
        if said:
            raise click.UsageError(f'No such command "{word}". {said[0].upper()}{said[1:]}', ctx)

    def _refuse_one_hyphen(self, ctx: click.Context, word: str) -> None:
        """`-version` would be read as -v -e -r …"""
        name = word.partition("=")[0]
        run = self.commands.get("run")
        flags = [flag for param in run.params for flag in param.opts] if run else []
        if f"-{name}" in (*flags, *GROUP_FLAGS):
            raise click.UsageError(f"No such option: {name}; did you mean -{name}?", ctx)


def _has_places(ctx: click.Context) -> bool:
    """Whether the environment says where services by name are."""
    environ = getattr(ctx.obj, "environ", {})
    return any(environ.get(name) for name in ("AUTHPROXY_PROJECT", "AUTHPROXY_REGION"))
