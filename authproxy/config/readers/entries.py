"""A value as somebody wrote it, with the place where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from authproxy.config.readers.setting_names import EVERY, TABLES, Path
from authproxy.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One setting from the file, the environment or the command line."""

    path: Path
    """With only a table's name it is a mark: it has no value and says where the name stands."""
    where: str
    """`authproxy.toml:12`, `environment`, `command line`."""
    key: str
    """As the user wrote it."""
    value: object
    places: tuple[str, ...] = ()
    """For a list in a file: where each of its elements stands."""
    folder: FilePath = FilePath()
    """What a relative path in the value is relative to."""

    @property
    def is_mark(self) -> bool:
        return self.path[0] in TABLES and len(self.path) == 2

    def place(self, index: object = None) -> str:
        """Where the value stands, or its element with this index."""
        if isinstance(index, int) and 0 <= index < len(self.places):
            return self.places[index]
        return self.where

    def problem(self, message: str, *, index: object = None) -> Problem:
        return Problem(where=self.place(index), key=self.key, message=message)

    def for_service(self, name: str) -> "Entry":
        path = tuple(name if part == EVERY else part for part in self.path)
        return replace(self, path=path)


Entries = Mapping[Path, Entry]
"""The entry that counts for each path."""


def find_nearest(entries: Entries, path: Path) -> Entry | None:
    """The entry at `path`, else the first one beneath it: for a problem with something missing."""
    found = entries.get(path)
    if found is not None:
        return found
    return next((entry for at, entry in entries.items() if at[: len(path)] == path), None)


def get_nearest(entries: Entries, path: Path) -> Entry:
    """As `find_nearest`, else what names the service. What nobody wrote has no problem."""
    found = find_nearest(entries, path) or find_nearest(entries, path[:2])
    if found is None:
        raise LookupError(f"{'.'.join(path)} is not configured, and yet it has a problem")
    return found
