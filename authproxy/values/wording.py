"""Words of messages that several modules share."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "allow"?`, or nothing when no known word is close."""
    close = find_close(word.lower(), known)
    return f'; did you mean "{close}"?' if close else ""


def find_close(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, if any is."""
    from difflib import get_close_matches  # takes 5 ms, and most starts have no use for it

    return next(iter(get_close_matches(word, list(known), n=1)), None)


def quoted(text: str, *, at_most: int = 60) -> str:
    """Text for a message: on one line, with no control characters, and cut when it is long."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return f'"{shown}"' if len(shown) <= at_most else f'"{shown[: at_most - 1]}…"'


def utc(at: float) -> str:
    """A moment in seconds since 1970, as in `2027-01-15T08:00:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_path(text: str, example: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError(f"needs a path, as in {example}")
    return Path(text)
