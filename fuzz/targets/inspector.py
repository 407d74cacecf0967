"""What the inspector reads along: bodies, messages, frames, descriptions."""

import json
import zlib
from collections.abc import Callable

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError

from authproxy.errors import Refused
from authproxy.exchange import make_field
from authproxy.inspector.bodies.content import BodyType, DescribedBody, WholeBody, nature_of
from authproxy.inspector.bodies.encodings import Unreadable, decoded
from authproxy.inspector.bodies.event_streams import Events
from authproxy.inspector.bodies.grpc_messages import GrpcMessages
from authproxy.inspector.bodies.websocket_frames import Frames, WebSocketMessage
from authproxy.inspector.bodies.websocket_messages import Sockets
from authproxy.inspector.protobuf.descriptions import Descriptions
from authproxy.inspector.protobuf.outline import outline
from authproxy.inspector.protobuf.scanning import NotProtobuf, scan
from authproxy.inspector.redaction.names import Names
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.inspector.redaction.structured import redact_json
from authproxy.inspector.views.filters import read_filter
from authproxy.inspector.views.json_rpc import pairs
from fuzz.targets.target import Target, holds, may_raise, pieces, same, text

AT_MOST = 4096
_SLACK = 4096
"""Bytes that the objects around what is kept may take beyond the bound."""
_SECRET = "a-secret-of-nobody-else"
_REDACTOR = Redactor(Names(()), b"0" * 32)


def _clock() -> float:
    return 0.0


def encodings(data: bytes) -> None:
    """Never more than the bound, and what zlib makes of it by itself."""
    for encoding in ("gzip", "deflate", "br", "zstd", "identity", ""):
        with may_raise(Unreadable):
            found, is_all = decoded(data, encoding, AT_MOST)
            holds(len(found) <= AT_MOST, f"{encoding} becomes larger than its bound")
            if encoding == "identity":
                same((data[:AT_MOST], len(data) <= AT_MOST), (found, is_all), "plain content")
    try:
        by_zlib = zlib.decompressobj().decompress(data, AT_MOST)
    except zlib.error:
        return
    same(by_zlib, decoded(data, "deflate", AT_MOST)[0], "what zlib makes of it")


def _fed(make: Callable[[], Events | GrpcMessages | WholeBody], data: bytes, what: str) -> None:
    """Shows JSON, the same in one piece and in many, and keeps to its bound."""
    shown = []
    for parts in ([data], pieces(data)):
        body = make()
        for part in parts:
            body.feed(part)
            holds(body.held <= AT_MOST + _SLACK + 2 * len(data), f"{what} keeps {body.held} bytes")
        body.finish()
        shown.append(json.dumps(body.shown()))
    same(shown[0], shown[1], f"{what} in one piece and in many")


def bodies(data: bytes) -> None:
    """The first line is the Content-Type, the second the Content-Encoding."""
    kind, encoding, content = [*data.split(b"\n", 2), b"", b""][:3]
    nature = nature_of(
        [make_field(b"Content-Type", kind), make_field(b"Content-Encoding", encoding)]
    )
    body = DescribedBody(nature)
    body.feed(content)
    json.dumps(body.shown())
    _fed(lambda: WholeBody(nature, _REDACTOR, AT_MOST), content, "a body")


def event_streams(data: bytes) -> None:
    nature = BodyType("events", "text/event-stream", "")
    _fed(lambda: Events(nature, _REDACTOR, AT_MOST, _clock), data, "a stream of events")
    for encoding in ("gzip", "deflate"):
        packed = Events(
            BodyType("events", "text/event-stream", encoding), _REDACTOR, AT_MOST, _clock
        )
        packed.feed(data)
        packed.finish()
        json.dumps(packed.shown())


def grpc_messages(data: bytes) -> None:
    nature = BodyType("grpc", "application/grpc", "")
    _fed(lambda: GrpcMessages(nature, AT_MOST, _clock), data, "messages of gRPC")
    _fed(lambda: GrpcMessages(nature, AT_MOST, _clock, "gzip"), data, "packed messages of gRPC")


def web_sockets(data: bytes) -> None:
    """The same messages in one piece and in many, none larger than the bound."""
    for deflate in (False, True):
        whole, parts = _heard([data], deflate=deflate), _heard(pieces(data), deflate=deflate)
        same(whole, parts, "messages of a WebSocket in one piece and in many")
        holds(all(len(each.data) <= AT_MOST for each in whole[0]), "a message beyond its bound")
    sockets = Sockets([], _REDACTOR, AT_MOST, _clock)
    sockets.feed("sent", data)
    sockets.feed("received", data)
    holds(sockets.held <= 4 * AT_MOST + _SLACK, "a tunnel beyond its bound")
    json.dumps(sockets.shown())


def _heard(parts: list[bytes], *, deflate: bool) -> tuple[list[WebSocketMessage], str]:
    found: list[WebSocketMessage] = []
    frames = Frames(found.append, AT_MOST, deflate=deflate)
    for part in parts:
        frames.feed(part)
    return found, frames.broken


def protobuf(data: bytes) -> None:
    """Fields within the message, and an outline that is JSON."""
    with may_raise(NotProtobuf):
        fields = list(scan(data))
        size = sum(len(value) for _, _, value in fields if isinstance(value, bytes))
        holds(size <= len(data), "more content than bytes")
        json.dumps(outline(data, _REDACTOR.digest))


