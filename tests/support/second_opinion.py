"""llhttp's opinion on heads and chunks that our own parsers accept: it is strict by default."""

import re
from collections.abc import Callable

import httptools

from authproxy.errors import AuthProxyError
from authproxy.exchange import RequestHead, ResponseHead
from authproxy.policy.access.targets import split_target
from authproxy.policy.messages.facts import read_request, read_response
from authproxy.policy.routes import parse_host
from authproxy.wire.http1.chunks import Chunks
from authproxy.wire.http1.heads import (
    END_OF_HEAD,
    FieldLines,
    HeadError,
    parse_request_line,
    parse_status_line,
)
from tests.support.messages import IN_ASCII

_SPACE_BEFORE_EXTENSION = re.compile(rb"[0-9A-Fa-f][ \t]+;")
_NOT_TRAILERS = (b"connection", b"content-length", b"transfer-encoding", b"upgrade")
"""llhttp obeys them wherever they stand; we drop them from trailers (RFC 9110 6.5.1)."""
CHUNKED_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Heard:
    """What llhttp makes of it."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.target = b""
        self.body = b""
        self.has_head = False
        self.is_complete = False

    def on_url(self, target: bytes) -> None:
        self.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.is_complete = True


def ask_llhttp(make: Callable[[Heard], object], data: bytes) -> Heard | str:
    """The text of the error if it refuses `data`."""
    heard = Heard()
    try:
        make(heard).feed_data(data)  # type: ignore[attr-defined]  # -- either parser has it
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        # After a 101 without Upgrade it stops, having taken the head.
        if not (heard.has_head and "Pause on CONNECT/Upgrade" in str(error)):
            return repr(error)
    return heard


def doubt_request(data: bytes) -> str:
    """What llhttp has against the request's head in `data` that we accept; nothing as a rule.

    Its list of methods is not asked, as any token may be one, nor what it thinks of other targets
    than those in ASCII.
    """
    head, end, _ = data.partition(END_OF_HEAD)
    line, _, block = head.partition(b"\r\n")
    try:
        method, target, version = parse_request_line(line)
        fields = FieldLines().parse(block) if block or b"\r\n" in head else []
        read_request(RequestHead(method, target, version, fields))
        _, authority = split_target(method, target, b"")
        if authority:
            parse_host(authority)
    except (HeadError, AuthProxyError):
        return ""
    if not end:
        return ""
    rest = line[len(method) :].translate(IN_ASCII) + head[len(line) :]
    theirs = ask_llhttp(httptools.HttpRequestParser, b"GET" + rest + END_OF_HEAD)
    ours = [(lower, value) for lower, value, _ in fields]
    if isinstance(theirs, Heard) and theirs.target != target.translate(IN_ASCII):
        return f"llhttp sees another target: {theirs.target!r}"
    return _compare(theirs, ours)


def doubt_answer(data: bytes) -> str:
    """What llhttp has against the answer's head in `data` that we accept; nothing as a rule."""
    head, end, _ = data.partition(END_OF_HEAD)
    line, _, block = head.partition(b"\r\n")
    try:
        _, status, reason = parse_status_line(line)
        fields = FieldLines().parse(block) if block or b"\r\n" in head else []
        read_response(ResponseHead(status, reason, fields))
    except (HeadError, AuthProxyError):
        return ""
    if not end:
        return ""
    theirs = ask_llhttp(httptools.HttpResponseParser, head + END_OF_HEAD)
    ours = [(lower, value) for lower, value, _ in fields]
    return _compare(theirs, ours)


def _compare(theirs: Heard | str, ours: list[tuple[bytes, bytes]]) -> str:
    if isinstance(theirs, str):
        return f"llhttp refuses: {theirs}"
    if not theirs.has_head:
        return "llhttp waits for more"
    return "" if theirs.fields == ours else f"llhttp sees other fields: {theirs.fields}"


def doubt_chunks(data: bytes) -> str:
    """What llhttp has against the chunked body in `data` that we accept."""
    ours = Chunks(trailer_bytes=10**6, trailer_fields=10**6)
    try:
        end = ours.feed(data)
    except HeadError:
        return ""
    if not ours.is_over or any(lower in _NOT_TRAILERS for lower, _, _ in ours.trailers):
        return ""
    body = data[:end]
    theirs = ask_llhttp(httptools.HttpRequestParser, CHUNKED_POST + body)
    if isinstance(theirs, str):
        # Extensions go no further than here, so what is wrong in one does no harm. White space
        # before one is allowed (RFC 9112 7.1.1), though not by llhttp.
        excused = "chunk extension" in theirs or _SPACE_BEFORE_EXTENSION.search(body)
        return "" if excused else f"llhttp refuses: {theirs}"
    if not theirs.is_complete:
        return "llhttp waits for more"
    return (
        "" if theirs.body == b"".join(ours.pieces) else f"llhttp sees another body: {theirs.body!r}"
    )
