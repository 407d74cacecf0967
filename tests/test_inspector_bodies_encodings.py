import gzip
import zlib

import pytest

from authproxy.inspector.bodies.encodings import Unreadable, decoded, reader_for

TEXT = b"so much to say " * 100
MUCH = 1_000_000


def raw_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


ENCODED = {
    "": TEXT,
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]),
    "deflate": zlib.compress(TEXT),
    " Deflate": raw_deflate(TEXT),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_encoding_is_taken_off(encoding: str) -> None:
    assert (TEXT, True) == decoded(ENCODED[encoding], encoding, MUCH)


@pytest.mark.parametrize("encoding", ENCODED)
def test_encoding_is_taken_off_piece_by_piece(encoding: str) -> None:
    reader = reader_for(encoding)

    pieces = [reader.read(bytes([byte]), MUCH) for byte in ENCODED[encoding]]

    assert TEXT == b"".join(pieces)


@pytest.mark.parametrize("encoding", ENCODED)
def test_nothing_is_read_beyond_the_bound(encoding: str) -> None:
    assert (TEXT[:100], False) == decoded(ENCODED[encoding], encoding, 100)


def test_bomb_is_cut_at_the_bound() -> None:
    found, is_all = decoded(gzip.compress(bytes(50_000_000)), "gzip", 1000)

    assert (1000, False) == (len(found), is_all)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 100])
def test_what_cannot_be_read_says_so(encoding: str) -> None:
    with pytest.raises(Unreadable, match="cannot be read here"):
        decoded(TEXT, encoding, MUCH)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_compressed_says_so(encoding: str) -> None:
    with pytest.raises(Unreadable, match="broken"):
        decoded(b"\xff\xff\xff\xff plain", encoding, MUCH)
