"""A message as JSON, with the names that its service has given to its fields."""

import math
import struct
from typing import Any

from authproxy.inspector.protobuf.descriptions import Descriptions, FieldDescription
from authproxy.inspector.protobuf.outline import (
    DEEPEST,
    REST,
    Digest,
    RoomForValues,
    described,
    outline,
    put,
    unnamed,
)
from authproxy.inspector.protobuf.scanning import (
    EIGHT,
    FOUR,
    GROUP,
    LENGTH,
    VARINT,
    NotProtobuf,
    Value,
    packed,
    scan,
)

ANY = "google.protobuf.Any"
_BOOL, _STRING, _GROUP, _MESSAGE, _BYTES, _ENUM = 8, 9, 10, 11, 12, 14
_FIXED_FORMATS = {1: "<d", 2: "<f", 6: "<Q", 7: "<I", 15: "<i", 16: "<q"}
_ZIGZAG = (17, 18)
_SIGNED = (3, 5, _ENUM)
_KINDS = {
    **dict.fromkeys((3, 4, 5, _BOOL, 13, _ENUM, *_ZIGZAG), VARINT),
    **dict.fromkeys((1, 6, 16), EIGHT),
    **dict.fromkeys((2, 7, 15), FOUR),
    **dict.fromkeys((_STRING, _MESSAGE, _BYTES), LENGTH),
    _GROUP: GROUP,
}


def named(known: Descriptions, type_name: str, data: bytes, digest: Digest) -> Any:
    """For JSON; what is secret by its name is still in it. Raises NotProtobuf."""
    return _Reading(known, digest).message(type_name, data, 0)


class _Reading:
    def __init__(self, known: Descriptions, digest: Digest) -> None:
        self._known = known
        self._digest = digest
        self._room = RoomForValues()

    def message(self, type_name: str, data: bytes, depth: int) -> Any:
        described_as = self._known.messages.get(type_name)
        if described_as is None or depth >= DEEPEST:
            return outline(data, self._digest, self._room, depth)
        found: dict[str, Any] = {}
        for number, kind, value in scan(data):
            if not self._room.take():
                found[REST] = "the rest is not shown"
                break
            each = described_as.fields.get(number)
            if each is None or not _fits(each, kind):
                shown = unnamed(kind, value, self._digest, self._room, depth)
                put(found, f"#{number}", shown)
            else:
                self._put(found, each, kind, value, depth)
        return self._unpacked(found, data, depth) if type_name == ANY else found

    def _put(
        self, found: dict[str, Any], each: FieldDescription, kind: int, value: Value, depth: int
    ) -> None:
        name = each.name
        entry = self._known.messages.get(each.type_name)
        if entry is not None and entry.is_entry and not each.is_secret:
            made = self.message(each.type_name, _bytes(value), depth + 1)
            place = found.setdefault(name, {})
            place[str(made.get("key", ""))] = made.get("value", "")
        elif not each.is_repeated:
            found[name] = self._value(each, value, depth)
        elif kind == LENGTH and _KINDS[each.type] != LENGTH:
            place = found.setdefault(name, [])
            for one in packed(_bytes(value), _KINDS[each.type]):
                if not self._room.take():
                    break
                place.append(self._value(each, one, depth))
        else:
            found.setdefault(name, []).append(self._value(each, value, depth))

    def _value(self, each: FieldDescription, value: Value, depth: int) -> Any:
        if each.is_secret:
            whole = value if isinstance(value, bytes) else b"%d" % value
            return self._digest(whole).decode("latin-1")
        if isinstance(value, int):
            return self._number(each, value)
        if each.type in _FIXED_FORMATS:
            number = struct.unpack(_FIXED_FORMATS[each.type], value)[0]
            return number if math.isfinite(number) else str(number)
        if each.type == _STRING:
            return value.decode("utf-8", "replace")
        if each.type == _BYTES:
            return described(value, self._digest)
        return self.message(each.type_name, value, depth + 1)

    def _number(self, each: FieldDescription, value: int) -> Any:
        if each.type == _BOOL:
            return bool(value)
        if each.type in _ZIGZAG:
            return (value >> 1) ^ -(value & 1)
        if each.type in _SIGNED and value >> 63:
            value -= 1 << 64
        if each.type == _ENUM:
            return self._known.enums.get(each.type_name, {}).get(value, value)
        return value

    def _unpacked(self, found: dict[str, Any], data: bytes, depth: int) -> Any:
        """An Any says the type of the message in it (2) by an address that ends with it (1)."""
        parts = {number: value for number, _, value in scan(data)}
        type_name = str(found.get("type_url", "")).rpartition("/")[2]
        value = parts.get(2)
        if type_name in self._known.messages and isinstance(value, bytes):
            found["value"] = self.message(type_name, value, depth + 1)
        return found


def _fits(each: FieldDescription, kind: int) -> bool:
    expected = _KINDS.get(each.type)
    is_packed = each.is_repeated and kind == LENGTH and expected in (VARINT, EIGHT, FOUR)
    return kind == expected or is_packed


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise NotProtobuf("a number where there are bytes")
    return value
