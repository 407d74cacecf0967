"""A message by itself: numbers of fields, their types on the wire, and bytes.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

VARINT, EIGHT, LENGTH, GROUP, END_GROUP, FOUR = range(6)
FIXED = {EIGHT: 8, FOUR: 4}
_MOST_NUMBER = (1 << 29) - 1
_VARINT_BYTES = 10

Value = int | bytes


class NotProtobuf(ValueError):  # noqa: N818 -- a finding, not a failure
    """These bytes are no message."""


def scan(data: bytes) -> Iterator[tuple[int, int, Value]]:
    """Each field's number, its type on the wire, and its value: an int for VARINT, else bytes.

    Raises NotProtobuf.
    """
    at = 0
    while at < len(data):
        number, kind, value, at = _field(data, at)
        if kind == END_GROUP:
            raise NotProtobuf("a group ends that has not begun")
        yield number, kind, value


def _field(data: bytes, at: int) -> tuple[int, int, Value, int]:
    tag, at = varint(data, at)
    number, kind = tag >> 3, tag & 7
    if not 0 < number <= _MOST_NUMBER:
        raise NotProtobuf("no field has this number")
    if kind == VARINT:
        value, at = varint(data, at)
        return number, kind, value, at
    if kind == END_GROUP:
        return number, kind, b"", at
    if kind == GROUP:
        end, behind = _find_end(data, at, number)
        return number, kind, data[at:end], behind
    if kind == LENGTH:
        size, at = varint(data, at)
    elif kind in FIXED:
        size = FIXED[kind]
    else:
        raise NotProtobuf("there is no such type")
    if size > len(data) - at:
        raise NotProtobuf("it ends too early")
    return number, kind, data[at : at + size], at + size


def _find_end(data: bytes, at: int, number: int) -> tuple[int, int]:
    """Where the group ends, and what follows it begins. Groups in it are no recursion."""
    within = [number]
    while at < len(data):
        begin = at
        tag, after = varint(data, at)
        if tag & 7 == GROUP:
            within.append(tag >> 3)
            at = after
            continue
        found, kind, _, at = _field(data, at)
        if kind == END_GROUP:
            if within.pop() != found:
                raise NotProtobuf("another group ends than has begun")
            if not within:
                return begin, at
    raise NotProtobuf("a group does not end")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where what follows it begins. Raises NotProtobuf."""
    value = 0
    for count, byte in enumerate(data[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + count + 1
    raise NotProtobuf("a number does not end")


def packed(data: bytes, kind: int) -> Iterator[Value]:
    """Values of `kind` one behind the other. Raises NotProtobuf."""
    at = 0
    while at < len(data):
        if kind == VARINT:
            value, at = varint(data, at)
            yield value
            continue
        piece = data[at : at + FIXED[kind]]
        if len(piece) < FIXED[kind]:
            raise NotProtobuf("it ends too early")
        at += len(piece)
        yield piece
