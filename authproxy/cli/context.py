"""Context that all commands share: settings, environment, and how to say something."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import click

from authproxy.cli.flags import spelled
from authproxy.errors import ConfigError, Problem

if TYPE_CHECKING:
    from authproxy.config.validating import Check
    from authproxy.identity.machine import Machine
    from authproxy.settings import Settings

OnReady = Callable[[Sequence[str]], None]
Read = tuple[Callable[[], "tuple[Settings, Sequence[Problem]]"], Path | None]
"""Reads the configuration once more, and the file that it is in, if there is one."""


class ServeUntilStopped(Protocol):
    """Runs a proxy until it is told to stop."""

    def __call__(
        self, settings: "Settings", on_ready: OnReady | None = None, read: Read | None = None, /
    ) -> int:
        """The exit code. `on_ready` gets the listeners' URLs once requests are taken; `read`: how
        the configuration can be read anew, None where it cannot."""


NOTHING_TO_RUN = """\
Which service? Give its address, and clients then find it at http://localhost:8080:

    authproxy https://SERVICE.run.app
    curl http://localhost:8080/

authproxy --help shows the rest; authproxy demo needs no service and no account."""

NOTHING_TO_DO = """\
Which service? Give its address, or a file that has it:

    authproxy {command} {words}
    authproxy {command} -c authproxy.toml{more}

authproxy {command} --help shows the rest; authproxy config init writes such a file."""
WORDS = {"mcp": "https://SERVICE.run.app/mcp"}
_CMD = " -- curl {url}/"

STARTING = ("run", "exec", "mcp", "demo")
"""Commands that start something."""


class _NothingToDo(click.ClickException):
    exit_code = 2

    def __init__(self, command: str) -> None:
        more = _CMD if command == "exec" else ""
        words = WORDS.get(command, "https://SERVICE.run.app") + more
        text = NOTHING_TO_DO.format(command=command, words=words, more=more)
        super().__init__(text if command != "run" else NOTHING_TO_RUN)

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=True)


class Context:
    """Outside world of the commands, so that a test can give its own."""

    def __init__(
        self, environ: Mapping[str, str], serve: ServeUntilStopped, *, is_quiet: bool = False
    ) -> None:
        """`is_quiet`: whoever asked is told of warnings otherwise."""
        self.environ = environ
        self._is_quiet = is_quiet
        self.serve = serve
        self.command = "run"
        self.warnings: list[Problem] = []
        """What is worth saying of the settings that were loaded."""
        self.at_end = ExitStack()
        """What a command has opened, to be closed when it is over."""

    @cached_property
    def machine(self) -> "Machine":
        """What sources of tokens need; it ends with the command."""
        from authproxy.identity.machine import Machine
        from authproxy.system import entry

        self.at_end.enter_context(entry.raising())  # programs that it has started end with it
        return self.at_end.enter_context(Machine(self.environ))

    def load(
        self,
        urls: Sequence[str],
        config: Path | None,
        flags: Mapping[str, object],
        more: "Sequence[Check]" = (),
    ) -> "Settings":
        """Names of parameters become flags again, which is what problems are reported with."""
        set_by_environment = any(name.startswith("AUTHPROXY_") for name in self.environ)
        if not urls and config is None and not set_by_environment:
            raise _NothingToDo(self.command)
        from authproxy.config.loading import load

        self.warnings.clear()
        return load(
            urls=urls,
            file=config,
            flags=spelled(flags),
            environ=self.environ if urls else self._with_places(flags),
            warn=self.warnings.append,
            more=more,
        )

    def find_file(self, config: Path | None) -> Path | None:
        """The configuration's file."""
        named = self.environ.get("AUTHPROXY_CONFIG")
        return config or (Path(named) if named else None)

    def choose(
        self, words: Sequence[str], config: Path | None, flags: Mapping[str, object]
    ) -> "tuple[Settings, tuple[str, ...]]":
        """The services that `words` mean, by URL or by name; all of them without words."""
        from authproxy.commands.choice import choose

        words = self.spell_out(words, flags)
        return choose(words, lambda urls: self.load(urls, config, flags))

    def spell_out(self, words: Sequence[str], flags: Mapping[str, object]) -> Sequence[str]:
        """Services by name become PROJECT/REGION/NAME."""
        given = {name: str(flags[name]) for name in ("project", "region") if flags.get(name)}
        if not (given or any(self.environ.get(name) for name in PLACES)):
            return words
        from authproxy.commands.by_name import spell_out

        return spell_out(words, given, self.environ)

    def _with_places(self, flags: Mapping[str, object]) -> Mapping[str, str]:
        """The environment, with the services by name in AUTHPROXY_URL spelled out too."""
        from authproxy.config.readers.environment import URL, split_urls

        words = split_urls(self.environ.get(URL, ""))
        return (
            {**self.environ, URL: " ".join(self.spell_out(words, flags))} if words else self.environ
        )

    def say_warnings(self) -> None:
        for problem in () if self._is_quiet else self.warnings:
            complain(f"warning: {problem}")


PLACES = ("AUTHPROXY_PROJECT", "AUTHPROXY_REGION")


def complain(text: str) -> None:
    click.echo(f"authproxy: {text}", err=True)


def say_problems(error: ConfigError, *, command: str = "run") -> int:
    """Each on a line, and how many; the exit code."""
    for problem in error.problems:
        complain(str(problem))
    count = len(error.problems)
    so = "; nothing was started" if command in STARTING else ""
    complain(f"{count} problem{'s' if count > 1 else ''} in the configuration{so}")
    return 2
