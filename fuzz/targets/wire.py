"""What stands on the wire: HTTP/1, HTTP/2, the PROXY protocol, and the whole data path."""

import asyncio

from authproxy.errors import Refused
from authproxy.exchange import make_field
from authproxy.policy.access.proxy_header import MAX_V2, find_length, parse_header, parse_port
from authproxy.policy.messages.http2.call_fields import check_call, read_call, trim
from authproxy.wire.http1.chunks import Chunks
from authproxy.wire.http1.heads import HeadError
from authproxy.wire.http2.framing.frames import ConnectionFault
from authproxy.wire.http2.framing.scanner import Scanner
from authproxy.wire.http2.framing.settings import passing_settings, read_settings
from authproxy.wire.http2.headers.blocks import BlockReader, BlockWriter, plain_block
from fuzz.targets.target import Broken, Target, holds, may_raise, pieces, same
from tests.support.corpus import ANSWERS, REQUESTS
from tests.support.judge import verdict
from tests.support.script import decode, seeds
from tests.support.second_opinion import doubt_answer, doubt_chunks, doubt_request

MAX_BLOCK = 64 * 1024
_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
_BODIES = tuple(text.partition(b"\r\n\r\n")[2] for text in (*REQUESTS, *ANSWERS))
_LOOP = asyncio.new_event_loop()


def data_path(data: bytes) -> None:
    acts = list(decode(data))
    problems = verdict(acts, _LOOP)
    if problems:
        raise Broken("\n".join([*problems, *map(repr, acts)]))


def heads(data: bytes) -> None:
    """llhttp accepts all that we accept, and sees the same in it."""
    holds(not (doubt := doubt_request(data) or doubt_answer(data)), doubt)


def chunks(data: bytes) -> None:
    """The same in one piece and in many, and what llhttp sees in it."""
    holds(not (doubt := doubt_chunks(data)), doubt)
    same(_body([data]), _body(pieces(data)), "a body in one piece and in many")


def _body(parts: list[bytes]) -> tuple[bytes, bool] | None:
    found = Chunks(trailer_bytes=4096, trailer_fields=20)
    try:
        for part in parts:
            found.feed(part)
    except HeadError:
        return None
    return b"".join(found.pieces), found.is_over


class _Passing:
    """Lets every frame pass."""

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        holds(padding <= length, "more padding than payload")
        return None

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        holds(len(block) <= MAX_BLOCK, "a block larger than its bound")
        return None

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        return None


def frames(data: bytes) -> None:
    """What passes is what came, byte for byte, in one piece and in many."""
    whole, fault = _scanned([data])
    parts, part_fault = _scanned(pieces(data))
    holds(data.startswith(whole), "other bytes pass than have come")
    same(fault, part_fault, "the fault of frames in one piece and in many")
    if fault is None:
        same(whole, parts, "frames in one piece and in many")


def _scanned(parts: list[bytes]) -> tuple[bytes, str | None]:
    out: list[bytes] = []
    scanner = Scanner(_Passing(), out, max_block=MAX_BLOCK)
    try:
        for part in parts:
            scanner.feed(part)
    except ConnectionFault as fault:
        return b"".join(out), str(fault)
    return b"".join(out), None


def hpack(data: bytes) -> None:
    """What a block means is what a block of our own with the same fields means."""
    try:
        fields = BlockReader(max_list=MAX_BLOCK).read(data)
    except ConnectionFault:
        return
    plain = [(bytes(name), bytes(value)) for name, value in fields]
    with may_raise(ConnectionFault):
        same(plain, _pairs(plain_block(fields)), "a plain block read again")
        written = BlockWriter().write(fields, keep_path=True)
        same(plain, _pairs(written), "a written block read again")


def _pairs(block: bytes) -> list[tuple[bytes, bytes]]:
    fields = BlockReader(max_list=16 * MAX_BLOCK).read(block)
    return [(bytes(name), bytes(value)) for name, value in fields]


