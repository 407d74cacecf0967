"""SETTINGS as they pass: what both sides' tables and frames may be, and what is kept small."""

import struct

HEADER_TABLE_SIZE, MAX_FRAME_SIZE, ENABLE_CONNECT_PROTOCOL = 1, 5, 8

DEFAULT_TABLE = 4096  # RFC 9113 6.5.2
MAX_TABLE = 64 * 1024
"""Bytes. We keep a copy of both sides' tables, so nobody may announce more."""

_SETTING = struct.Struct(">HL")


def read_settings(payload: bytes) -> dict[int, int]:
    """The values by number; of one named twice the last."""
    return dict(_SETTING.iter_unpack(payload))


def tame_settings(payload: bytes) -> bytes:
    """`payload` with smaller tables, and without Extended CONNECT (RFC 8441), which is refused."""
    return b"".join(
        _SETTING.pack(number, _tame(number, value))
        for number, value in _SETTING.iter_unpack(payload)
    )


def _tame(number: int, value: int) -> int:
    if number == HEADER_TABLE_SIZE:
        return min(value, MAX_TABLE)
    return 0 if number == ENABLE_CONNECT_PROTOCOL else value
