"""Descriptions of messages, as their service gives them: fields with names, enums, methods.

Read from FileDescriptorProto, which reflection answers with
(https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from authproxy.inspector.protobuf.scanning import NotProtobuf, Value, scan

REPEATED = 3
_DEBUG_REDACT = 16
"""`[debug_redact = true]`: whoever wrote the .proto says that it is a secret."""

_Parts = dict[int, list[Value]]


class FieldDescription(NamedTuple):
    """Name and type of a field of a message."""

    name: str
    type: int
    """As FieldDescriptorProto.Type numbers them."""
    type_name: str
    """Of a message or an enum, without the first dot."""
    is_repeated: bool
    is_secret: bool


@dataclass(frozen=True, slots=True)
class MessageDescription:
    """Fields of one type of messages, by their numbers."""

    fields: dict[int, FieldDescription]
    is_entry: bool
    """It is an entry of a map: 1 is the key, 2 the value."""


@dataclass(slots=True)
class Descriptions:
    """Messages of one gRPC service, as far as they are known."""

    messages: dict[str, MessageDescription] = field(default_factory=dict)
    enums: dict[str, dict[int, str]] = field(default_factory=dict)
    methods: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By `package.Service/Method`, the types of what is asked and answered."""
    files: set[str] = field(default_factory=set)
    _imports: set[str] = field(default_factory=set)

    def add(self, file: bytes) -> None:
        """One FileDescriptorProto. Raises NotProtobuf."""
        parts = _parts(file)
        name, package = _text(parts, 1), _text(parts, 2)
        if name in self.files:
            return
        self.files.add(name)
        self._imports.update(map(_shown, parts.get(3, ())))
        prefix = f"{package}." if package else ""
        for each in _inner(parts, 4):
            self._message(each, prefix)
        for each in _inner(parts, 5):
            self._enum(each, prefix)
        for each in _inner(parts, 6):
            self._service(each, prefix)

    def missing(self) -> Collection[str]:
        """Names of files that others import, and that have not come."""
        return sorted(self._imports - self.files)

    def _message(self, data: bytes, prefix: str, depth: int = 0) -> None:
        if depth > 20:
            raise NotProtobuf("types within types without an end")
        parts = _parts(data)
        name = prefix + _text(parts, 1)
        fields = dict(map(_field, _inner(parts, 2)))
        options = [_parts(each) for each in _inner(parts, 7)]
        is_entry = any(each.get(7) == [1] for each in options)
        self.messages[name] = MessageDescription(fields, is_entry)
        for each in _inner(parts, 3):
            self._message(each, f"{name}.", depth + 1)
        for each in _inner(parts, 4):
            self._enum(each, f"{name}.")

    def _enum(self, data: bytes, prefix: str) -> None:
        parts = _parts(data)
        values = [_parts(each) for each in _inner(parts, 2)]
        self.enums[prefix + _text(parts, 1)] = {_number(v, 2): _text(v, 1) for v in values}

    def _service(self, data: bytes, prefix: str) -> None:
        parts = _parts(data)
        service = prefix + _text(parts, 1)
        for each in _inner(parts, 2):
            method = _parts(each)
            types = _text(method, 2).lstrip("."), _text(method, 3).lstrip(".")
            self.methods[f"{service}/{_text(method, 1)}"] = types


def _field(data: bytes) -> tuple[int, FieldDescription]:
    parts = _parts(data)
    options = [_parts(each) for each in _inner(parts, 8)]
    return _number(parts, 3), FieldDescription(
        name=_text(parts, 1),
        type=_number(parts, 5),
        type_name=_text(parts, 6).lstrip("."),
        is_repeated=_number(parts, 4) == REPEATED,
        is_secret=any(each.get(_DEBUG_REDACT) == [1] for each in options),
    )


def _parts(data: bytes) -> _Parts:
    found: _Parts = {}
    for number, _, value in scan(data):
        found.setdefault(number, []).append(value)
    return found


def _inner(parts: _Parts, number: int) -> Sequence[bytes]:
    return [value for value in parts.get(number, ()) if isinstance(value, bytes)]


def _text(parts: _Parts, number: int) -> str:
    found = parts.get(number)
    return _shown(found[-1]) if found else ""


def _shown(value: Value) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(parts: _Parts, number: int) -> int:
    """Enums may have numbers below zero."""
    value = (parts.get(number) or [0])[-1]
    if not isinstance(value, int):
        raise NotProtobuf("a number is none")
    return value - (1 << 64) if value >> 63 else value
