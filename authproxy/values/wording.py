"""Words of messages that several modules share."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "allow"?`, or nothing when no known word is close."""
    close = get_close_matches(word.lower(), list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def quoted(text: str, *, at_most: int = 60) -> str:
    """Text for a message: on one line, with no control characters, and cut when it is long."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return f'"{shown}"' if len(shown) <= at_most else f'"{shown[: at_most - 1]}…"'


def parse_path(text: str, example: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError(f"needs a path, as in {example}")
    return Path(text)
