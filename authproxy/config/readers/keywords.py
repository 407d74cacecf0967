"""Keywords of a Python program as entries: services, and settings by their names."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from authproxy.config.readers.entries import Entry
from authproxy.config.readers.environment import read_urls
from authproxy.config.readers.old_names import (
    OLD_NAMES,
    OldName,
    find_renamed,
    is_old_table,
    moved,
    twins,
)
from authproxy.config.readers.service_names import name_for, split_name
from authproxy.config.readers.setting_names import EVERY, SECTIONS, SERVICE_KEYS, TABLES, Path
from authproxy.config.readers.unknown_keys import advice
from authproxy.errors import Problem
from authproxy.settings import Settings
from authproxy.values import find_close, is_run_service

Services = str | Sequence[str] | Mapping[str, str | Mapping[str, object]]
"""One service's address, several, or addresses and settings of several by name."""

OF_ONE = ("url", "service")
"""What says which service it is is no keyword: it comes first, without a name."""


def read(
    services: Services,
    keywords: Mapping[str, object],
    where: str,
    renamed: Sequence[OldName] = OLD_NAMES,
) -> list[Entry | Problem]:
    """Keywords first, since what a service's own table says counts before them. A keyword that both
    have, such as `allow`, is the proxy's own; in a service's table it is the service's. None counts
    as not given.

    `where`: what the program calls, for problems.
    """
    reader = _Reader(where, renamed)
    found = [*reader.keywords(keywords), *reader.services(services)]
    entries = [item for item in found if isinstance(item, Entry) and item not in reader.old]
    return [*found, *twins(reader.old, entries)]


class _Reader:
    def __init__(self, where: str, renamed: Sequence[OldName]) -> None:
        self._where = where
        self._renamed = renamed
        self.old: list[Entry] = []
        """What was given under old names."""

    def services(self, given: Services) -> Iterator[Entry | Problem]:
        if isinstance(given, str):
            name, url = split_name(given)
            chosen = name_for(url) if name is None else name
            yield self._address(chosen, url, key="url")
            return
        if not isinstance(given, Mapping):
            entries, problems = read_urls(given, where=self._where, key="url")
            yield from entries
            yield from problems
            return
        for name, about in given.items():
            if isinstance(about, str):
                yield self._address(name, about, key=f"services.{name}")
            else:
                yield from self._table(("services", name), about)

    def keywords(self, given: Mapping[str, object]) -> Iterator[Entry | Problem]:
        for name, value in given.items():
            if value is None:
                continue
            if name in SECTIONS:
                yield from self._table((name,), value)
            elif name in TABLES and name != "services":
                yield from self._tables(name, value)
            elif name in Settings.model_fields and name != "services":
                yield self._entry((name,), value)
            elif name in SERVICE_KEYS and name not in OF_ONE:
                yield self._entry(("services", EVERY, name), value, key=name)
            else:
                yield from self._old_or_unknown((name,), value)

    def _tables(self, table: str, value: object) -> Iterator[Entry | Problem]:
        if not isinstance(value, Mapping):
            yield self._no_table((table,))
            return
        for name, about in value.items():
            yield from self._table((table, name), about)

    def _table(self, path: Path, value: object) -> Iterator[Entry | Problem]:
        if not isinstance(value, Mapping):
            yield self._no_table(path)
            return
        if path[0] in TABLES:
            yield self._entry(path, None)
        known = (TABLES | SECTIONS)[path[0]].model_fields
        for key, inner in value.items():
            if key not in known:
                yield from self._old_or_unknown((*path, key), inner)
            elif inner is not None:
                yield self._entry((*path, key), inner)

    def _address(self, name: str, url: str, key: str) -> Entry:
        kind = "service" if is_run_service(url) else "url"
        path = ("services", name, kind)
        return Entry(path=path, where=self._where, key=key, value=url)

    def _entry(self, path: Path, value: object, key: str = "") -> Entry:
        key = key or ".".join(path)
        return Entry(path=path, where=self._where, key=key, value=plain(value))

    def _no_table(self, path: Path) -> Problem:
        message = 'must be a mapping of names to values, as in {"name": value}'
        return Problem(where=self._where, key=".".join(path), message=message)

    def _old_or_unknown(self, path: Path, value: object) -> Iterator[Entry | Problem]:
        for_all = ("services", EVERY, path[0])
        for at in (path, for_all) if len(path) == 1 else (path,):
            row = find_renamed(self._renamed, at)
            if row is not None and value is not None:
                target = row.target(at)
                name = target[-1] if EVERY in target else ".".join(target)
                found = list(moved(row, self._entry(at, value, key=".".join(path)), f'"{name}"'))
                self.old += [item for item in found if isinstance(item, Entry)]
                yield from found
                return
        if isinstance(value, Mapping) and is_old_table(self._renamed, path):
            for key, inner in value.items():
                yield from self._old_or_unknown((*path, key), inner)
        else:
            yield self._unknown(path, value)

    def _unknown(self, path: Path, value: object) -> Problem:
        close = find_close(path[0], SERVICE_KEYS) if len(path) == 1 else None
        if path[-1] in (*OF_ONE, "services") and len(path) == 1:
            said = "the address comes first, without a name"
        elif close and close not in OF_ONE:
            said = f'did you mean "{close}"?'
        else:
            said = advice(path, value)
        message = f"there is no such setting; {said}"
        return Problem(where=self._where, key=".".join(path), message=message)


def plain(value: object) -> object:
    """As it would have come from a file: paths are text there, and sequences are lists."""
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value
