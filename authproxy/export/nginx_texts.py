"""Values in nginx's syntax: between quotes, whatever is in them."""

import re
from collections.abc import Iterable

_WORDS = ("default", "hostnames", "include", "volatile")
"""First words of a line of a map that stand for something else, in quotes too."""


def quote(text: str) -> str:
    """One word. Only where no variables are read: `$` has no other spelling in nginx."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def map_key(text: str) -> str:
    """The left side of a line of a map."""
    return quote(f"\\{text}") if text in _WORDS else quote(text)


def pattern(text: str) -> str:
    """A regular expression on the left side of a line of a map."""
    return quote(f"~{text}")


def variable(name: str) -> str:
    """The part of a variable's name that stands for a service, or for a field."""
    return re.sub("[^a-z0-9]", "_", name.lower())


def block(head: str, lines: Iterable[str]) -> list[str]:
    """A block with its lines indented."""
    return [f"{head} {{", *(f"  {line}" if line else "" for line in lines), "}"]
