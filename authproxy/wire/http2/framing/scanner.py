"""Cuts what one side of a connection sends into frames; what may pass goes on in whole runs.

The receiver is asked about every frame. Frames that pass are not touched or copied one by one: all
that stand side by side in one read go on as one slice. A DATA frame goes on while it still comes
in; header blocks and frames that mean something to the receiver are waited for.
"""

from typing import Final, Protocol

from authproxy.wire.http2.framing.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HAS_PRIORITY,
    HEADER_BYTES,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    SMALLEST_MAX_FRAME,
    STREAM_MASK,
    WINDOW_UPDATE,
    ConnectionFault,
    Failure,
    read_header,
    without_padding,
)

MAX_CONTINUATIONS: Final = 64
"""Frames of one header block; its bytes are bounded too, but empty frames would have none."""

_SIZES: Final = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_LEAST_GOAWAY: Final = 8
_OF_CONNECTION: Final = frozenset([SETTINGS, PING, GOAWAY])
_OF_STREAM: Final = frozenset([HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION])
_BLOCKS: Final = frozenset([HEADERS, PUSH_PROMISE, CONTINUATION])


class Receiver(Protocol):
    """Is asked what becomes of a frame: None lets it pass, bytes take its place.

    Empty bytes: it is dropped. Raises ConnectionFault where the connection cannot go on.
    """

    def data(self, flags: int, stream_id: int, length: int, padding: int, /) -> bytes | None:
        """A DATA frame with these `flags` begins. `length`: bytes of its payload, with `padding`,
        as flow control counts; `padding`: bytes of it, with the one that says how many."""

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes, /
    ) -> bytes | None:
        """A whole header block came, in whatever number of frames. `kind` and `flags` are the first
        frame's; `priority`: its five bytes of priority, or none."""

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes, /) -> bytes | None:
        """Any other frame; of an unknown `kind` with as much of its payload as has come. `flags` as
        they came; `stream_id`: 0 for what is about the connection."""


class Hearer(Protocol):
    """Hears what DATA frames hold, of those too that do not pass."""

    def add(self, payload: bytes, /) -> None:
        """A piece of a DATA frame's payload, for which `Receiver.data` has been asked before; with
        its padding, but for the byte that says how much that is."""


