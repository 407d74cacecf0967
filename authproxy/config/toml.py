"""A TOML file as entries: every value with its line, every key that is not known a problem."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from authproxy.config.entries import Entry
from authproxy.config.files import read_bytes, show_path
from authproxy.config.keys import TABLES, Path, advice, find_below
from authproxy.config.positions import find_lines
from authproxy.errors import ConfigError, Problem
from authproxy.values import quoted

MAX_BYTES = 1024 * 1024

_TOMLLIB_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read(file: FilePath, *, where: str, key: str) -> tuple[list[Entry], list[Problem]]:
    """The file's entries and what is wrong with its keys.

    `where` and `key` say who named the file. Raises ConfigError when it cannot be read as TOML.
    """
    try:
        text = _read_text(file)
    except ValueError as error:
        raise ConfigError([Problem(where=where, key=key, message=str(error))]) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(file, text, str(error))]) from None
    reader = _Reader(file, find_lines(text))
    found = list(reader.walk(document, ()))
    entries = [item for item in found if isinstance(item, Entry)]
    return entries, [item for item in found if isinstance(item, Problem)]


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


def _syntax_problem(file: FilePath, text: str, message: str) -> Problem:
    """tomllib gives the position only within its message (attributes came with Python 3.14)."""
    found = _TOMLLIB_POSITION.search(message)
    lines = text.split("\n")
    line = int(found[1]) if found and found[1] else len(text.rstrip().split("\n"))
    column = found[2] if found else None
    return Problem(
        where=f"{file}:{line}",
        key=f"column {column}" if column else "end of the file",
        message=f"{_TOMLLIB_POSITION.sub('', message)}; the line is: {_shown(lines[line - 1])}",
    )


def _shown(line: str) -> str:
    """A line of the file, without the value where a key in clear could stand."""
    name, equals, _ = line.partition("=")
    hidden = equals and name.strip() in ("api_key", "secret_headers", "credentials")
    return quoted(f"{name.strip()} = …" if hidden else line.strip())


class _Reader:
    def __init__(self, file: FilePath, lines: Mapping[tuple[str | int, ...], int]) -> None:
        self._file = file
        self._lines = lines

    def walk(self, value: object, path: Path) -> Iterator[Entry | Problem]:
        known = find_below(path)
        if known is None:
            yield self._entry(value, path)
        elif not isinstance(value, dict):
            yield self._problem(path, f"must be a table: write [{self._table(path)}]")
        else:
            if len(path) == 2:
                yield self._entry(None, path)
            for name, inner in value.items():
                at = (*path, name)
                if known and name not in known:
                    yield self._problem(at, f"there is no such key; {advice(at)}")
                else:
                    yield from self.walk(inner, at)

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

    def _table(self, path: Path) -> str:
        return f"{path[0]}.NAME" if path[0] in TABLES and path[1:] == () else ".".join(path)

    def _where(self, path: tuple[str | int, ...]) -> str:
        return f"{self._file}:{self._lines[path]}"
