"""What bodies consist of: both sides can tell each byte of them."""

import hashlib
from random import Random

LONGEST = 4_000_000
_BLOCK = Random(17).randbytes(1_000_003)  # no multiple of anything that buffers are multiples of
_BYTES = memoryview(_BLOCK * (LONGEST // len(_BLOCK) + 2))


def body(seed: int, size: int) -> memoryview:
    """`size` bytes, at most LONGEST; others for each seed."""
    start = seed % len(_BLOCK)
    return _BYTES[start : start + size]


def digest(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()
