r"""Readings of a path: all ways in which a service may understand it.

Between a path as it was sent and the page, the file or the method that it leads to, there may be
several programs, each of which reads the path in its own way and hands on what it has read. So
every step that one of them takes is taken with the result of every other, until nothing new comes:
what is decoded may have dots in it, and what dots lead to may be encoded.

- `%61` is decoded: all of it, or all but what would become `/` or `\`, as Apache and browsers do;
- `.` and `..` are resolved (RFC 3986 5.2.4);
- `//` becomes `/`, `\` becomes `/`, `;parameters` go away;
- what begins with `//` is taken for a host and a path, as by Node's and browsers' `URL`;
- what was decoded is taken for a target once more: `?` and `#` end the path;
- spaces around a name and dots at its end go away, as on Windows and by `URL`;
- characters become those that they are a form of, as `．` becomes `.` (Unicode's NFKC);
- characters that show nothing go away, such as a soft hyphen, as in some file systems.

What Microsoft's servers alone decode (`%u002e`), what only careless decoders take for UTF-8
(`%c0%ae`) and control characters are refused. So is a path that does not settle within the bounds.
"""

import re
from collections.abc import Callable, Collection
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

MAX_READINGS = 128
MAX_BYTES = 64 * 1024
"""Of one path, and of all its readings; whoever sends more is refused, and costs a few ms."""
MAX_DECODED = 8
"""Layers of percent-encoding that are taken off to see whether there are dots in a path."""


class PathError(ValueError):
    """The path can be read in too many ways, or in ways that nobody needs; the text says why."""


_PLAIN = re.compile(rb"/|(?:/[A-Za-z0-9_~!$&'()*+,=:@-]+(?:\.[A-Za-z0-9_~!$&'()*+,=:@-]+)*)+")
"""A path that nobody can read in two ways, as most are."""
# As numbers: `in` is many times slower when asked for bytes.
_PERCENT, _SEMICOLON, _DOT, _SPACE = b"%;. "
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_SEPARATORS = (b"2f", b"5c")
_PARAMETERS = re.compile(rb";[^/]*")
_SLASHES = re.compile(rb"/{2,}")
_AUTHORITY = re.compile(rb"/{2,}[^/]*")
_HOST = re.compile(rb"/{2,}(?:[^/?#]*@)?[^/?#%;'\"`<>{}|^\\ ]*")
_ENDS_PATH = re.compile(rb"[?#]")
_TRAILING = re.compile(rb"(?<![. ])[. ]+(?=/|\Z)")
_LEADING = re.compile(rb"(?<=/) +")
# Unicode's Default_Ignorable_Code_Point.
_INVISIBLE = re.compile(
    "[\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e"
    "\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8\\U000e0000-\\U000e0fff]"
)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_MICROSOFT = re.compile(rb"%u[0-9a-f]{4}", re.I)
# RFC 3629 10: more bytes than a character needs.
_OVERLONG = re.compile(
    rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|[\xf8-\xfd][\x80-\xbf]"
)


def readings(path: bytes) -> Collection[bytes]:
    """All that a service could take `path`, which begins with `/`, for. Raises PathError."""
    if _PLAIN.fullmatch(path):
        return (path,)
    found = {path}
    waiting = [path]
    size = len(path)
    while waiting:
        reading = waiting.pop()
        _check(reading)
        for step in _STEPS:
            other = step(reading)
            if other not in found:
                found.add(other)
                waiting.append(other)
                size += len(other)
                if len(found) > MAX_READINGS or size > MAX_BYTES:
                    raise PathError("the path can be read in too many ways")
    return found


def leaves(path: bytes) -> bool:
    """Whether dots lead out of the folder that `path`, which begins with `/`, is relative to.

    In any reading; a path that cannot be read for certain does.
    """
    if not _may_leave(path):
        return False
    try:
        return any(map(_climbs, readings(path)))
    except PathError:
        return True


