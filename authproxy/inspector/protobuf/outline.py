"""Outline of a message without its description: which fields it has, how long they are.

Nobody can tell by a number which field is a password, so texts and numbers are not in it. Their
digests are: whether two are equal can be seen.
"""

from collections.abc import Callable
from typing import Any

from authproxy.inspector.protobuf.scanning import LENGTH, NotProtobuf, Value, scan

DEEPEST = 30
MOST_VALUES = 1000
REST = "…"
SMALL = 100
"""Numbers below it are shown: they are flags, enums and counts, and too few to be anybody's PIN."""

Digest = Callable[[bytes], bytes]


class RoomForValues:
    """Number of values that may still be shown of a message."""

    def __init__(self, left: int = MOST_VALUES) -> None:
        self.left = left

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def outline(data: bytes, digest: Digest, room: RoomForValues | None = None, depth: int = 0) -> Any:
    """For JSON. Raises NotProtobuf."""
    room = room or RoomForValues()
    found: dict[str, Any] = {}
    for number, kind, value in scan(data):
        if not room.take():
            found[REST] = "the rest is not shown"
            break
        put(found, f"#{number}", unnamed(kind, value, digest, room, depth))
    return found


def put(found: dict[str, Any], name: str, value: object) -> None:
    """Fields that come again are a list: whether they are one cannot be told either."""
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]


def unnamed(kind: int, value: Value, digest: Digest, room: RoomForValues, depth: int) -> Any:
    """A value of which only its type on the wire is known."""
    if isinstance(value, int):
        return value if value < SMALL else f"number {_mark(digest, b'%d' % value)}"
    if kind != LENGTH and len(value) in (4, 8):
        return f"{len(value) * 8} bits {_mark(digest, value)}"
    inner = _message_in(value, digest, room, depth) if value else None
    if inner is not None:
        return inner
    return described(value, digest)


def _message_in(value: bytes, digest: Digest, room: RoomForValues, depth: int) -> Any:
    """None where it does not look like one: every text of two letters may be one."""
    if depth >= DEEPEST or _is_text(value):
        return None
    try:
        return outline(value, digest, room, depth + 1)
    except NotProtobuf:
        return None


def described(value: bytes, digest: Digest) -> str:
    """Text or bytes, by their length."""
    kind = "text" if _is_text(value) else "bytes"
    return f"{kind} of {len(value)} {_mark(digest, value)}".rstrip()


def _is_text(value: bytes) -> bool:
    try:
        shown = value.decode()
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\t\r\n" for char in shown)


def _mark(digest: Digest, value: bytes) -> str:
    return digest(value).decode("latin-1") if value else ""
