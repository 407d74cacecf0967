"""Writer of a service's header blocks for the client: unchanged, as long as that is right.

Should one of them need a change (a Location that names the service, a cookie), the client is told
to forget its table, and from then on every block of this connection is written anew, without a
table.
"""

from collections.abc import Iterator

from authproxy.policy.messages.headers import HINT
from authproxy.policy.messages.http2.call import Pair
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.rewriting import LOCAL_FIELDS, local_value
from authproxy.policy.messages.site_data import FIELDS as COOKIE_FIELDS
from authproxy.wire.http2.framing.frames import (
    END_STREAM,
    SMALLEST_MAX_FRAME,
    ConnectionFault,
    Failure,
    block_frames,
)
from authproxy.wire.http2.headers.blocks import (
    EMPTY_TABLE,
    BlockReader,
    plain_field,
    plain_fields,
    table_update,
)
from authproxy.wire.http2.headers.response_blocks import ResponseBlock

NOTHING: frozenset[bytes] = frozenset()
NO_CORS = b"", NOTHING


class AnswerWriter:
    """Writer of one connection, whose table the client keeps too."""

    __slots__ = ("_due_update", "_has_forgotten", "_max_list", "rewrites")

    def __init__(self, *, max_list: int) -> None:
        """`max_list`: the most bytes that a block may unfold to."""
        self._max_list = max_list
        self.rewrites = False
        """From now on every block is written anew."""
        self._has_forgotten = False
        """The client has been told to forget its table."""
        self._due_update = b""
        """What the next block that the client is sent must begin with."""

    def allow_table(self, size: int, *, max_size: int) -> None:
        """The client's table has this size; the service's writer has one of `max_size`."""
        if size < max_size and not self._has_forgotten:
            # RFC 9113 4.3.1: so must begin what the client is sent next, even if it is of our own.
            self._due_update = table_update(size)

    def take_due_update(self) -> bytes:
        """For a block of our own, which begins with it."""
        due, self._due_update = self._due_update, b""
        return due

    def look(self, parsed: ResponseBlock, home: Home) -> None:
        """Find out what in it the client at `home` must see otherwise."""
        parsed.home = home
        parsed.must_change = parsed.has_blanks or any(
            _must_go(entry[0], home)
            or (entry[0] in LOCAL_FIELDS and local_value(entry[0], entry[1], home) != entry[1])
            for entry in parsed.entries
        )
        parsed.sets_cookies = any(entry[0] in COOKIE_FIELDS for entry in parsed.entries)
        parsed.may_pass = not (parsed.must_change or parsed.sets_cookies or parsed.resizes)

    def write(
        self,
        parsed: ResponseBlock,
        block: bytes,
        flags: int,
        stream_id: int,
        home: Home,
        *,
        more: bytes,
        cors: tuple[bytes, frozenset[bytes]],
    ) -> bytes | None:
        """The frames for the client at `home`; None: `block` passes as it came.

        `more`: fields of our own, plain. `cors`: finished lines, and the fields that give way.
        """
        lines, gives_way = cors
        if not self.rewrites and not parsed.must_change and not lines:
            if parsed.resizes:
                self._due_update = b""
            # A literal at the end touches no table, so nothing else need be written anew.
            return _as_frames(block + more, flags, stream_id) if more else None
        self.rewrites = True
        block = self._rewritten(parsed, home, gives_way)
        return _as_frames(block + more + plain_fields(lines), flags, stream_id)

    def describe(
        self,
        parsed: ResponseBlock,
        home: Home,
        *,
        more: bytes,
        cors: tuple[bytes, frozenset[bytes]],
    ) -> Iterator[Pair]:
        """What `write` has just written, or let pass, for observers."""
        if self.rewrites:
            yield from _local_fields(parsed, home, cors[1])
        else:
            yield from parsed.pairs
        yield from BlockReader(max_list=self._max_list).read(more + plain_fields(cors[0]))

    def drop(self, parsed: ResponseBlock) -> None:
        """It does not reach the client, who must not miss what it does to its table."""
        if parsed.pushed or parsed.resizes:
            self.rewrites = True

    def _rewritten(self, parsed: ResponseBlock, home: Home, drop: frozenset[bytes]) -> bytes:
        parts = []
        size = 0
        for name, value in _local_fields(parsed, home, drop):
            parts.append(plain_field(name, value))
            size += len(parts[-1])
            if size > self._max_list:
                raise ConnectionFault(Failure.COMPRESSION_ERROR, "a header block is too large")
        block = b"".join(parts)
        if not self._has_forgotten:
            self._has_forgotten = True
            self._due_update = b""
            block = EMPTY_TABLE + block
        return block

    def __repr__(self) -> str:
        return f"<AnswerWriter [{'writes anew' if self.rewrites else 'passes'}]>"


def _local_fields(parsed: ResponseBlock, home: Home, drop: frozenset[bytes]) -> Iterator[Pair]:
    """Those of its fields that the client at `home` gets, as it must see them."""
    for name, value, _, _ in parsed.entries:
        if name in drop or _must_go(name, home):
            continue
        if name in LOCAL_FIELDS:
            local = local_value(name, value, home)
            if local is not None:
                yield name, local
        else:
            yield name, value.strip(b" \t")


def _must_go(name: bytes, home: Home) -> bool:
    # Only over TLS does any client heed Alt-Svc, and Google's front end puts it on every answer.
    return name == HINT or (name == b"alt-svc" and home.client.startswith(b"https:"))


def _as_frames(block: bytes, flags: int, stream_id: int) -> bytes:
    return block_frames(
        block, flags=flags & END_STREAM, stream_id=stream_id, max_frame=SMALLEST_MAX_FRAME
    )