def _may_leave(path: bytes) -> bool:
    """Whether it is worth a look, which most paths are not."""
    is_encoded = _PERCENT in path or not path.isascii()
    if _DOT in path and b".." in path:
        return True
    if not is_encoded:
        return False
    for _ in range(MAX_DECODED):
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return b".." in path or not path.isascii()
        path = decoded
    return True


def _climbs(path: bytes) -> bool:
    depth = 0
    for part in path.split(b"/")[1:]:
        if part == b"..":
            depth -= 1
            if depth < 0:
                return True
        elif part != b".":
            depth += 1
    return False


def _check(path: bytes) -> None:
    if _CONTROL.search(path):
        raise PathError("the path has a control character")
    if _PERCENT in path and _MICROSOFT.search(path):
        raise PathError("the path has a character that is encoded with %u")
    if not path.isascii() and _OVERLONG.search(path):
        raise PathError("the path has a character that is encoded with more bytes than it needs")


def _decoded(path: bytes) -> bytes:
    return unquote_to_bytes(path) if _PERCENT in path else path


def _decoded_but_separators(path: bytes) -> bytes:
    return _ENCODED.sub(_decode, path) if _PERCENT in path else path


def _decode(encoded: re.Match[bytes]) -> bytes:
    digits = encoded[1]
    return encoded[0] if digits.lower() in _SEPARATORS else bytes.fromhex(digits.decode())


def _with_slashes(path: bytes) -> bytes:
    return path.replace(b"\\", b"/")


def _without_parameters(path: bytes) -> bytes:
    return _PARAMETERS.sub(b"", path) if _SEMICOLON in path else path


def _merged(path: bytes) -> bytes:
    return _SLASHES.sub(b"/", path) if b"//" in path else path


def _without_authority(path: bytes) -> bytes:
    if not path.startswith(b"//"):
        return path
    return _AUTHORITY.sub(b"", path, count=1) or b"/"


def _without_host(path: bytes) -> bytes:
    """As Node's `url.parse` does, for which a host ends at whatever it may not have."""
    if not path.startswith(b"//"):
        return path
    rest = _HOST.sub(b"", path, count=1)
    return rest if rest[:1] == b"/" else b"/" + rest


def _ended(path: bytes) -> bytes:
    """Without what would be a query or a fragment."""
    return _ENDS_PATH.split(path, maxsplit=1)[0]


def _resolved(path: bytes) -> bytes:
    if b"/." not in path:
        return path
    parts: list[bytes] = []
    for part in path.split(b"/")[1:]:
        if part == b"..":
            del parts[-1:]
        elif part != b".":
            parts.append(part)
    return b"/" + b"/".join(parts)


def _trimmed(path: bytes) -> bytes:
    if _SPACE in path:
        path = _LEADING.sub(b"", path)
    return _TRAILING.sub(_trim, path) if _DOT in path or _SPACE in path else path


def _trim(trailing: re.Match[bytes]) -> bytes:
    """Dots that are a whole name stay what they are."""
    is_whole = trailing.string[trailing.start() - 1 : trailing.start()] == b"/"
    dots = trailing[0].rstrip(b" ")
    return dots if is_whole and dots in (b".", b"..") else b"." if is_whole else b""


def _visible(path: bytes) -> bytes:
    if path.isascii():
        return path
    text = path.decode("utf-8", "surrogateescape")
    return _INVISIBLE.sub("", text).encode("utf-8", "surrogateescape")


def _composed(path: bytes) -> bytes:
    if path.isascii():
        return path
    text = path.decode("utf-8", "surrogateescape")
    return normalize("NFKC", text).encode("utf-8", "surrogateescape")


_STEPS: tuple[Callable[[bytes], bytes], ...] = (
    _decoded,
    _decoded_but_separators,
    _with_slashes,
    _without_parameters,
    _merged,
    _without_authority,
    _without_host,
    _ended,
    _resolved,
    _trimmed,
    _composed,
    _visible,
)


def folded(path: bytes) -> bytes:
    """As a service reads it that makes no difference between capitals and small letters."""
    if path.isascii():
        return path.lower()
    text = path.decode("utf-8", "surrogateescape")
    return text.upper().lower().encode("utf-8", "surrogateescape")
