"""Differences of two configurations, in words and without values: some of them are secret."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from authproxy.settings import Settings
from authproxy.tables.frozen import Frozen

NEEDS_RESTART = (
    "admin",
    "admin_allow",
    "admin_key",
    "admin_quit",
    "authorizer",
    "inspect",
    "limits.burst",
    "limits.connections",
    "limits.connections_per_client",
    "limits.requests_per_second",
    "log",
    "traces",
    "workers",
)
"""Settings that are read once, at the start: counters and outputs outlive a configuration."""
KEPT_OF_SERVICES = ("log", "record_bodies")
"""The same, of each service: observers are told of them when they are made."""
_TABLES = {"services": "service", "keys": "key", "listeners": "listener"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Between two configurations."""

    applied: tuple[str, ...]
    """A sentence for each part of the configuration."""
    needs_restart: tuple[str, ...]
    """The names of settings that stay as they were at the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadAnswer:
    """Result of reading the configuration anew, or what it would be."""

    problems: tuple[str, ...] = ()
    """Why it cannot be used, and nothing changes; else it can."""
    changes: tuple[str, ...] = ()
    """A sentence for each part that is another; without values."""
    needs_restart: tuple[str, ...] = ()
    """Settings that are others in it, and stay as they were at the start."""
    warnings: tuple[str, ...] = ()


def find_changes(before: Settings, after: Settings) -> Changes:
    """Between what runs and what was read."""
    applied: list[str] = []
    needs_restart: list[str] = []
    for name in _differing(before, after):
        if name in _TABLES:
            applied += _entries(_TABLES[name], getattr(before, name), getattr(after, name))
            if name == "services":
                needs_restart += _kept(before, after)
            continue
        for path in _paths(name, getattr(before, name), getattr(after, name)):
            is_kept = path in NEEDS_RESTART or name in NEEDS_RESTART
            (needs_restart if is_kept else applied).append(path)
    applied = [text if " " in text else f"{text} changes" for text in applied]
    return Changes(applied=tuple(applied), needs_restart=tuple(needs_restart))


def applicable(before: Settings, after: Settings) -> Settings:
    """`after`, with all that needs a restart as it is in `before`."""
    kept: dict[str, object] = {}
    for path in NEEDS_RESTART:
        table, _, name = path.partition(".")
        old = getattr(before, table)
        if name:
            now = kept.get(table, getattr(after, table))
            assert isinstance(now, Frozen)  # noqa: S101 -- for the type checker: it has names
            old = now.model_copy(update={name: getattr(old, name)})
        kept[table] = old
    return after.model_copy(update=kept)


def _differing(before: Frozen, after: Frozen) -> list[str]:
    names = type(before).model_fields
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _paths(name: str, before: object, after: object) -> Iterator[str]:
    """Of what differs: the setting itself, or those in its table."""
    if isinstance(before, Frozen) and isinstance(after, Frozen):
        for inner in _differing(before, after):
            yield f"{name}.{inner}"
    else:
        yield name


def _kept(before: Settings, after: Settings) -> Iterator[str]:
    """Of services that stay."""
    for name in before.services.keys() & after.services.keys():
        one, other = before.services[name], after.services[name]
        for each in KEPT_OF_SERVICES:
            if getattr(one, each) != getattr(other, each):
                yield f"services.{name}.{each}"


def _entries(kind: str, before: Mapping[str, Frozen], after: Mapping[str, Frozen]) -> Iterator[str]:
    for name in before.keys() - after.keys():
        yield f"{kind} {name} is taken out"
    for name, entry in after.items():
        known = before.get(name)
        if known is None:
            yield f"{kind} {name} is added"
        elif known != entry:
            differing = [each for each in _differing(known, entry) if each not in KEPT_OF_SERVICES]
            if not differing:
                continue
            verb = "changes" if len(differing) == 1 else "change"
            yield f"{kind} {name}: {', '.join(differing)} {verb}"
