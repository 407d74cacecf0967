"""Files that list networks, one on each line; `#` begins a comment."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, summarize_address_range
from pathlib import Path

from authproxy.config.files import read_bytes
from authproxy.errors import ConfigError, Problem
from authproxy.values import Network, parse_network, quoted

MAX_BYTES = 16 * 1024 * 1024
MAX_NETWORKS = 1_000_000
MAX_PROBLEMS = 10
"""A file of another kind has one on every line."""

_BETWEEN = re.compile(r"""[\s,;"'\[\]()=]+""")
_HARMLESS = re.compile(r"[0-9A-Fa-f.:/*,;\s–-]+")
_RANGE = re.compile(r"([0-9.]+)\s*[-–]\s*([0-9.]+)")
_SHORT = re.compile(r"((?:[0-9]{1,3}\.){0,2}[0-9]{1,3})(?:(?:\.\*){1,3}|\.?(/[0-9]{1,2}))")


def read_networks(file: Path, *, key: str, where: str = "") -> tuple[Network, ...]:
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
            message = f"{_shown(text)}{str(error).removeprefix(quoted(text))}{_advice(text)}"
            problems.append(Problem(where=f"{file}:{number}", key=key, message=message))
        reason = _find_end(len(problems), len(found))
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


def _find_end(problems: int, networks: int) -> str:
    if problems == MAX_PROBLEMS:
        return "here the reading was given up; is it the right file?"
    if networks > MAX_NETWORKS:
        return f"these are more than {MAX_NETWORKS:,} networks; is it the right file?"
    return ""


def _advice(text: str) -> str:
    """What may have been meant by a line that is no network."""
    guess = _guess_range(text) or _guess_short(text)
    parts = [part for part in _BETWEEN.split(text) if _is_network(part)]
    if not guess and len(parts) > 1:
        return "; write each on a line of its own"
    guess = guess or "".join(parts)
    return f'; did you mean "{guess}"?' if guess else ""


def _is_network(text: str) -> bool:
    try:
        parse_network(text)
    except ValueError:
        return False
    return True


def _guess_range(text: str) -> str:
    """`10.0.0.0 - 10.0.0.255` as a network, if it is one."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return ""
    try:
        networks = list(summarize_address_range(IPv4Address(match[1]), IPv4Address(match[2])))
    except ValueError:
        return ""
    return str(networks[0]) if len(networks) == 1 else ""


def _guess_short(text: str) -> str:
    """`10.0/16` and `10.0.*.*` in full."""
    match = _SHORT.fullmatch(text)
    if match is None:
        return ""
    numbers = match[1].split(".")
    full = ".".join([*numbers, *["0"] * (4 - len(numbers))])
    guess = full + (match[2] or f"/{8 * len(numbers)}")
    return guess if _is_network(guess) else ""
