"""Entries through the models, and then through the checks that look at several of them.

What is wrong with one value is noted and the value is left out, so that the checks still run and
everything that is wrong is said at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from authproxy.config.checks.consistency import check
from authproxy.config.checks.draft import Draft
from authproxy.config.collecting import services_in
from authproxy.config.ports import Port, with_ports
from authproxy.config.pydantic_errors import problems_of
from authproxy.config.readers.entries import Entries
from authproxy.errors import Problem
from authproxy.settings import Settings

_PLACEHOLDER = "https://authproxy.invalid"
"""Stands for a URL that is missing or wrong, which has been noted by then."""


Check = Callable[[Draft], Iterable[Problem]]


def validate(
    entries: Entries, environ: Mapping[str, str], port: Port | None, more: Sequence[Check] = ()
) -> tuple[Settings, list[Problem]]:
    """Every listener gets its port. The settings are of use only when there is no problem.

    `more`: checks besides those that every configuration must pass.
    """
    problems: list[Problem] = []
    good = dict(entries)
    try:
        settings = Settings.model_validate(_nested(good))
    except ValidationError as error:
        for bad, problem in problems_of(error, entries):
            problems.append(problem)
            good = {at: entry for at, entry in good.items() if at[: len(bad)] != bad}
        settings = Settings.model_validate(_completed(_nested(good)))
    if settings.listeners and ("listen",) not in entries:
        settings = settings.model_copy(update={"listen": ()})
    settings, port_problems = with_ports(settings, entries, port)
    problems += port_problems
    draft = Draft(settings=settings, entries=entries, environ=environ)
    problems += check(draft)
    for each in more:
        problems += each(draft)
    return settings, problems


def _nested(entries: Entries) -> dict[str, Any]:
    """Entries as the models want them: one service at least."""
    nested: dict[str, Any] = {}
    for path, entry in entries.items():
        table = nested
        for part in path[:-1]:
            table = table.setdefault(part, {})
        if entry.is_mark:
            table.setdefault(path[-1], {})
        else:
            table[path[-1]] = entry.value
    if not services_in(entries):
        nested["services"] = {"service": {"url": _PLACEHOLDER}}
    return nested


def _completed(nested: dict[str, Any]) -> dict[str, Any]:
    for service in nested["services"].values():
        service.setdefault("url", _PLACEHOLDER)
    for listener in nested.get("listeners", {}).values():
        listener.setdefault("listen", "localhost:0")
    return nested
