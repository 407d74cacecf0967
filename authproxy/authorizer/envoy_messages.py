"""Messages of Envoy's external authorization, as far as they are used here.

From envoy/service/auth/v3/external_auth.proto and what it imports, with the numbers of the fields
that it has. Not from the package xds-protos, which has all of Envoy's: it writes files of its own
over those of opentelemetry-proto, and traces then end with an ImportError.

The names are ours, in a pool of our own, so a program that has Envoy's messages too is not upset.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

_PACKAGE = "authproxy.envoy"
_SCALARS = {"string": 9, "bytes": 12, "int32": 5}
"""Numbers of FieldDescriptorProto.Type; an enum travels as an int32 does."""
_MESSAGE = 11

MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "CheckRequest": {"attributes": (1, "AttributeContext")},
    "AttributeContext": {"source": (1, "Peer"), "request": (4, "Request")},
    "Peer": {"address": (1, "Address")},
    "Address": {"socket_address": (1, "SocketAddress")},
    "SocketAddress": {"address": (2, "string")},
    "Request": {"http": (2, "HttpRequest")},
    "HttpRequest": {
        "method": (2, "string"),
        "headers": (3, "HeadersEntry*"),
        "path": (4, "string"),
        "host": (5, "string"),
        "scheme": (6, "string"),
        "header_map": (13, "HeaderMap"),
    },
    "HeadersEntry": {"key": (1, "string"), "value": (2, "string")},
    "CheckResponse": {
        "status": (1, "Status"),
        "denied_response": (2, "DeniedHttpResponse"),
        "ok_response": (3, "OkHttpResponse"),
        "dynamic_metadata": (4, ".google.protobuf.Struct"),
    },
    "Status": {"code": (1, "int32")},
    "HttpStatus": {"code": (1, "int32")},
    "DeniedHttpResponse": {
        "status": (1, "HttpStatus"),
        "headers": (2, "HeaderValueOption*"),
        "body": (3, "string"),
    },
    "OkHttpResponse": {
        "headers": (2, "HeaderValueOption*"),
        "headers_to_remove": (5, "string*"),
        "response_headers_to_add": (6, "HeaderValueOption*"),
    },
    "HeaderValueOption": {"header": (1, "HeaderValue"), "append_action": (3, "int32")},
    "HeaderValue": {"key": (1, "string"), "value": (2, "string"), "raw_value": (3, "bytes")},
    "HeaderMap": {"headers": (1, "HeaderValue*")},
}
"""By message: each field with its number and type; `*` says that there may be several. The entries
of a map travel as messages with `key` and `value`."""

OVERWRITE_IF_EXISTS_OR_ADD = 2
"""Of HeaderValueOption.HeaderAppendAction."""


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="authproxy/envoy.proto", package=_PACKAGE, syntax="proto3"
    )
    file.dependency.append(struct_pb2.DESCRIPTOR.name)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"{_PACKAGE}.{name}")) for name in MESSAGES}


def _add(message: Any, name: str, number: int, kind: str) -> None:
    several, kind = kind.endswith("*"), kind.removesuffix("*")
    field = message.field.add(name=name, number=number, label=3 if several else 1)
    field.type = _SCALARS.get(kind, _MESSAGE)
    if kind not in _SCALARS:
        field.type_name = kind if kind.startswith(".") else f".{_PACKAGE}.{kind}"


_CLASSES = _classes()
CheckRequest = _CLASSES["CheckRequest"]
CheckResponse = _CLASSES["CheckResponse"]
