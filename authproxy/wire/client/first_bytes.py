"""Recognition of clients whose first bytes are no HTTP/1."""

from enum import Enum, auto

from authproxy.wire.http2.framing.frames import PREFACE

_TLS = b"\x16"
"""What a handshake begins with (RFC 8446 5.1)."""


class Spoken(Enum):
    """A client's protocol, by its first bytes."""

    UNKNOWN = auto()
    PERHAPS_HTTP2 = auto()
    """More will tell."""
    HTTP2 = auto()
    TLS = auto()


def recognise(data: bytes) -> Spoken:
    """`data`: all that has come of a client."""
    if data[: len(PREFACE)] == PREFACE[: len(data)]:
        return Spoken.HTTP2 if len(data) >= len(PREFACE) else Spoken.PERHAPS_HTTP2
    return Spoken.TLS if data[:1] == _TLS else Spoken.UNKNOWN