def settings(data: bytes) -> None:
    whole = data[: len(data) // 6 * 6]
    for of_service in (False, True):
        with may_raise(ConnectionFault):
            read_settings(whole, of_service=of_service)
    passing = passing_settings(whole)
    holds(len(passing) <= len(whole), "more settings pass than came")
    same(passing, passing_settings(passing), "settings that pass, passing again")


def call_fields(data: bytes) -> None:
    """Lines `name value` as the fields of a call."""
    parts = (line.partition(b" ") for line in data.split(b"\n"))
    fields = [(name, value) for name, _, value in parts]
    with may_raise(Refused):
        check_call(fields)
        trimmed = trim(fields)
        same(trimmed, trim(trimmed), "trimmed fields, trimmed again")
        call = read_call(trimmed)
        regular = [(name, value) for name, value in trimmed if name[:1] != b":"]
        same(regular, [(name, value) for name, value, _ in call.head.headers], "fields of a call")
        for name, value in regular:
            same((name.lower(), value), make_field(name, value)[:2], "a field")


def proxy_header(data: bytes) -> None:
    """It is known how long it is, however little has come, and is never too long."""
    try:
        length = find_length(data)
    except ValueError:
        return
    for end in range(min(len(data), 32)):
        holds(find_length(data[:end]) in (None, length), "its length changes as it comes")
    if length is None or length > len(data):
        return
    holds(length <= MAX_V2, "it is too long")
    with may_raise(ValueError):
        address = parse_header(data[:length])
        port = parse_port(data[:length])
        holds((address is None) == (port is None), "an address without a port")


_V2 = b"\r\n\r\n\0\r\nQUIT\n"
TARGETS = {
    "data_path": Target(
        play=data_path,
        modules=(
            "wire.client.connection",
            "wire.http1.body",
            "wire.http1.request_reader",
            "wire.http1.response_reader",
            "wire.upstream.connection",
        ),
        seeds=tuple(seeds())[::8],
    ),
    "http1_heads": Target(play=heads, modules=("wire.http1.heads",), seeds=(*REQUESTS, *ANSWERS)),
    "http1_chunks": Target(
        play=chunks,
        modules=("wire.http1.chunks",),
        seeds=(*_BODIES, b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", b"f" * 16 + b"\r\n"),
    ),
    "http2_frames": Target(
        play=frames,
        modules=("wire.http2.framing.scanner",),
        seeds=(
            _SETTINGS + b"\0\0\3\0\1\0\0\0\1abc" + b"\0\0\1\1\4\0\0\0\3\x82",
            _SETTINGS + b"\0\0\4\0\x08\0\0\0\1\1abc" + b"\0\0\4\x08\0\0\0\0\0\0\0\0\1",
            _SETTINGS + b"\0\0\1\1\0\0\0\0\3\x82" + b"\0\0\1\x09\4\0\0\0\3\x86",
        ),
    ),
    "http2_settings": Target(
        play=settings,
        modules=("wire.http2.framing.settings",),
        seeds=(b"\0\3\0\0\0\x64\0\4\0\1\0\0", b"\0\2\0\0\0\1\0\5\0\0\x40\0"),
    ),
    "hpack": Target(
        play=hpack,
        modules=("wire.http2.headers.blocks",),
        seeds=(
            b"\x82\x86\x84\x41\x0fwww.example.com",
            b"\x40\x0acustom-key\x0dcustom-header",
            b"\x10\x08password\x06secret",
            b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
        ),
    ),
    "http2_calls": Target(
        play=call_fields,
        modules=("policy.messages.http2.call_fields",),
        seeds=(
            b":method GET\n:scheme http\n:path /\n:authority a.example\naccept text/event-stream",
            b":method POST\n:path /a/C\n:scheme https\nte trailers\ncontent-type application/grpc",
            b":method GET\n:path /\n:scheme http\nhost a\nmax-forwards 0\ncookie  a=b ",
        ),
    ),
    "proxy_header": Target(
        play=proxy_header,
        modules=("policy.access.proxy_header",),
        seeds=(
            b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\nGET /",
            b"PROXY TCP6 2001:db8::1 ::1 5000 443\r\n",
            b"PROXY UNKNOWN\r\n",
            _V2 + b"\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x13\x88\1\xbb",
            _V2 + b"\x21\x21\0\x24" + bytes(36),
            _V2 + b"\x20\0\0\0",
        ),
    ),
}
