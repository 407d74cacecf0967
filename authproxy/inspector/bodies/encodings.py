"""Takes content encodings off, never further than to a bound.

`br` and `zstd` are read where there is a library for them (`authproxy[inspect]`; Python has zstd
from 3.14 on), and of whole bodies only: what they need to go on is 8 or 16 MiB, too much to keep
for each stream that is open.
"""

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

MOST_TIMES = 64
"""A stream that becomes so many times as large is made to keep us busy; texts become ten or twenty
times as large."""


class Unreadable(Exception):  # noqa: N818 -- a finding, not a failure
    """Content is broken, or encoded in a way that we cannot read."""


class Inflater:
    """Decompressor for one of zlib's formats, piece by piece."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inflate = zlib.decompressobj(wbits)
        self._first: bytes | None = b"" if wbits == zlib.MAX_WBITS else None
        """What came of the header that says which `deflate` it is."""

    def read(self, data: bytes, at_most: int) -> bytes:
        """What `data` adds, cut at `at_most` bytes. Raises Unreadable."""
        if self._first is not None:
            data, self._first = self._first + data, b""
            if len(data) < 2:
                self._first = data
                return b""
            self._choose(data)
        found = []
        while data and at_most > 0:
            found.append(self._piece(data, at_most))
            at_most -= len(found[-1])
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
            if self._inflate.eof:
                if self._wbits <= zlib.MAX_WBITS:
                    break
                self._inflate = zlib.decompressobj(self._wbits)  # RFC 1952 2.2: another member
        return b"".join(found)

    def _choose(self, data: bytes) -> None:
        """Some send `deflate` without the zlib format around it (RFC 9110 8.4.1.2)."""
        self._first = None
        if data[0] & 15 != zlib.DEFLATED or int.from_bytes(data[:2]) % 31:
            self._wbits = -zlib.MAX_WBITS
            self._inflate = zlib.decompressobj(self._wbits)

    def _piece(self, data: bytes, at_most: int) -> bytes:
        try:
            return self._inflate.decompress(data, at_most)
        except zlib.error as error:
            raise Unreadable(f"the compressed content is broken: {error}") from None


class Plain:
    """No encoding."""

    def read(self, data: bytes, at_most: int) -> bytes:
        return data[:at_most]


Reader = Inflater | Plain

_READERS: dict[str, Callable[[], Reader]] = {
    "": Plain,
    "identity": Plain,
    "gzip": lambda: Inflater(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: Inflater(16 + zlib.MAX_WBITS),
    "deflate": lambda: Inflater(zlib.MAX_WBITS),
}


FindLibrary = Callable[[str], Any]
"""A module by its name. Raises ImportError."""
ZSTD_WINDOW = 23
"""8 MiB: HTTP allows no more (RFC 9659 3)."""


def reader_for(encoding: str) -> Reader:
    """For the `Content-Encoding` of a stream. Raises Unreadable."""
    name = encoding.strip().lower()
    make = _READERS.get(name)
    if make is None:
        of_what = " of a stream" if name in _WHOLE else ""
        raise Unreadable(f"content-encoding {name[:40]}{of_what} cannot be read here")
    return make()


def decoded(
    data: bytes, encoding: str, at_most: int, find: FindLibrary = import_module
) -> tuple[bytes, bool]:
    """Content without its encoding, and whether that is all of it. Raises Unreadable."""
    name = encoding.strip().lower()
    read_whole = _WHOLE.get(name)
    if read_whole is None:
        found = reader_for(encoding).read(data, at_most + 1)
    else:
        try:
            found = read_whole(find, data, at_most + 1)
        except ImportError:
            raise Unreadable(
                f"content-encoding {name} is not read without its library:"
                " pip install 'authproxy[inspect]'"
            ) from None
    return found[:at_most], len(found) <= at_most


def _read_br(find: FindLibrary, data: bytes, at_most: int) -> bytes:
    """Raises Unreadable, and ImportError without a `brotli` that stops at a bound (1.2)."""
    brotli = find("brotli")
    reader = brotli.Decompressor()
    if not hasattr(reader, "can_accept_more_data"):
        raise ImportError("brotli")
    found, size = [], 0
    try:
        while size < at_most:
            found.append(reader.process(data, output_buffer_limit=at_most - size))
            size, data = size + len(found[-1]), b""
            if reader.is_finished() or reader.can_accept_more_data():
                break
    except brotli.error as error:
        raise Unreadable(f"the compressed content is broken: {error}") from None
    return b"".join(found)[:at_most]


def _read_zstd(find: FindLibrary, data: bytes, at_most: int) -> bytes:
    """Raises Unreadable and ImportError."""
    zstd = _zstd(find)
    options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW}
    found, size = [], 0
    try:
        while data and size < at_most:  # RFC 8878 3: another frame may follow
            reader = zstd.ZstdDecompressor(options=options)
            while not reader.eof and size < at_most:
                found.append(reader.decompress(data, max_length=at_most - size))
                size, data = size + len(found[-1]), b""
                if reader.needs_input:
                    break
            data = reader.unused_data if reader.eof else b""
    except zstd.ZstdError as error:
        raise Unreadable(f"the compressed content is broken: {error}") from None
    return b"".join(found)


def _zstd(find: FindLibrary) -> Any:
    """Raises ImportError."""
    try:
        return find("compression.zstd")
    except ImportError:
        return find("backports.zstd")


_WHOLE: dict[str, Callable[[FindLibrary, bytes, int], bytes]] = {
    "br": _read_br,
    "zstd": _read_zstd,
}
