"""Asks a service what its gRPC messages are made of, with its token and by gRPC's reflection:
`grpc.reflection.v1`, and `v1alpha`, which is the same by an older name.

https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from authproxy.inspector.protobuf.descriptions import Descriptions
from authproxy.inspector.protobuf.scanning import LENGTH, NotProtobuf, scan
from authproxy.wire.upstream.connector import Connector

VERSIONS = ("v1", "v1alpha")
PATIENCE_S = 10.0
MOST_BYTES = 2 * 1024 * 1024
MOST_FILES = 200
_UNIMPLEMENTED = "12"
_BY_NAME, _BY_SYMBOL = 3, 4
_FILES, _ERROR = 4, 7


class NoDescription(Exception):  # noqa: N818 -- a finding, not a failure
    """Reason why a service does not say what its messages are made of."""


class _Unknown(NoDescription):
    """Refusal of a version of reflection that it has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectionTarget:
    """Way to a service, and what calls to it carry."""

    connector: Connector
    headers: Sequence[tuple[str, str]]
    """With the token."""


async def find_descriptions(target: ReflectionTarget, grpc_service: str) -> Descriptions:
    """Of all that the methods of `grpc_service` take and give.

    Raises NoDescription, and UpstreamError where the service is not reached.
    """
    for version in VERSIONS:
        try:
            return await _find(target, grpc_service, version)
        except _Unknown:
            continue
        except (TimeoutError, ProtocolError, NotProtobuf) as error:
            why = "did not answer in time" if isinstance(error, TimeoutError) else f"said: {error}"
            raise NoDescription(f"Its reflection {why}.") from None
    raise NoDescription("It has no reflection: grpc.reflection.v1 is not among its services.")


async def _find(target: ReflectionTarget, grpc_service: str, version: str) -> Descriptions:
    call = await target.connector.open(_ReflectionCall, http2=True)
    try:
        async with asyncio.timeout(PATIENCE_S):
            call.begin(target, version)
            found = Descriptions()
            await _learn(found, call, _request(_BY_SYMBOL, grpc_service))
            while (wanted := found.missing()) and len(found.files) < MOST_FILES:
                before = len(found.files)
                await _learn(found, call, _request(_BY_NAME, next(iter(wanted))))
                if len(found.files) == before:
                    break
            return found
    finally:
        call.transport.abort()


async def _learn(found: Descriptions, call: "_ReflectionCall", request: bytes) -> None:
    for number, kind, value in scan(await call.ask(request)):
        if kind != LENGTH or not isinstance(value, bytes):
            continue
        if number == _ERROR:
            said = {n: v for n, _, v in scan(value)}.get(2, b"")
            shown = said.decode("utf-8", "replace") if isinstance(said, bytes) else ""
            raise NoDescription(f"Its reflection says: {shown[:300]}")
        if number == _FILES:
            for _, _, file in scan(value):
                if isinstance(file, bytes):
                    found.add(file)


def _request(number: int, text: str) -> bytes:
    """A ServerReflectionRequest with one text in it."""
    data = text.encode()
    size, length = b"", len(data)
    while length > 0x7F:
        size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
    return bytes([number << 3 | LENGTH]) + size + bytes([length]) + data


class _ReflectionCall(asyncio.Protocol):
    """One call with messages in both directions, on a connection of its own."""

    def __init__(self) -> None:
        self._http2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._stream = 1
        self._received = 0
        self._data = b""
        self._over = ""
        self._status = ""
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def begin(self, target: ReflectionTarget, version: str) -> None:
        """Raises NoDescription."""
        tls = self.transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() != "h2":
            raise NoDescription("It does not speak HTTP/2.")
        origin = target.connector.origin
        self._http2.initiate_connection()
        path = f"{origin.path}/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        fields = [
            *((":method", "POST"), (":scheme", origin.scheme), (":authority", origin.authority)),
            *((":path", path), ("te", "trailers"), ("content-type", "application/grpc")),
            ("user-agent", "authproxy-inspector"),
            *target.headers,
        ]
        self._http2.send_headers(self._stream, fields)
        self._flush()

    async def ask(self, message: bytes) -> bytes:
        """The next message that comes. Raises NoDescription."""
        self._raise_over()
        self._http2.send_data(self._stream, b"\0" + len(message).to_bytes(4) + message)
        self._flush()
        while True:
            end = 5 + int.from_bytes(self._data[1:5])
            if len(self._data) >= 5 and len(self._data) >= end:
                answer, self._data = self._data[5:end], self._data[end:]
                return answer
            self._raise_over()
            self._news.clear()
            await self._news.wait()

    def _raise_over(self) -> None:
        if self._status == _UNIMPLEMENTED:
            raise _Unknown(self._over)
        if self._over:
            raise NoDescription(self._over)

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._http2.receive_data(data):
                self._heard(event)
        except ProtocolError:
            self._end("It does not speak HTTP/2.")
        self._flush()
        self._news.set()

    def _heard(self, event: object) -> None:
        if isinstance(event, ResponseReceived | TrailersReceived):
            self._head({str(name): str(value) for name, value in event.headers})
        elif isinstance(event, DataReceived):
            self._received += len(event.data)
            self._data += event.data
            self._http2.acknowledge_received_data(event.flow_controlled_length, self._stream)
            if self._received > MOST_BYTES:
                self._end(f"It says more than {MOST_BYTES} bytes of its messages.")
        elif isinstance(event, StreamEnded | StreamReset | ConnectionTerminated):
            self._end("Its reflection ended the call.")

    def _head(self, fields: dict[str, str]) -> None:
        self._status = fields.get("grpc-status", self._status)
        status = fields.get(":status", "200")
        if status == "404":
            self._status = _UNIMPLEMENTED
        if status != "200":
            self._end(f"Its reflection answers {status}.")
        elif self._status not in ("", "0"):
            message = fields.get("grpc-message", "")[:300]
            self._end(f"Its reflection answers grpc-status {self._status} {message}".strip() + ".")

    def _end(self, why: str) -> None:
        self._over = self._over or why

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("It closed the connection.")
        self._news.set()

    def _flush(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._http2.data_to_send())

    def __repr__(self) -> str:
        return f"<_ReflectionCall [{self._over or 'open'}]>"
