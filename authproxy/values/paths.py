"""Paths in rules: by their beginning, in whole segments."""

import re

from authproxy.values.wording import quoted

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~!$&'()+,=:@-]*)+")
_PATTERN = re.compile(r"[*^|\\\[\]{}]|\.[+?]|\(\?|\$$|\+$|/:[A-Za-z_]|/<")
"""What globs, regular expressions and routers have, and what no rule of ours knows."""
_MARK = re.compile(r"(?:[A-Za-z]+(?::|\s+)|[~=]+\s*)(?=/)")
"""What configurations of other programs put before a path: a method, the kind of a match."""
_WORDS = re.compile(r"[A-Za-z0-9._~-][A-Za-z0-9._~/-]*")
_URL = re.compile(r"[a-z]+://[^/?#]*", re.IGNORECASE)


def parse_path_prefix(text: str) -> str:
    """`/billing` or `/`: whole segments, without the `/` or `/*` at the end."""
    path = re.sub(r"/\*\*?$", "/", text.strip())
    if _URL.match(path):
        rest = _URL.sub("", path) or "/"
        raise ValueError(f"{quoted(text)} is a URL; write its path only: {rest}")
    if path in ("*", "**", ".*"):
        raise ValueError(f"{quoted(text)} is no path; write / for all paths, or leave it out")
    if _PATTERN.search(path):
        raise ValueError(
            f"{quoted(text)} is a pattern, and only the beginning of a path can be given"
            f"{_guess(path)}; it counts for all that is below it"
        )
    _refuse_what_no_request_has(text, path)
    return path.rstrip("/") or "/"


def _refuse_what_no_request_has(text: str, path: str) -> None:
    """A rule is asked about every reading of a path, and none of those has such a name in it."""
    segments = path.split("/")[1:]
    dots = any(segment.endswith(".") for segment in segments)
    if not _PREFIX.fullmatch(path) or dots:
        raise ValueError(
            f"{quoted(text)} is not the beginning of a path; write it as in /billing, without a"
            f" query and without dots as names{'' if dots else _guess_plain(path)}"
        )
    if "" in segments[:-1]:
        raise ValueError(f"{quoted(text)} has an empty name in it; write {re.sub('/+', '/', path)}")


def _guess_plain(path: str) -> str:
    """The path in `admin`, `GET /admin`, `prefix:/admin` and `/%61dmin`; not what `!` excludes."""
    if "%" in path:
        return "; percent signs are decoded before a rule is asked: write the characters themselves"
    marked = _MARK.sub("", path)
    guess = marked if marked != path else f"/{path}" if _WORDS.fullmatch(path) else ""
    return f": {guess}" if guess and _PREFIX.fullmatch(guess) else ""


def _guess(path: str) -> str:
    """The plain beginning of a pattern."""
    path = path.removeprefix("^")
    found = _PATTERN.search(path)
    plain = path[: found.start()] if found else path
    is_whole = found is None or re.match(r"/|[*$.+]{1,2}$", path[found.start() :])
    begin = (plain if is_whole else plain.rpartition("/")[0]).rstrip("/.")
    return f"; write {begin}" if _PREFIX.fullmatch(begin) else ", as in /billing"
