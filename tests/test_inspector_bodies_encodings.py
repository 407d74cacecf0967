import gzip
import sys
import tracemalloc
import zlib
from types import SimpleNamespace

import brotli
import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

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


WHOLE = {
    "br": brotli.compress(TEXT),
    " Zstd": zstd.compress(TEXT),
    "zstd": zstd.compress(TEXT[:500]) + zstd.compress(TEXT[500:]),
}


@pytest.mark.parametrize("encoding", WHOLE)
def test_whole_bodies_are_read_by_further_libraries(encoding: str) -> None:
    assert (TEXT, True) == decoded(WHOLE[encoding], encoding, MUCH)
    assert (TEXT[:100], False) == decoded(WHOLE[encoding], encoding, 100)
    assert TEXT.startswith(decoded(WHOLE[encoding][:-5], encoding, MUCH)[0])


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("br", brotli.compress(bytes(50_000_000), quality=3)),
        ("zstd", zstd.compress(bytes(50_000_000))),
    ],
    ids=["br", "zstd"],
)
def test_bomb_in_a_further_encoding_is_cut_at_the_bound(encoding: str, bomb: bytes) -> None:
    tracemalloc.start()
    found, is_all = decoded(bomb, encoding, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (1000, False) == (len(found), is_all)
    assert peak < 1_000_000


def test_window_larger_than_http_allows_is_not_read() -> None:
    squeeze = {int(zstd.CompressionParameter.window_log): 27}
    large = zstd.compress(bytes(200_000_000), options=squeeze)

    with pytest.raises(Unreadable, match="broken"):
        decoded(large, "zstd", 1000)


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_without_the_library_it_is_named(encoding: str) -> None:
    def find(name: str) -> None:
        raise ImportError(name)

    with pytest.raises(Unreadable, match=r"not read without its library: pip install 'authproxy"):
        decoded(TEXT, encoding, MUCH, find)


def test_an_old_library_that_stops_at_no_bound_is_not_used() -> None:
    old = SimpleNamespace(Decompressor=object, error=ValueError)

    with pytest.raises(Unreadable, match="not read without its library"):
        decoded(TEXT, "br", MUCH, lambda _: old)


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_streams_are_not_read_by_further_libraries(encoding: str) -> None:
    with pytest.raises(Unreadable, match=f"content-encoding {encoding} of a stream cannot be read"):
        reader_for(encoding)


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br, gzip", "x" * 100])
def test_what_cannot_be_read_says_so(encoding: str) -> None:
    with pytest.raises(Unreadable, match="cannot be read here"):
        decoded(TEXT, encoding, MUCH)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_compressed_says_so(encoding: str) -> None:
    with pytest.raises(Unreadable, match="broken"):
        decoded(b"\xff\xff\xff\xff plain", encoding, MUCH)