def descriptions(data: bytes) -> None:
    """What google.protobuf takes for a description, by the same names."""
    try:
        theirs = FileDescriptorProto.FromString(data)
    except DecodeError:
        theirs = None
    ours = Descriptions()
    with may_raise(NotProtobuf):
        ours.add(data)
        ours.missing()
        if theirs is not None:
            prefix = f"{theirs.package}." if theirs.package else ""
            names = {prefix + each.name for each in theirs.message_type}
            holds(names <= {*ours.messages}, "a message that is not described")


def secrets(data: bytes) -> None:
    """A secret under its name is in nothing that is kept, whatever stands beside it."""
    members = f'{{"password": "{_SECRET}", "x": '.encode()
    for made in (
        redact_json(_REDACTOR, members + data + b"}"),
        redact_json(_REDACTOR, b"[" + data + b"," + members + b"1}]"),
        _REDACTOR.text(data + b" password=" + _SECRET.encode()),
    ):
        holds(_SECRET.encode() not in made, f"a secret is in {made!r:.300}")


def filters(data: bytes) -> None:
    words = text(data).split("&")
    with may_raise(Refused):
        found = read_filter(dict(word.partition("=")[::2] for word in words))
        holds(all(low <= high for low, high in found.statuses), "a status that is none")


def json_rpc(data: bytes) -> None:
    asked, _, answered = text(data).partition("\n")
    json.dumps(pairs([asked], [answered, asked]))


def _description() -> bytes:
    made = FileDescriptorProto(name="a.proto", package="a.b", dependency=["c.proto"])
    message = made.message_type.add(name="M")
    message.field.add(name="f", number=1, type=9, label=1)
    message.nested_type.add(name="N").options.map_entry = True
    made.enum_type.add(name="E").value.add(name="X", number=-1)
    made.service.add(name="S").method.add(name="Do", input_type=".a.b.M", output_type=".a.b.M")
    return bytes(made.SerializeToString())


TARGETS = {
    "encodings": Target(
        play=encodings,
        modules=("inspector.bodies.encodings",),
        seeds=(
            zlib.compress(b"a" * 10_000),
            zlib.compress(b"text " * 9, wbits=31),
            zlib.compress(b"text", wbits=-15),
            b"\x0b\x02\x80text\x03",
            b"\x28\xb5\x2f\xfd\x24\x04\x21\x00\x00text\x9c\x97\x0f\x51",
        ),
    ),
    "bodies": Target(
        play=bodies,
        modules=("inspector.bodies.content",),
        seeds=(
            b'application/json\n\n{"a": "b"}',
            b"text/plain; charset=utf-16\n\nx",
            b"application/x-www-form-urlencoded\n\npassword=x&a=b",
            b"application/json\ngzip\n" + zlib.compress(b'{"a": 1}', wbits=31),
        ),
    ),
    "event_streams": Target(
        play=event_streams,
        modules=("inspector.bodies.event_streams",),
        seeds=(
            b'event: a\r\ndata: {"password": "x"}\r\n\r\n',
            b"data: a\rdata: b\r\r: c\n\n\n\nid: 1\n\n",
        ),
    ),
    "grpc_messages": Target(
        play=grpc_messages,
        modules=("inspector.bodies.grpc_messages",),
        seeds=(
            b"\0\0\0\0\3abc\0\0\0\0\0",
            b"\1\0\0\0\5abcde\x80\0\0\0\x02ab",
            b"\0\xff\xff\xff\xffa",
        ),
    ),
    "web_sockets": Target(
        play=web_sockets,
        modules=("inspector.bodies.websocket_frames", "inspector.bodies.websocket_messages"),
        seeds=(
            b"\x81\x03abc\x89\0\x8a\x80\1\2\3\4\x88\x02\x03\xe8",
            b"\x01\x02ab\x80\x82\1\2\3\4cd\x82\x7e\1\0" + bytes(256),
            b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
            b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
    ),
    "protobuf_messages": Target(
        play=protobuf,
        modules=("inspector.protobuf.scanning", "inspector.protobuf.outline"),
        seeds=(b"\x08\x96\x01\x12\x07testing", b"\x1b\x08\1\x1c\x25\0\0\0\0", b"\x0b" * 3000),
    ),
    "protobuf_descriptions": Target(
        play=descriptions,
        modules=("inspector.protobuf.descriptions",),
        seeds=(_description(), b"\x0a\x01a\x22\x02" + b"\x1a\x02" * 30),
    ),
    "secrets_of_bodies": Target(
        play=secrets,
        modules=("inspector.redaction.structured",),
        seeds=(b'{"a": [1, "b\\u0000"]}', b'"\\"', b"{", b"[" * 3000),
    ),
    "filters": Target(
        play=filters,
        modules=("inspector.views.filters",),
        seeds=(b"text=a&status=4xx&method=get&kind=grpc", b"status=200-299,503", b"kind=none"),
    ),
    "json_rpc_views": Target(
        play=json_rpc,
        modules=("inspector.views.json_rpc",),
        seeds=(
            b'{"id": 1, "method": "a", "params": {}}\n{"id": 1, "result": 2}',
            b'[{"id": [1], "method": {}}]\n' + b"[" * 100_000,
        ),
    ),
}
