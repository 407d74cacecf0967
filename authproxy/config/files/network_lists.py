"""Files that list networks, one on each line; `#` begins a comment."""

import re
from collections.abc import Iterator
from pathlib import Path

from authproxy.config.files.reading import read_bytes
from authproxy.errors import ConfigError, Problem
from authproxy.values import Network, parse_network, quoted

MAX_BYTES = 16 * 1024 * 1024
MAX_NETWORKS = 1_000_000
MAX_PROBLEMS = 10
"""A file of another kind has one on every line."""

_HARMLESS = re.compile(r"[0-9A-Fa-f.:/*,;\s–-]+")


def read_networks(
    file: Path, *, key: str, where: str = "", at_most: int = MAX_NETWORKS
) -> tuple[Network, ...]:
    """The networks in `file`, in order.

    `key` is the setting that names it, and `where` the place of that. Raises ConfigError with a
    problem for each bad line; after MAX_PROBLEMS no more lines are looked at.
    """
    found: list[Network] = []
    problems: list[Problem] = []
    try:
        content = read_bytes(file, at_most=MAX_BYTES)
    except ValueError as error:
        raise ConfigError(
            [Problem(where=where or str(file), key=key, message=str(error))]
        ) from None
    for number, text in _lines(content):
        try:
            found.append(parse_network(text))
        except ValueError as error:
            message = f"{_shown(text)}{str(error).removeprefix(quoted(text))}"
            problems.append(Problem(where=f"{file}:{number}", key=key, message=message))
        reason = _find_end(len(problems), len(found), at_most)
        if reason:
            problems.append(Problem(where=f"{file}:{number}", key=key, message=reason))
            break
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """What is not empty, with its number."""
    # Not by splitlines(), which knows more ends of lines than editors do.
    for number, line in enumerate(content.decode("utf-8-sig", "replace").split("\n"), 1):
        text = line.partition("#")[0].strip()
        if text:
            yield number, text


def _shown(text: str) -> str:
    """A line is repeated only when it looks like addresses: the file may be one with a key."""
    return quoted(text) if _HARMLESS.fullmatch(text) and set(text) & set(".:") else "this"


def _find_end(problems: int, networks: int, at_most: int) -> str:
    if problems == MAX_PROBLEMS:
        return "reading stopped here; is it the right file?"
    if networks > at_most:
        return f"these are more than {at_most:,} networks; is it the right file?"
    return ""
