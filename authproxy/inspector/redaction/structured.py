"""Secrets in JSON, whole or cut off, with letters escaped or not."""

import json
import re
from typing import Any

from authproxy.inspector.redaction.redactor import Redactor

DEEPEST = 200
_MEMBER = re.compile(
    rb'"((?:[^"\\]++|\\.)*+)'  # a string: a name,
    rb'(?:(?=")(?:"(\s*+:\s*+)'  # and its value, or the beginning of that
    rb'("(?:[^"\\]++|\\.)*+"?|[\[{]|[^\s,\]}\[{]++))?|\Z)',
    re.DOTALL,
)
"""A member, with its value or the beginning of it; or a string up to its last quote. Each string is
read once, whatever quotes are escaped in it: to begin at each of those would take minutes."""
_CUT_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)("?)')


def redact_json(redactor: Redactor, data: bytes) -> bytes:
    """JSON, one value or one to a line, as it may be kept."""
    if redactor.is_clean(data):
        return data
    try:
        return _dump(redact_value(redactor, json.loads(data)))
    except (ValueError, RecursionError):
        pass
    lines = data.split(b"\n")
    if len(lines) > 1 and all(line.strip()[:1] in b"{[" for line in lines):
        return b"\n".join(_one_line(redactor, line) for line in lines)
    return redact_broken(redactor, data)


def _one_line(redactor: Redactor, line: bytes) -> bytes:
    try:
        return _dump(redact_value(redactor, json.loads(line))) if line.strip() else line
    except (ValueError, RecursionError):
        return redact_broken(redactor, line)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def redact_value(redactor: Redactor, value: Any, name: str = "", depth: int = 0) -> Any:
    """What was read from JSON, as it may be kept. Raises RecursionError."""
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {
            _text(redactor, each): redact_value(
                redactor, inner, each if redactor.names.is_secret(each) else name, depth + 1
            )
            for each, inner in value.items()
        }
    if isinstance(value, list):
        return [redact_value(redactor, each, name, depth + 1) for each in value]
    if isinstance(value, str):
        return _string(redactor, value, is_secret=bool(name))
    if (
        name
        and not isinstance(value, bool)
        and value is not None
        and redactor.names.numbers_too(name)
    ):
        return _shown(redactor.named(str(value).encode()))
    return value


def _string(redactor: Redactor, value: str, *, is_secret: bool) -> str:
    if is_secret:
        return _shown(redactor.named(value.encode("utf-8", "surrogatepass")))
    if value[:1] in ("{", "[") and not redactor.is_clean(value.encode("utf-8", "surrogatepass")):
        return _shown(redact_json(redactor, value.encode("utf-8", "surrogatepass")))
    return _text(redactor, value)


def _text(redactor: Redactor, value: str) -> str:
    return _shown(redactor.text(value.encode("utf-8", "surrogatepass")))


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def redact_broken(redactor: Redactor, data: bytes) -> bytes:
    """What is no JSON, or only its beginning. Where a secret's value is nested, the rest goes."""
    data = _STRING.sub(_plain_letters, _CUT_ESCAPE.sub(b"", data))
    kept, at = [], 0
    while found := _MEMBER.search(data, at):
        kept.append(data[at : found.start()])
        at = found.end()
        if found[3] is None or not redactor.names.is_secret(found[1].decode("utf-8", "replace")):
            kept.append(found[0])
        elif found[3] in (b"{", b"["):
            kept.append(b'"%b"%b"[redacted, with all that followed]"' % (found[1], found[2]))
            return redactor.text(b"".join(kept))
        else:
            kept.append(_member(redactor, found))
    return redactor.text(b"".join(kept) + data[at:])


def _plain_letters(found: re.Match[bytes]) -> bytes:
    """Letters that JSON may escape, as they are: `\\u0074oken` is a name like any other."""
    if b"\\" not in found[1]:
        return found[0]
    try:
        plain = json.loads(b'"%b"' % found[1])
    except ValueError:
        return b'"[not readable]' + found[2]
    text = json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")
    return text if found[2] else text[:-1]


def _member(redactor: Redactor, found: re.Match[bytes]) -> bytes:
    name, colon, value = found.groups()
    quote = b'"' if value[:1] == b'"' else b""
    return b'"%b"%b%b%b%b' % (name, colon, quote, redactor.named(value.strip(b'"')), quote)
