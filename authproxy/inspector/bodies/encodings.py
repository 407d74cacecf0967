"""Takes content encodings off, never further than to a bound."""

import zlib
from collections.abc import Callable

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


def reader_for(encoding: str) -> Reader:
    """For a `Content-Encoding`. Raises Unreadable for one that the standard library has not."""
    make = _READERS.get(encoding.strip().lower())
    if make is None:
        raise Unreadable(f"content-encoding {encoding.strip()[:40]} cannot be read here")
    return make()


def decoded(data: bytes, encoding: str, at_most: int) -> tuple[bytes, bool]:
    """Content without its encoding, and whether that is all of it. Raises Unreadable."""
    found = reader_for(encoding).read(data, at_most + 1)
    return found[:at_most], len(found) <= at_most
