"""The commands as a group in which `run` may be left out."""

from collections.abc import Sequence

import click

GROUP_FLAGS = ("-h", "--help", "--version")


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

    def _refuse_misspelled(self, ctx: click.Context, word: str, args: Sequence[str]) -> None:
        """A service's address has a dot, a colon, a slash or an equals sign; a command has none."""
        from authproxy.values import find_close

        by_name = any(arg.startswith(("--project", "--region")) for arg in args)
        close = find_close(word, self.commands) if word.isalpha() and not by_name else None
        if close:
            raise click.UsageError(f'No such command "{word}". Did you mean "{close}"?', ctx)