class Scanner:
    """One direction of a connection. What passes is appended to `out`."""

    __slots__ = (
        "_block_flags",
        "_block_kind",
        "_block_stream",
        "_dropping",
        "_feeding",
        "_fragments",
        "_has_begun",
        "_inserted",
        "_left",
        "_max_block",
        "_priority",
        "_raw",
        "_rest",
        "content",
        "held",
        "max_frame",
        "out",
        "receiver",
    )

    def __init__(self, receiver: Receiver, out: list[bytes], *, max_block: int) -> None:
        self.out = out
        self.max_frame = SMALLEST_MAX_FRAME
        self.held = False
        """Look at no more frames for now, keep what comes."""
        self.content: Hearer | None = None
        """Hears what DATA frames hold, as they come."""
        self.receiver = receiver
        self._max_block = max_block
        self._rest = b""
        self._left = 0
        """Bytes still to come of a frame whose beginning has been passed on."""
        self._dropping = False
        self._feeding = False
        self._has_begun = False
        self._inserted: list[bytes] = []
        self._fragments: list[bytes] = []
        """What has come of a header block; with the frames, as they came, in `_raw`."""
        self._raw: list[bytes] = []
        self._block_kind = self._block_flags = self._block_stream = 0
        self._priority = b""

    @property
    def is_waiting(self) -> bool:
        """A frame or a header block has come in part."""
        return bool(self._rest or self._fragments) and not self.held

    @property
    def kept_bytes(self) -> int:
        """What has come and was not looked at yet, or not taken."""
        return len(self._rest)

    @property
    def is_between_frames(self) -> bool:
        """Whoever reads `out` has got whole frames only."""
        return self._left == 0 or self._dropping

    @property
    def inserted_bytes(self) -> int:
        """Of frames of our own that wait for the end of one that passes."""
        return sum(map(len, self._inserted))

    def take_frames_of(self, size: int) -> None:
        """The other end takes frames of `size` bytes; it may have said more before."""
        self.max_frame = max(self.max_frame, size)

    def insert(self, frames: bytes) -> None:
        """Put frames of our own between those that pass, as soon as one ends."""
        self._inserted.append(frames)
        if not self._feeding:
            self._place_inserted()

    def feed(self, data: bytes) -> None:
        """Take what was read. Raises ConnectionFault."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if not self._has_begun and not self._begin(data):
            self._rest = data
            return
        self._feeding = True
        try:
            self._scan(data)
        finally:
            self._feeding = False
        if self._inserted:
            self._place_inserted()

    def _scan(self, data: bytes) -> None:
        start = at = self._finish_frame(data) if self._left else 0
        size, out = len(data), self.out
        while size - at >= HEADER_BYTES and not self.held:
            # Compiled, its type makes each a machine's number once, not at each use.
            header: tuple[int, int, int, int, int] = read_header(data, at)
            high, low, kind, flags, stream_id = header
            length = high << 8 | low
            if length > self.max_frame:
                raise ConnectionFault(Failure.FRAME_SIZE_ERROR, "a frame is too large")
            end = at + HEADER_BYTES + length
            if kind == DATA and not self._fragments:
                padding = flags & PADDED
                if padding and length and at + HEADER_BYTES == size:
                    break  # how much of it is padding has not come yet
                padding = _padding(data, at, length) if padding else 0
                substitute = self.receiver.data(flags, stream_id & STREAM_MASK, length, padding)
                if self.content is not None:
                    self.content.add(data[at + HEADER_BYTES + bool(flags & PADDED) : end])
            elif kind <= CONTINUATION and end > size:
                self._check(kind, stream_id & STREAM_MASK, length)
                break
            else:
                substitute = self._take(data, at, end, kind, flags, stream_id & STREAM_MASK)
            if substitute is not None:
                _add(out, data[start:at], substitute)
                start = end
            at = end
        self._keep_rest(data, start, at)

    def _begin(self, data: bytes) -> bool:
        """Has the first frame come? It must be SETTINGS (RFC 9113 3.4)."""
        if len(data) < HEADER_BYTES:
            return False
        _, _, kind, flags, _ = read_header(data)
        if kind != SETTINGS or flags & ACK:
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        self._has_begun = True
        return True

    def _finish_frame(self, data: bytes) -> int:
        """The frame that goes on in `data` ends, or does not yet; where the next one begins."""
        end = min(self._left, len(data))
        self._left -= end
        if not self._dropping:
            self.out.append(data[:end])
        if self.content is not None:
            self.content.add(data[:end])
        if self._left == 0:
            self._dropping = False
            self.out += self._inserted
            self._inserted.clear()
        return end

    def _keep_rest(self, data: bytes, start: int, at: int) -> None:
        size = len(data)
        if at > size:
            self._left = at - size
            self._dropping = start > size
            at = size
        if at > start:
            self.out.append(data[start:at])
        self._rest = data[at:]

    def _check(self, kind: int, stream_id: int, length: int) -> None:
        """What RFC 9113 6 says about a frame of this kind. Raises ConnectionFault."""
        if bool(self._fragments) != (kind == CONTINUATION) or (
            self._fragments and stream_id != self._block_stream
        ):
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a header block is interrupted")
        if (stream_id and kind in _OF_CONNECTION) or (not stream_id and kind in _OF_STREAM):
            raise ConnectionFault(Failure.PROTOCOL_ERROR, "a frame on the wrong stream")
        if (
            length != _SIZES.get(kind, length)
            or (kind == SETTINGS and length % 6)
            or (kind == GOAWAY and length < _LEAST_GOAWAY)
            or (kind in _OF_CONNECTION and length > SMALLEST_MAX_FRAME)
        ):
            raise ConnectionFault(Failure.FRAME_SIZE_ERROR, "a frame of the wrong size")
        if kind in _BLOCKS and length > self._max_block:
            raise _too_large()

    def _take(
        self, data: bytes, at: int, end: int, kind: int, flags: int, stream_id: int
    ) -> bytes | None:
        size = end - at - HEADER_BYTES
        if kind != HEADERS or not stream_id or self._fragments or size > self._max_block:
            self._check(kind, stream_id, size)
        payload = data[at + HEADER_BYTES : end]
        if kind != HEADERS and kind not in _BLOCKS:
            if kind == SETTINGS and flags & ACK and payload:
                raise ConnectionFault(
                    Failure.FRAME_SIZE_ERROR,
                    "an acknowledgement of settings that has settings in it",
                )
            return self.receiver.control(kind, flags, stream_id, payload)
        if kind == CONTINUATION:
            return self._continue(data[at:end], flags, payload)
        priority = b""
        if flags & (PADDED | HAS_PRIORITY) or kind == PUSH_PROMISE:
            priority, payload = without_padding(kind, flags, payload)
        if flags & END_HEADERS:
            return self.receiver.block(kind, flags, stream_id, priority, payload)
        self._block_kind, self._block_flags, self._block_stream = kind, flags, stream_id
        self._priority = priority
        self._fragments, self._raw = [payload], [data[at:end]]
        return b""

    def _continue(self, raw: bytes, flags: int, fragment: bytes) -> bytes | None:
        self._fragments.append(fragment)
        self._raw.append(raw)
        if len(self._raw) > MAX_CONTINUATIONS or sum(map(len, self._raw)) > self._max_block:
            raise _too_large()
        if not flags & END_HEADERS:
            return b""
        fragments, self._fragments = self._fragments, []
        frames, self._raw = self._raw, []
        substitute = self.receiver.block(
            self._block_kind,
            self._block_flags | END_HEADERS,
            self._block_stream,
            self._priority,
            b"".join(fragments),
        )
        return b"".join(frames) if substitute is None else substitute

    def _place_inserted(self) -> None:
        if self.is_between_frames:
            self.out += self._inserted
            self._inserted.clear()

    def __repr__(self) -> str:
        state = "held" if self.held else "waiting" if self.is_waiting else "between frames"
        return f"<Scanner [{state}]>"


def _add(out: list[bytes], passing: bytes, substitute: bytes) -> None:
    """What passes before a frame, and what takes its place; either may be empty."""
    if passing:
        out.append(passing)
    if substitute:
        out.append(substitute)


def _padding(data: bytes, at: int, length: int) -> int:
    """Bytes of the DATA frame at `at` that are no content (RFC 9113 6.1)."""
    if not length:
        raise ConnectionFault(Failure.FRAME_SIZE_ERROR, "a padded frame without a length")
    padding = data[at + HEADER_BYTES] + 1
    if padding > length:
        raise ConnectionFault(Failure.PROTOCOL_ERROR, "more padding than payload")
    return padding


def _too_large() -> ConnectionFault:
    return ConnectionFault(Failure.ENHANCE_YOUR_CALM, "a header block is too large")
