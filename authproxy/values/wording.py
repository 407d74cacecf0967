"""Words of messages that several modules share."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def html_text(text: str) -> str:
    """As `html.escape`, whose module has the names of all characters in memory."""
    return text.translate(_HTML)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "allow"?`, or nothing when no known word is close."""
    spelled = {each.lower(): each for each in known}
    close = find_close(word.lower(), spelled)
    return f'; did you mean "{spelled[close]}"?' if close else ""


def find_close(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, if any is."""
    from difflib import get_close_matches  # takes 5 ms, and most starts have no use for it

    return next(iter(get_close_matches(word, list(known), n=1)), None)


def find_slip(word: str, known: Iterable[str]) -> str | None:
    """The known word of which `word` is a slip of the pen; None also for the word itself."""
    return next((each for each in known if each != word and _is_slip(word, each)), None)


def _is_slip(word: str, known: str) -> bool:
    """One letter too few or too many, two swapped, or a wrong one, but not at the beginning.

    SET is no GET: who errs in one letter has the first one right.
    """
    start = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), None)
    if start is None:  # one begins with the other
        return abs(len(word) - len(known)) == 1
    rest, known_rest = word[start:], known[start:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return (
        rest[1:] == known_rest
        or rest == known_rest[1:]
        or (swapped == known_rest and len(rest) > 1)
        or (start > 0 and rest[1:] == known_rest[1:])
    )


def quoted(text: str, *, at_most: int = 60) -> str:
    """Text for a message: on one line, with no control characters, and cut when it is long."""
    shown = on_one_line(text)
    return f'"{shown}"' if len(shown) <= at_most else f'"{shown[: at_most - 1]}…"'


def on_one_line(text: str) -> str:
    """Without control characters."""
    return "".join(char if char.isprintable() else "?" for char in text)


def wants_colour(environ: Mapping[str, str], *, at_terminal: bool) -> bool:
    """By https://no-color.org and https://force-color.org: either counts unless it is empty, and
    NO_COLOR has the last word, as in Python itself."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (at_terminal and environ.get("TERM") != "dumb")


def printable(text: str) -> str:
    """Text of others for a terminal: what would steer it is escaped as in JSON, lines stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else "?"


def utc(at: float) -> str:
    """A moment in seconds since 1970, as in `2027-01-15T08:00:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refuse_placeholder(text: str) -> None:
    """Raises ValueError for `$NAME` and `${NAME}`, which a shell would have replaced.

    The text is not repeated: it may be a secret in a wrong place.
    """
    if re.search(r"\$\{\w+\}|\$[A-Z_][A-Z0-9_]{2,}|\{\{.*\}\}|%\(\w+\)s", text):
        raise ValueError(
            "variables are not replaced here; write the value itself, or leave it out and set it"
            " by a variable AUTHPROXY_…"
        )


def parse_path(text: str, example: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError(f"needs a path, as in {example}")
    return Path(text)
