"""The line of each key in a TOML document.

`tomllib` says what a document means but not where it says so, and no library that keeps the lines
of keys is both maintained and free of a parser of its own. This scanner reads a document that
`tomllib` has accepted, so it need not detect mistakes: it only has to know where strings, comments
and tables begin and end.
"""

import re
import tomllib
from collections.abc import Callable

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # a multi-line string may end in up to two quotation marks
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\[\]{}#\n]+")


def find_lines(document: str) -> dict[Path, int]:
    """For every key, table and array element the line where it stands, counted from 1."""
    return _Scanner(document).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._line_at = 0
        self._found: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._found

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`, whose tables are counted."""
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        path = self._resolve(self._key())
        self._mark_all(path)
        if brackets == 2:
            self._tables[path] = self._tables.get(path, -1) + 1
            path = (*path, self._tables[path])
            self._mark(path)
        self._skip(_SPACE)
        self._at += brackets
        return path

    def _resolve(self, key: Path) -> Path:
        """Where a header leads: beneath the last table of each array of tables on the way."""
        path: Path = ()
        for number, part in enumerate(key, start=1):
            path = (*path, part)
            if path in self._tables and number < len(key):
                path = (*path, self._tables[path])
        return path

    def _pair(self, table: Path) -> None:
        key = self._key()
        self._mark_all((*table, *key))
        self._skip(_SPACE)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value((*table, *key))

    def _key(self) -> Path:
        parts = []
        while True:
            self._skip(_SPACE)
            quoted = _STRING.match(self._text, self._at)
            bare = _BARE_KEY.match(self._text, self._at)
            if quoted:
                parts.append(str(tomllib.loads(f"key = {quoted.group()}")["key"]))
            match = quoted or bare
            if match is None:
                raise ValueError(f"no key at {self._at}: tomllib would not have accepted this")
            if not quoted:
                parts.append(match.group())
            self._at = match.end()
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._inside("]", path, self._element)
        elif first == "{":
            self._inside("}", path, lambda path, _: self._pair(path))
        else:
            self._skip(_STRING if first in "\"'" else _BARE_VALUE)

    def _inside(self, end: str, path: Path, read: Callable[[Path, int], None]) -> None:
        """Read what stands between brackets, separated by commas."""
        self._at += 1
        self._skip(_BLANK)
        number = 0
        while self._text[self._at] != end:
            read(path, number)
            number += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _element(self, path: Path, number: int) -> None:
        self._mark((*path, number))
        self._value((*path, number))

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _mark_all(self, path: Path) -> None:
        """A key and the tables that it makes on its way."""
        for end in range(1, len(path) + 1):
            self._mark(path[:end])

    def _mark(self, path: Path) -> None:
        self._line += self._text.count("\n", self._line_at, self._at)
        self._line_at = self._at
        self._found.setdefault(path, self._line)
