"""HTTP/2 frames (RFC 9113 4 and 6), and the few that authproxy makes by itself."""

import struct
from enum import IntEnum
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What every client sends first (RFC 9113 3.4)."""

HEADER_BYTES: Final = 9
SMALLEST_MAX_FRAME: Final = 16 * 1024
"""What every peer must take, and the most that may be sent until it says more (RFC 9113 6.5.2)."""

# Plain numbers: they are compared for every frame, and an IntEnum's members are slower. Each is
# Final by itself, or compiled code looks it up by its name.
DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

END_STREAM: Final = 0x01
ACK: Final = 0x01
END_HEADERS: Final = 0x04
PADDED: Final = 0x08
HAS_PRIORITY: Final = 0x20

STREAM_MASK: Final = 0x7FFFFFFF
"""The first bit beside a stream's number is reserved and means nothing."""


class Failure(IntEnum):
    """Error codes of streams and connections (RFC 9113 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class ConnectionFault(Exception):  # noqa: N818 -- RFC 9113 calls it a connection error
    """A peer broke the protocol so that the connection cannot go on."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


_HEADER: Final = struct.Struct(">HBBBL")

read_header: Final = _HEADER.unpack_from
"""(buffer, offset) -> length's upper 16 bits, its last 8, kind, flags, stream with reserved bit."""


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """One frame."""
    size = len(payload)
    return _HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream_id) + payload


def block_frames(
    block: bytes, *, flags: int, stream_id: int, max_frame: int, priority: bytes = b""
) -> bytes:
    """HEADERS with as many CONTINUATIONs as the peer's frame size asks for."""
    payload = priority + block
    if len(payload) <= max_frame:
        return frame(HEADERS, flags | END_HEADERS, stream_id, payload)
    pieces = [payload[at : at + max_frame] for at in range(0, len(payload), max_frame)]
    frames = [frame(HEADERS, flags, stream_id, pieces[0])]
    frames += [frame(CONTINUATION, 0, stream_id, piece) for piece in pieces[1:-1]]
    frames.append(frame(CONTINUATION, END_HEADERS, stream_id, pieces[-1]))
    return b"".join(frames)


def begin_with(start: bytes, frames: bytes) -> bytes:
    """`frames`, the block of whose first one, a short HEADERS, begins with `start`."""
    if not start or frames[3] != HEADERS:
        return frames
    high, low, kind, flags, stream_id = read_header(frames)
    size = (high << 8 | low) + len(start)
    head = _HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream_id)
    return head + start + frames[HEADER_BYTES:]


def rst_stream(stream_id: int, failure: Failure) -> bytes:
    return frame(RST_STREAM, 0, stream_id, failure.to_bytes(4, "big"))


def goaway(last_stream_id: int, failure: Failure, reason: str = "") -> bytes:
    """`reason` is for whoever debugs the peer."""
    payload = last_stream_id.to_bytes(4, "big") + failure.to_bytes(4, "big") + reason.encode()
    return frame(GOAWAY, 0, 0, payload)


def window_update(stream_id: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream_id, increment.to_bytes(4, "big"))


def without_padding(kind: int, flags: int, payload: bytes) -> tuple[bytes, bytes]:
    """The priority (5 bytes or none) and the block of a HEADERS frame; of a PUSH_PROMISE the same.

    Raises ConnectionFault when there is more padding than payload (RFC 9113 6.2).
    """
    end = len(payload)
    at = 0
    if flags & PADDED:
        if not payload:
            raise ConnectionFault(Failure.FRAME_SIZE_ERROR, "a padded frame without a length")
        end -= payload[0]
        at = 1
    ahead = 5 if kind == HEADERS and flags & HAS_PRIORITY else 4 if kind == PUSH_PROMISE else 0
    if at + ahead > len(payload):
        raise ConnectionFault(Failure.FRAME_SIZE_ERROR, "a frame that is too short")
    if at + ahead > end:
        raise ConnectionFault(Failure.PROTOCOL_ERROR, "more padding than payload")
    return payload[at : at + ahead], payload[at + ahead : end]
