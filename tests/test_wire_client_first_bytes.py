"""What a client speaks, by what came first."""

import pytest

from authproxy.wire.client.first_bytes import Spoken, recognise
from authproxy.wire.http2.framing.frames import PREFACE


def test_a_preface_is_known_once_it_is_whole() -> None:
    for size in range(1, len(PREFACE)):
        assert Spoken.PERHAPS_HTTP2 is recognise(PREFACE[:size])
    assert Spoken.HTTP2 is recognise(PREFACE)
    assert Spoken.HTTP2 is recognise(PREFACE + b"more")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x16\x03\x01", Spoken.TLS),
        (b"PRI * HTTP/1.1\r\n", Spoken.UNKNOWN),
        (b"SSH-2.0", Spoken.UNKNOWN),
    ],
)
def test_all_else(data: bytes, expected: Spoken) -> None:
    assert expected is recognise(data)
