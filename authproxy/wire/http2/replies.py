"""The answers that authproxy makes by itself, as HTTP/2 frames.

A gRPC client gets a status and a message, in one header block (a Trailers-Only answer); everybody
else what they would get over HTTP/1.1.
"""

from urllib.parse import quote

from authproxy.errors import AuthProxyError, CredentialError
from authproxy.exchange import RequestHead
from authproxy.policy.calls import Pair
from authproxy.wire import replies
from authproxy.wire.http2.blocks import plain_block
from authproxy.wire.http2.frames import (
    DATA,
    END_STREAM,
    SMALLEST_MAX_FRAME,
    block_frames,
    frame,
)

_INVALID_ARGUMENT, _DEADLINE_EXCEEDED, _PERMISSION_DENIED = 3, 4, 7
_RESOURCE_EXHAUSTED, _UNIMPLEMENTED, _UNAVAILABLE, _UNAUTHENTICATED = 8, 12, 14, 16
_UNKNOWN = 2

# By HTTP status, so that no new code can be forgotten. The names are gRPC's own; a client that sees
# UNAVAILABLE may try again, so it stands for what may pass.
_GRPC_STATUS = {
    400: _INVALID_ARGUMENT,
    401: _UNAUTHENTICATED,
    403: _PERMISSION_DENIED,
    404: _UNIMPLEMENTED,
    405: _UNIMPLEMENTED,
    408: _DEADLINE_EXCEEDED,
    413: _RESOURCE_EXHAUSTED,
    414: _RESOURCE_EXHAUSTED,
    421: _UNIMPLEMENTED,
    429: _RESOURCE_EXHAUSTED,
    431: _RESOURCE_EXHAUSTED,
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _DEADLINE_EXCEEDED,
}


def grpc_status(error: AuthProxyError) -> int:
    """The number that says the same to a gRPC client."""
    if isinstance(error, CredentialError) and error.permanent:
        return _UNAUTHENTICATED
    return _GRPC_STATUS.get(error.status, _UNKNOWN)


def render(
    error: AuthProxyError, head: RequestHead, request_id: str, *, stream_id: int, is_grpc: bool
) -> tuple[bytes, int]:
    """The frames, and how many of their bytes the client's flow control counts."""
    if is_grpc:
        fields, body = _grpc_fields(error, request_id), b""
    else:
        fields, body = _plain_answer(error, head, request_id)
    block = plain_block(fields)
    frames = block_frames(
        block,
        flags=0 if body else END_STREAM,
        stream_id=stream_id,
        max_frame=SMALLEST_MAX_FRAME,
    )
    return (frames + frame(DATA, END_STREAM, stream_id, body), len(body)) if body else (frames, 0)


def _grpc_fields(error: AuthProxyError, request_id: str) -> list[Pair]:
    said = " ".join(part for part in (error.message, error.hint) if part)
    message = f"{said} (authproxy: {error.code}, request {request_id})"
    return [
        (b":status", b"200"),
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"%d" % grpc_status(error)),
        # gRPC over HTTP/2: everything but printable ASCII is percent-encoded, and so is %.
        (b"grpc-message", quote(message, safe=_PRINTABLE).encode()),
        (b"x-authproxy-error", str(error.code).encode()),
    ]


_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def _plain_answer(
    error: AuthProxyError, head: RequestHead, request_id: str
) -> tuple[list[Pair], bytes]:
    """HTTP/1.1's answer, taken apart: one place knows what it looks like."""
    answer = replies.render(error, head, request_id, connection=b"")
    lines, _, body = answer.partition(b"\r\n\r\n")
    pairs = [(b":status", b"%d" % error.status)]
    for line in lines.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        pairs.append((name.lower(), value))
    return pairs, body
