"""Entries through the models, and then through the checks that look at several of them.

What is wrong with one value is noted and the value is left out, so that the checks still run and
everything that is wrong is said at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from authproxy.config.checks import Draft, check
from authproxy.config.collecting import services_in
from authproxy.config.entries import Entries
from authproxy.config.sentences import problems_of
from authproxy.errors import Problem
from authproxy.settings import Settings
from authproxy.values import DEFAULT_PORT, Listen

_PLACEHOLDER = "https://authproxy.invalid"
"""Stands for a URL that is missing or wrong, which has been noted by then."""


def validate(entries: Entries, environ: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """Every listener gets its port. The settings are of use only when there is no problem."""
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
    port, port_problems = _default_port(settings, environ)
    problems += port_problems
    settings = _with_port(settings, port)
    problems += check(Draft(settings=settings, entries=entries, environ=environ))
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
    return nested


def _default_port(settings: Settings, environ: Mapping[str, str]) -> tuple[int, list[Problem]]:
    """$PORT matters only to a listener without a port."""
    waiting = any(_wants_port(listener.listen) for listener in settings.every_listener)
    return read_port(environ) if waiting else (DEFAULT_PORT, [])


def read_port(environ: Mapping[str, str]) -> tuple[int, list[Problem]]:
    """$PORT, which Cloud Run and others set; without it the default."""
    text = environ.get("PORT", "").strip()
    if not text:
        return DEFAULT_PORT, []
    if text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535:
        return int(text), []
    message = "must be a number from 0 to 65535: the port to listen on"
    return DEFAULT_PORT, [Problem(where="environment", key="PORT", message=message)]


def _with_port(settings: Settings, port: int) -> Settings:
    def given(listen: Listen) -> Listen:
        return replace(listen, port=port) if _wants_port(listen) else listen

    listeners = {
        name: listener.model_copy(update={"listen": given(listener.listen)})
        for name, listener in settings.listeners.items()
    }
    listen = tuple(map(given, settings.listen))
    return settings.model_copy(update={"listen": listen, "listeners": listeners})


def _wants_port(listen: Listen) -> bool:
    return listen.path is None and listen.port is None
