"""A gRPC service that describes itself: accounts with a password, by grpcio's own reflection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc import aio
from grpc_reflection.v1alpha import reflection, reflection_pb2

NAME = "shop.v1.Accounts"
_TYPES = descriptor_pb2.FieldDescriptorProto


def _field(message: Any, number: int, name: str, kind: int, type_name: str = "") -> Any:
    return message.field.add(
        name=name,
        number=number,
        type=kind,
        label=_TYPES.LABEL_OPTIONAL,
        type_name=type_name or None,
    )


def _repeated(message: Any, number: int, name: str, kind: int, type_name: str = "") -> None:
    _field(message, number, name, kind, type_name).label = _TYPES.LABEL_REPEATED


def _kinds_file() -> Any:
    """In a file of its own, which the other imports."""
    file = descriptor_pb2.FileDescriptorProto(
        name="shop/v1/kinds.proto", package="shop.v1", syntax="proto3"
    )
    kind = file.enum_type.add(name="Kind")
    for number, name in enumerate(("UNKNOWN", "PRIVATE", "BUSINESS")):
        kind.value.add(name=name, number=number)
    return file


def _accounts_file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="shop/v1/accounts.proto", package="shop.v1", syntax="proto3"
    )
    file.dependency.append("shop/v1/kinds.proto")
    file.dependency.append("google/protobuf/any.proto")
    account = file.message_type.add(name="Account")
    _field(account, 1, "name", _TYPES.TYPE_STRING)
    _field(account, 2, "password", _TYPES.TYPE_STRING)
    _field(account, 3, "kind", _TYPES.TYPE_ENUM, ".shop.v1.Kind")
    _repeated(account, 4, "scores", _TYPES.TYPE_SINT32)
    _field(account, 5, "parent", _TYPES.TYPE_MESSAGE, ".shop.v1.Account")
    _repeated(account, 6, "labels", _TYPES.TYPE_MESSAGE, ".shop.v1.Account.LabelsEntry")
    _field(account, 7, "photo", _TYPES.TYPE_BYTES)
    _field(account, 8, "ratio", _TYPES.TYPE_DOUBLE)
    _field(account, 9, "is_open", _TYPES.TYPE_BOOL)
    _field(account, 10, "balance", _TYPES.TYPE_INT64)
    _field(account, 11, "more", _TYPES.TYPE_MESSAGE, ".google.protobuf.Any")
    _field(account, 12, "pin", _TYPES.TYPE_INT32)
    _field(account, 13, "remark", _TYPES.TYPE_STRING).options.debug_redact = True
    _repeated(account, 14, "stamps", _TYPES.TYPE_FIXED64)
    entry = account.nested_type.add(name="LabelsEntry")
    entry.options.map_entry = True
    _field(entry, 1, "key", _TYPES.TYPE_STRING)
    _field(entry, 2, "value", _TYPES.TYPE_STRING)
    service = file.service.add(name="Accounts")
    for name, streams in (("Get", False), ("Watch", True)):
        service.method.add(
            name=name,
            input_type=".shop.v1.Account",
            output_type=".shop.v1.Account",
            server_streaming=streams,
        )
    return file


def _pool() -> Any:
    from google.protobuf import any_pb2

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(_kinds_file())
    pool.Add(_accounts_file())
    return pool


POOL = _pool()
FILES = [
    POOL.FindFileByName(f"shop/v1/{name}.proto").serialized_pb for name in ("kinds", "accounts")
]
ANY_FILE = POOL.FindFileByName("google/protobuf/any.proto").serialized_pb
Account: Any = message_factory.GetMessageClass(POOL.FindMessageTypeByName("shop.v1.Account"))


@dataclass
class GrpcService:
    """What a test has at hand."""

    port: int
    told: list[dict[str, Any]] = field(default_factory=list)
    """The metadata of each call of reflection."""

    def call(self, channel: Any) -> Any:
        """The method that gives back what it gets."""
        return channel.unary_unary(
            f"/{NAME}/Get",
            request_serializer=Account.SerializeToString,
            response_deserializer=Account.FromString,
        )


def _echo() -> Any:
    async def get(request: Any, _context: Any) -> Any:
        return request

    method = grpc.unary_unary_rpc_method_handler(
        get, request_deserializer=Account.FromString, response_serializer=Account.SerializeToString
    )
    return grpc.method_handlers_generic_handler(NAME, {"Get": method})


def _reflection(name: str, service: GrpcService) -> Any:
    """grpcio's servicer, by the name of any version."""
    servicer = reflection.ReflectionServicer([NAME, name], pool=POOL)

    def answer(requests: Any, context: Any) -> Any:
        service.told.append(dict(context.invocation_metadata()))
        return servicer.ServerReflectionInfo(requests, context)

    method = grpc.stream_stream_rpc_method_handler(
        answer,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})


@asynccontextmanager
async def grpc_service(
    *versions: str, credentials: Any = None, port: int = 0
) -> AsyncIterator[GrpcService]:
    """`versions` of reflection that it has, as `v1`; in TLS with `credentials`."""
    server = aio.server()
    service = GrpcService(0)
    names = [f"grpc.reflection.{version}.ServerReflection" for version in versions]
    server.add_generic_rpc_handlers((_echo(), *(_reflection(name, service) for name in names)))
    if credentials is None:
        service.port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        service.port = server.add_secure_port(f"localhost:{port}", credentials)
    await server.start()
    try:
        yield service
    finally:
        await server.stop(None)
