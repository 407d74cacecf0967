"""Pieces of JSON on a pipe, each behind its length."""

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

MAX_FRAME = 1024 * 1024
"""Bytes. An answer of Secret Manager's has 90,000 at most."""
_LENGTH = struct.Struct(">I")

Message = Mapping[str, Any]


class BrokenFrameError(Exception):
    """Something else than a piece of JSON, or a longer one than there is."""


def framed(message: Message) -> bytes:
    """Raises BrokenFrameError when it is too long."""
    text = json.dumps(message).encode()
    if len(text) > MAX_FRAME:
        raise BrokenFrameError
    return _LENGTH.pack(len(text)) + text


def read_frame(file: BinaryIO) -> Message | None:
    """The next piece; None at the end, and where one was cut off. Raises BrokenFrameError."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME:
        raise BrokenFrameError
    text = file.read(length)
    if len(text) < length:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenFrameError from None
    if not isinstance(message, dict):
        raise BrokenFrameError
    return message
