"""A TOML file as entries: every value with its line, every key that is not known a problem."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath

from authproxy.config.files.reading import read_bytes, show_path
from authproxy.config.readers.entries import Entry
from authproxy.config.readers.old_names import (
    OLD_NAMES,
    OldName,
    find_renamed,
    in_file,
    is_old_table,
    moved,
    twins,
)
from authproxy.config.readers.setting_names import Path, find_below
from authproxy.config.readers.toml_positions import find_lines
from authproxy.config.readers.toml_syntax import syntax_problem
from authproxy.config.readers.unknown_keys import advice, advice_for_value
from authproxy.errors import ConfigError, Problem

MAX_BYTES = 1024 * 1024


def read(
    file: FilePath, *, where: str, key: str, renamed: Sequence[OldName] = OLD_NAMES
) -> tuple[list[Entry], list[Problem]]:
    """The file's entries and what is wrong with its keys, or only old in them.

    `where` and `key` say who named the file. Raises ConfigError when it cannot be read as TOML.
    """
    try:
        text = _read_text(file)
    except ValueError as error:
        raise ConfigError([Problem(where=where, key=key, message=str(error))]) from None
    try:
        document = tomllib.loads(text)
        reader = _Reader(file, find_lines(text), renamed)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([syntax_problem(file, text, error)]) from None
    except RecursionError:
        message = f"{show_path(file)} has brackets within brackets that nobody can follow"
        raise ConfigError([Problem(where=where, key=key, message=message)]) from None
    found = list(reader.walk(document, ()))
    entries = [item for item in found if isinstance(item, Entry)]
    problems = [item for item in found if isinstance(item, Problem)]
    return [*entries, *reader.old], [*problems, *twins(reader.old, entries)]


def _read_text(file: FilePath) -> str:
    """Raises ValueError with a sentence for the user."""
    content = read_bytes(file, at_most=MAX_BYTES)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{show_path(file)} is not UTF-8 text (line {line}); save it as UTF-8"
        ) from None


class _Reader:
    def __init__(
        self,
        file: FilePath,
        lines: Mapping[tuple[str | int, ...], int],
        renamed: Sequence[OldName],
    ) -> None:
        self._file = file
        self._lines = lines
        self._renamed = renamed
        self.old: list[Entry] = []
        """What stands under old names."""

    def walk(self, value: object, path: Path) -> Iterator[Entry | Problem]:
        known = find_below(path)
        if known is None:
            yield self._entry(value, path)
        elif not isinstance(value, dict):
            yield self._problem(path, f"must be a table: {advice_for_value(path, value)}")
        else:
            if len(path) == 2:
                yield self._entry(None, path)
            for name, inner in value.items():
                at = (*path, name)
                if known and name not in known:
                    yield from self._unknown(inner, at)
                else:
                    yield from self.walk(inner, at)

    def _unknown(self, value: object, path: Path) -> Iterator[Problem]:
        row = find_renamed(self._renamed, path)
        if row is not None:
            for item in moved(row, self._entry(value, path), in_file(row.target(path))):
                if isinstance(item, Problem):
                    yield item
                else:
                    self.old.append(item)
        elif isinstance(value, dict) and is_old_table(self._renamed, path):
            for name, inner in value.items():
                yield from self._unknown(inner, (*path, name))
        else:
            yield self._problem(path, f"there is no such key; {advice(path, value)}")

    def _entry(self, value: object, path: Path) -> Entry:
        count = len(value) if isinstance(value, list) else 0
        return Entry(
            path=path,
            where=self._where(path),
            key=".".join(path),
            value=value,
            places=tuple(self._where((*path, index)) for index in range(count)),
            folder=self._file.parent,
        )

    def _problem(self, path: Path, message: str) -> Problem:
        return Problem(where=self._where(path), key=".".join(path), message=message)

    def _where(self, path: tuple[str | int, ...]) -> str:
        return f"{self._file}:{self._lines[path]}"
