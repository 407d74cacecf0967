"""A mistake in a TOML file's syntax, with the line where it was found and no secret of it."""

import re
import tomllib
from pathlib import Path

from authproxy.config.readers.setting_names import PATHS
from authproxy.errors import Problem
from authproxy.values import quoted

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
"""tomllib gives the position only within its message (attributes came with Python 3.14)."""

_SECRETIVE = (
    "api_key",
    "admin_key",
    "secret_headers",
    "credentials",
    "add_headers",
    "egress_proxy",
    "sha256",
)
_HARMLESS = {path[-1] for path in PATHS} - {*_SECRETIVE, "token", "file", "audience"}
_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9+/_=-]{24,}|@|://[^/\s]*:[^/\s]*[^\d/\s\"']")
_HEADER = re.compile(r"\[[A-Za-z0-9_.\"' \[\]-]{0,80}")
_KEY = re.compile(r"[A-Za-z0-9_.-]+")

_ADVICE = (
    ("Unclosed array", "a comma or a ] is missing, here or above"),
    ("Illegal character '\\n'", "the quotation mark at the end is missing"),
    ("Invalid value", 'text must be in quotes: KEY = "VALUE"'),
    ("Expected '=' after a key", "a line is KEY = VALUE"),
    ("Cannot overwrite a value", "it is there twice; remove one"),
    ("Cannot declare", "the table is there twice; write all its keys below the first"),
    (
        "Expected newline or end of document",
        "nothing may follow a value; text and amounts with a unit must be in quotes",
    ),
    ("Unescaped '\\' in a string", "write '…' in place of \"…\", or / in place of \\"),
    ("Invalid initial character for a key part", "a line is KEY = VALUE, [TABLE] or # COMMENT"),
)
"""What to do, by how tomllib's message begins."""

_BY_LINE = (
    (re.compile("[“”„‘’«»]"), 'write straight quotation marks: "'),
    (
        re.compile("[\u00a0\u2000-\u200b\u3000]"),
        "there is a character that only looks like a blank",
    ),
    (re.compile(r"=\s*(?:True|False|yes|no|on|off)\s*(?:#.*)?$", re.I), "write true or false"),
    (
        re.compile(r"=\s*(?:None|null|nil)?\s*(?:#.*)?$", re.I),
        "a value is missing; leave the line out",
    ),
    (re.compile(r"^\s*(?:;|//|--|/\*)"), "a comment begins with #"),
    (re.compile(r"^\s*[{}]"), "this is no JSON but TOML: a line is KEY = VALUE"),
)
"""What to do, by what stands in the line."""


def syntax_problem(file: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    """What tomllib found, what to do, and the line."""
    message = str(error)
    found = _POSITION.search(message)
    lines = text.split("\n")
    number = int(found[1]) if found and found[1] else len(text.rstrip().split("\n"))
    message = _POSITION.sub("", message)
    advice = next((says for begin, says in _ADVICE if message.startswith(begin)), "")
    if not (found and found[1]):
        advice = "something is not closed: a ], a } or a quotation mark is missing"
    matching = (says for pattern, says in _BY_LINE if pattern.search(lines[number - 1]))
    advice = next(matching, advice)
    return Problem(
        where=f"{file}:{number}",
        key=f"column {found[2]}" if found and found[2] else "end of the file",
        message=f"{message}{advice and f': {advice}'}; the line is: {_shown(lines[number - 1])}",
    )


def _shown(line: str) -> str:
    """The line, without the value where a secret could stand: in a wrong place as well."""
    line = line.strip()
    if _HEADER.fullmatch(line):
        return quoted(line)
    key = _KEY.match(line)
    name = key[0].rpartition(".")[2] if key else ""
    if name in _HARMLESS and not _LIKE_A_SECRET.search(line):
        return quoted(line.partition(" #")[0])
    equals = " =" if key and line[key.end() :].lstrip().startswith("=") else ""
    return quoted(f"{key[0]}{equals} …") if key and (equals or name in _SECRETIVE) else "not shown"
