"""Loading of TOML file, environment and command line into `Settings`, or every problem."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from authproxy.config.collecting import Collected, services_in
from authproxy.config.ports import FLAG as PORT_FLAG
from authproxy.config.ports import Port, find_port
from authproxy.config.readers.environment import COMMAND_LINE
from authproxy.config.readers.keywords import Services
from authproxy.config.readers.old_names import OLD_NAMES, OldName
from authproxy.config.validating import Check, validate
from authproxy.errors import ConfigError, Problem
from authproxy.settings import Settings

_NO_SERVICE = Problem(
    where=COMMAND_LINE,
    key="URL",
    message=(
        "no service is given; write authproxy https://SERVICE.run.app,"
        ' or put [services.NAME] with url = "https://…" into a file and write'
        " authproxy -c FILE"
    ),
)

_NONE_IN_FILE = 'no service is given; add [services.NAME] with url = "https://SERVICE.run.app"'

_NO_SERVICE_GIVEN = (
    'no service is given; give its address, "https://SERVICE.run.app",'
    ' or several by name: {"billing": "https://…"}'
)


def load(
    *,
    urls: Sequence[str],
    file: Path | None,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    warn: Callable[[Problem], object] | None = None,
    renamed: Sequence[OldName] = OLD_NAMES,
    more: Sequence[Check] = (),
) -> Settings:
    """The settings of a run; every listener has its port.

    `flags` are named as they are spelled, `--listen`; None and an empty tuple count as not given.
    Without a `file` the variable AUTHPROXY_CONFIG names it; no other place is looked into.
    `warn` gets what is worth saying of settings that can be used as they are. `more`: checks
    besides those of every run.
    Raises ConfigError with everything that is wrong.
    """
    collected = Collected(environ, renamed)
    collected.read_file(file)
    collected.read_urls(urls)
    collected.read_variables()
    flags = dict(flags)
    port = find_port(flags.pop(PORT_FLAG, None), environ)
    collected.read_flags(flags)
    found = collected.file
    no_service = (
        Problem(where=str(found), key="services", message=_NONE_IN_FILE) if found else _NO_SERVICE
    )
    return _settle(collected, environ, port, no_service, warn, more)


def load_keywords(
    services: Services,
    keywords: Mapping[str, object],
    *,
    where: str,
    environ: Mapping[str, str],
    warn: Callable[[Problem], object] | None = None,
    renamed: Sequence[OldName] = OLD_NAMES,
) -> Settings:
    """As `load`, of what a Python program says; no file and no AUTHPROXY_… variable is read.

    `where`: what the program calls. `environ`: for `env:NAME` and the home directory.
    Raises ConfigError.
    """
    collected = Collected(environ, renamed)
    collected.read_keywords(services, keywords, where)
    no_service = replace(_NO_SERVICE, where=where, message=_NO_SERVICE_GIVEN)
    return _settle(collected, environ, None, no_service, warn)


def _settle(
    collected: Collected,
    environ: Mapping[str, str],
    port: Port | None,
    no_service: Problem,
    warn: Callable[[Problem], object] | None,
    more: Sequence[Check] = (),
) -> Settings:
    collected.make_paths_absolute()
    settings, problems = validate(collected.entries, environ, port, more)
    problems = [*collected.problems, *problems]
    is_told = any(not problem.warns for problem in collected.problems)
    if not services_in(collected.entries) and not is_told:
        problems.append(no_service)
    mistakes = [problem for problem in problems if not problem.warns]
    if mistakes:
        raise ConfigError(_in_order(mistakes))
    if warn is not None:
        for problem in _in_order(problems):
            warn(problem)
    return settings


def _in_order(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=_reading_order)


def _reading_order(problem: Problem) -> tuple[int, int]:
    """The file from top to bottom, then the environment, then the command line."""
    line = problem.where.rpartition(":")[2]
    if line.isdecimal():
        return 0, int(line)
    return (2 if problem.where == COMMAND_LINE else 1), 0
