"""SETTINGS: which of them pass from one end to the other, and what their values may be.

A setting that passes is a promise that both hops keep it. So only those pass that we know and that
both ends can keep together through us; RFC 9113 5.5 makes all others a matter of one hop, and 6.5.2
has them ignored. gRPC's 0xfe03 shows why: its server says that metadata may come as raw bytes, its
client sends them, and as field values they are not valid.
"""

import struct
from typing import Final

from authproxy.wire.http2.framing.frames import SMALLEST_MAX_FRAME, ConnectionFault, Failure

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

DEFAULT_TABLE: Final = 4096  # RFC 9113 6.5.2
MAX_TABLE: Final = 64 * 1024
"""Bytes. We keep a copy of both sides' tables, so nobody may announce more."""
DEFAULT_WINDOW: Final = 65_535  # RFC 9113 5.2.1
MAX_WINDOW: Final = 2**31 - 1
MAX_STREAMS: Final = 4096
"""Open calls of one client connection. What the service allows is its own matter, and less."""

_LARGEST_FRAME: Final = 2**24 - 1
_BOUNDS: Final = {
    HEADER_TABLE_SIZE: MAX_TABLE,
    MAX_CONCURRENT_STREAMS: MAX_STREAMS,
    INITIAL_WINDOW_SIZE: MAX_WINDOW,
    MAX_FRAME_SIZE: _LARGEST_FRAME,
    MAX_HEADER_LIST_SIZE: 2**32 - 1,
}
"""What passes, and the most that it may say. Left out on purpose, though known: ENABLE_PUSH, which
we say ourselves; ENABLE_CONNECT_PROTOCOL (RFC 8441), since Extended CONNECT is refused; and
NO_RFC7540_PRIORITIES (RFC 9218 2.1), which must be in the first SETTINGS or nowhere, and ours are
sent before the service's are known."""

_SETTING: Final = struct.Struct(">HL")
NO_PUSH: Final = _SETTING.pack(ENABLE_PUSH, 0)
"""For the service: a promise speaks of its own names, which are none of the client's (RFC 9113 8.4
lets an intermediary decide)."""


def read_settings(payload: bytes, *, of_service: bool) -> dict[int, int]:
    """The values by number; of one named twice the last. Raises ConnectionFault (RFC 9113 6.5)."""
    settings: dict[int, int] = {}
    for number, value in _SETTING.iter_unpack(payload):
        _check(number, value, of_service=of_service)
        settings[number] = value
    return settings


def _check(number: int, value: int, *, of_service: bool) -> None:
    if number == ENABLE_PUSH and value > (0 if of_service else 1):
        raise ConnectionFault(Failure.PROTOCOL_ERROR, "ENABLE_PUSH has no such value")
    if number == INITIAL_WINDOW_SIZE and value > MAX_WINDOW:
        raise ConnectionFault(Failure.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
    if number == MAX_FRAME_SIZE and not SMALLEST_MAX_FRAME <= value <= _LARGEST_FRAME:
        raise ConnectionFault(Failure.PROTOCOL_ERROR, "MAX_FRAME_SIZE is too small or too large")


def passing_settings(payload: bytes) -> bytes:
    """Those of `payload` that the other end gets, in their order."""
    return b"".join(
        _SETTING.pack(number, min(value, _BOUNDS[number]))
        for number, value in _SETTING.iter_unpack(payload)
        if number in _BOUNDS
    )
