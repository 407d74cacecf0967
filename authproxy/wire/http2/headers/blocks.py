"""Header blocks (HPACK, RFC 7541), with a memory of what the same bytes meant before.

Decoding in Python costs more than all else that is done for a call. But a client that calls the
same method again sends the same bytes, and they mean the same as long as neither they nor anything
since has changed the table that both ends keep. A table that counts its changes tells.
"""

import logging
from collections.abc import Iterable

from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple
from hpack.table import HeaderTable

from authproxy.policy.messages.http2.call import Pair
from authproxy.policy.messages.trace_fields import TRACE_FIELDS
from authproxy.wire.http2.framing.frames import ConnectionFault, Failure
from authproxy.wire.http2.framing.settings import DEFAULT_TABLE

# At DEBUG it logs every field, tokens and cookies included.
logging.getLogger("hpack").setLevel(logging.WARNING)

# They differ from call to call: in the table they would only push out what stays.
_FLEETING = TRACE_FIELDS | {
    b"content-length",
    b"date",
    b"grpc-timeout",
    b"if-modified-since",
    b"if-none-match",
    b"range",
}


class CountingTable(HeaderTable):
    """A table that says how often it has changed."""

    changes = 0

    def add(self, name: bytes, value: bytes) -> None:
        self.changes += 1
        super().add(name, value)

    @property
    def maxsize(self) -> int:
        return self._maxsize

    @maxsize.setter
    def maxsize(self, newmax: int) -> None:
        self.changes += 1
        HeaderTable.maxsize.fset(self, newmax)  # type: ignore[attr-defined]  # -- a property


class BlockReader:
    """Decodes one direction's blocks."""

    __slots__ = ("_decoder", "_table")

    def __init__(self, *, max_list: int) -> None:
        """`max_list`: the most bytes, counted as RFC 7541 4.1 does, that a block may unfold to."""
        self._decoder = Decoder(max_header_list_size=max_list)
        self._table = self._decoder.header_table = CountingTable()

    def allow_table(self, size: int) -> None:
        """From now on the peer's table may have up to `size` bytes."""
        self._decoder.max_allowed_table_size = size

    @property
    def changes(self) -> int:
        return self._table.changes

    def read(self, block: bytes) -> list[Pair]:
        """The fields; what must never be indexed is of a class that says so.

        Raises ConnectionFault: the tables at both ends no longer agree then.
        """
        try:
            return list(self._decoder.decode(block, raw=True))
        except HPACKError as error:
            # Its own words can hold what came, which may be secret.
            reason = "a header block is not valid"
            raise ConnectionFault(Failure.COMPRESSION_ERROR, reason) from error


class BlockWriter:
    """Encodes blocks for the service. No Huffman code: what repeats is in the table anyway."""

    __slots__ = ("_encoder", "table")

    def __init__(self) -> None:
        self._encoder = Encoder()
        self.table = self._encoder.header_table = CountingTable()

    @property
    def changes(self) -> int:
        return self.table.changes

    def allow_table(self, size: int) -> None:
        """The service takes a table of `size` bytes; we never ask for more than the default."""
        size = min(size, DEFAULT_TABLE)
        if size != self._encoder.header_table_size:
            self._encoder.header_table_size = size

    def write(self, fields: Iterable[Pair], *, keep_path: bool) -> bytes:
        """`keep_path`: there are few paths, as in gRPC, so that the table can hold them."""
        fleeting = _FLEETING if keep_path else _FLEETING | {b":path"}
        return self._encoder.encode(
            [
                NeverIndexedHeaderTuple(*field) if field[0] in fleeting else field
                for field in fields
            ],
            huffman=False,
        )


def plain_block(fields: Iterable[Pair]) -> bytes:
    """A block that touches no table: literals, never indexed, without Huffman code."""
    return b"".join([plain_field(name, value) for name, value in fields])


def plain_field(name: bytes, value: bytes) -> bytes:
    if len(name) < 0x7F > len(value):  # a byte says how long each is; a trace is in every block
        return b"\x10%c%b%c%b" % (len(name), name, len(value), value)
    return b"\x10" + _string(name) + _string(value)


def plain_fields(lines: bytes) -> bytes:
    """Finished lines, as in HTTP/1.1."""
    pairs = (line.partition(b": ") for line in lines.split(b"\r\n")[:-1])
    return b"".join(plain_field(name.lower(), value) for name, _, value in pairs)


def _string(text: bytes) -> bytes:
    """RFC 7541 5.2, without Huffman code."""
    return _integer(len(text), 0x7F, 0) + text


def _integer(number: int, prefix: int, mark: int) -> bytes:
    """RFC 7541 5.1."""
    if number < prefix:
        return bytes((mark | number,))
    number -= prefix
    parts = bytearray((mark | prefix,))
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def table_update(size: int) -> bytes:
    """A dynamic table size update (RFC 7541 6.3)."""
    return _integer(size, 0x1F, 0x20)


EMPTY_TABLE = table_update(0)
"""Whoever reads it forgets all entries."""
