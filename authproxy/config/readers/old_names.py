"""Names that settings had in earlier versions: still read, with a warning that says the new one.

`OLD_NAMES` is the table. A reader that meets a name it does not know asks here; the value then goes
where the new name leads, so everything after the readers knows new names only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from authproxy.config.readers.entries import Entry
from authproxy.config.readers.setting_names import EVERY, PATHS, PREFIX, TABLES, VARIABLES, Path
from authproxy.errors import Problem


def _as_it_is(value: object) -> object:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class OldName:
    """One setting. A table that has another name is a row for each of its keys."""

    old: Path
    """As in `setting_names.PATHS`: EVERY stands for the name of a service, listener or key."""
    new: Path
    since: str
    """The version that brought the new name: `0.2.0`."""
    translate: Callable[[object], object] = _as_it_is
    """From what was written under the old name: text in the environment, and there a list where the
    new setting is one. Raises ValueError with a sentence for the user."""

    def fits(self, path: Path) -> bool:
        return len(path) == len(self.old) and self.is_below(path)

    def is_below(self, path: Path) -> bool:
        """Whether the old name is `path`, or stands in a table at `path`."""
        parts = zip(path, self.old, strict=False)
        return len(path) <= len(self.old) and all(b in (a, EVERY) for a, b in parts)

    def target(self, path: Path) -> Path:
        """Where the value at the old `path` goes."""
        name = next((a for a, b in zip(path, self.old, strict=True) if b == EVERY), EVERY)
        return tuple(name if part == EVERY else part for part in self.new)


OLD_NAMES: tuple[OldName, ...] = ()
"""None so far: no version with another name was ever released."""


def find_renamed(rows: Sequence[OldName], path: Path) -> OldName | None:
    return next((row for row in rows if row.fits(path)), None)


def is_old_table(rows: Sequence[OldName], path: Path) -> bool:
    """Whether old names stand in a table at `path`."""
    return any(row.is_below(path) and not row.fits(path) for row in rows)


def moved(row: OldName, entry: Entry, new_name: str) -> Iterator[Entry | Problem]:
    """What is written under an old name, as under the new one, and a warning; or what is wrong.

    `entry` has the old path. `new_name` is how the new one is spelled in that place.
    """
    try:
        value = row.translate(entry.value)
    except ValueError as error:
        yield entry.problem(f"{error}; it is called {new_name} since {row.since}")
        return
    path = row.target(entry.path)
    if path[0] in TABLES and EVERY not in path:
        yield replace(entry, path=path[:2], value=None)
    yield replace(entry, path=path, value=value)
    said = f"is an old name, which a later version will refuse; since {row.since} it is {new_name}"
    yield replace(entry.problem(said), warns=True)


def twins(old: Sequence[Entry], others: Sequence[Entry]) -> list[Problem]:
    """A problem for each entry under an old name that is there under another name as well."""
    problems, known = [], {entry.path: entry for entry in others if not entry.is_mark}
    for entry in old:
        if entry.is_mark:
            continue
        twin = known.setdefault(entry.path, entry)
        if twin is not entry:
            problems.append(
                entry.problem(f"is the old name of {twin.key} ({twin.where}); remove it")
            )
    return problems


def in_file(path: Path) -> str:
    """How a setting is called in a file."""
    return f"{path[-1]} in [{'.'.join(path[:-1])}]" if path[1:] else f"{path[0]}, above all tables"


def in_environment(path: Path) -> str:
    """How a setting is called in the environment."""
    known = next((name for name, at in VARIABLES.items() if at == path), "")
    return known or PREFIX + "_".join(path).upper().replace("-", "_")


def old_variables(rows: Sequence[OldName]) -> dict[str, Path]:
    """Those without the name of a service in them, which count for every service."""
    found = {}
    for row in rows:
        if EVERY not in row.old:
            found[PREFIX + "_".join(row.old).upper()] = row.old
        elif row.old[0] == "services" and row.new in VARIABLES.values():
            found[PREFIX + row.old[-1].upper()] = row.old
    return found


def old_keys(rows: Sequence[OldName], table: str) -> list[str]:
    """Of a table of tables."""
    return [row.old[-1] for row in rows if row.old[:2] == (table, EVERY)]


def faults(rows: Sequence[OldName]) -> list[str]:
    """What is wrong with the table itself."""
    found = []
    for row in rows:
        old, new = ".".join(row.old), ".".join(row.new)
        if row.old in PATHS:
            found.append(f"{old} is a setting of today")
        if row.new not in PATHS:
            found.append(f"{new} is no setting")
        if EVERY in row.new and EVERY not in row.old:
            found.append(f"{old} does not say for which of {row.new[0]}")
        if sum(row.old == other.old for other in rows) > 1:
            found.append(f"{old} is there twice")
    return found
