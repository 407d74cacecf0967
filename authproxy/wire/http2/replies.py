"""The answers that authproxy makes by itself, as HTTP/2 frames.

A gRPC client gets a status and a message in one header block (a Trailers-Only answer).
"""

from authproxy.errors import AuthProxyError
from authproxy.exchange import RequestHead
from authproxy.policy.messages.rpc import Rpc, find_rpc
from authproxy.wire.http2.framing.frames import (
    DATA,
    END_STREAM,
    SMALLEST_MAX_FRAME,
    block_frames,
    frame,
)
from authproxy.wire.http2.headers.blocks import plain_block, plain_fields
from authproxy.wire.mcp_replies import Telling
from authproxy.wire.replies import answer
from authproxy.wire.rpc_replies import last_message, status_lines

_NO_LENGTH = ("Content-Length", "0")  # the end of the stream says so


def render(
    error: AuthProxyError,
    head: RequestHead,
    request_id: str,
    *,
    stream_id: int,
    cors: bytes = b"",
    telling: Telling | None = None,
) -> tuple[bytes, int]:
    """The frames, and how many of their bytes the client's flow control counts.

    `cors`: the finished lines of `policy.messages.cors`, or none; `telling` as in `replies.answer`.
    """
    made = answer(error, head, request_id, telling)
    lines = [line for line in made.lines if line != _NO_LENGTH]
    pairs = [(":status", str(made.status)), *lines]
    block = _block(pairs) + plain_fields(cors)
    return _with_data(block, made.body, stream_id)


def render_end(
    error: AuthProxyError, head: RequestHead, request_id: str, *, stream_id: int, is_empty: bool
) -> tuple[bytes, int]:
    """As `render`, for a call whose answer has begun and will not be whole; nothing where the
    client's protocol cannot say so.

    `is_empty`: the body has not begun. Where in its messages it stands later, nobody counts.
    """
    rpc = find_rpc(head)
    if rpc is Rpc.GRPC:
        return _with_data(_block(status_lines(error, request_id)), b"", stream_id)
    body = last_message(error, rpc, request_id) if rpc is not None and is_empty else b""
    return (frame(DATA, END_STREAM, stream_id, body), len(body)) if body else (b"", 0)


def _block(pairs: list[tuple[str, str]]) -> bytes:
    return plain_block((name.lower().encode(), value.encode("latin-1")) for name, value in pairs)


def _with_data(block: bytes, body: bytes, stream_id: int) -> tuple[bytes, int]:
    frames = block_frames(
        block,
        flags=0 if body else END_STREAM,
        stream_id=stream_id,
        max_frame=SMALLEST_MAX_FRAME,
    )
    return (frames + frame(DATA, END_STREAM, stream_id, body), len(body)) if body else (frames, 0)
