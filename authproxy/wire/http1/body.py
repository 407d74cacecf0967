"""A body on its way: as many bytes as were said, chunks, or all until the connection ends."""

from collections.abc import Callable

from authproxy.exchange import Field
from authproxy.wire.http1.chunks import Chunks

ENDLESS = 1 << 62
"""More bytes than will come: the body ends with the connection (RFC 9112 6.3)."""


class BodyReader:
    """For one connection and direction. `begin` each body, then `feed` it until `is_over`."""

    __slots__ = ("_chunks", "_left", "_trailer_bounds", "is_over", "trailers")

    def __init__(self, *, trailer_bytes: int, trailer_fields: int) -> None:
        self._trailer_bounds = trailer_bytes, trailer_fields
        self._left = 0
        """Bytes that are still to come of a body whose length was said."""
        self._chunks: Chunks | None = None
        self.is_over = True
        """No body is under way."""
        self.trailers: list[Field] = []
        """Of the body that ended last."""

    @property
    def is_endless(self) -> bool:
        """The end of the connection will be that of the body."""
        return self._left >= ENDLESS >> 1

    def begin(self, length: int, *, chunked: bool) -> None:
        """A body follows, of `length` bytes if it is not `chunked`; never one of no bytes."""
        self.is_over = False
        self.trailers = []
        self._left = length
        if chunked:
            trailer_bytes, trailer_fields = self._trailer_bounds
            self._chunks = Chunks(trailer_bytes=trailer_bytes, trailer_fields=trailer_fields)
        else:
            self._chunks = None

    def feed(self, data: bytes, take: Callable[[bytes], None], at: int = 0) -> int:
        """Hand what belongs to the body, from `at` on, to `take`; where that ends.

        Raises HeadError for what are no chunks, once the good ones before that were handed over.
        """
        if self._chunks is not None:
            return self._feed_chunks(self._chunks, data, take, at)
        end = min(at + self._left, len(data))
        self._left -= end - at
        take(data[at:end])
        if not self._left:
            self.is_over = True
        return end

    def _feed_chunks(
        self, chunks: Chunks, data: bytes, take: Callable[[bytes], None], at: int
    ) -> int:
        try:
            end = chunks.feed(data, at)
        finally:
            for piece in chunks.pieces:
                take(piece)
            chunks.pieces.clear()
        if chunks.is_over:
            self.is_over = True
            self._chunks = None
            self.trailers = chunks.trailers
        return end

    def drop(self) -> None:
        """What is left of it will not come."""
        self.is_over = True
        self._left = 0
        self._chunks = None

    def __repr__(self) -> str:
        state = "over" if self.is_over else self._chunks or f"{self._left} bytes left"
        return f"<BodyReader [{state}]>"
