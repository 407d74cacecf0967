"""What is heard of one stream's content, however its frames come, and that they pass as ever."""

import pytest

from authproxy.wire.http2.framing.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    RST_STREAM,
    SETTINGS,
    frame,
)
from authproxy.wire.http2.framing.scanner import Scanner
from authproxy.wire.mcp.frame_contents import FrameContents


class Receives:
    """Lets all pass, but for DATA of the streams that it drops."""

    def __init__(self, *dropped: int) -> None:
        self.dropped = dropped

    def data(self, flags: int, stream_id: int, length: int, padding: int) -> bytes | None:
        return b"" if stream_id in self.dropped else None

    def block(
        self, kind: int, flags: int, stream_id: int, priority: bytes, block: bytes
    ) -> bytes | None:
        return None

    def control(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes | None:
        return None


class Hears:
    def __init__(self) -> None:
        self.got = b""
        self.end = ""

    def add(self, data: bytes) -> None:
        assert data
        self.got += data

    def complete(self) -> None:
        self.end = "complete"

    def cancel(self) -> None:
        self.end = "cancelled"


class Rig:
    def __init__(self, *dropped: int) -> None:
        self.out: list[bytes] = []
        self.scanner = Scanner(Receives(*dropped), self.out, max_block=1000)
        self.contents = FrameContents(self.scanner)
        self.heard = Hears()
        self.contents.expect(1, self.heard)


BEGIN = frame(SETTINGS, 0, 0)
SAID = {
    "in one frame": ([frame(DATA, END_STREAM, 1, b"abc")], b"abc", "complete"),
    "in two": ([frame(DATA, 0, 1, b"ab"), frame(DATA, END_STREAM, 1, b"c")], b"abc", "complete"),
    "an empty end": ([frame(DATA, 0, 1, b"abc"), frame(DATA, END_STREAM, 1)], b"abc", "complete"),
    "padded": ([frame(DATA, PADDED | END_STREAM, 1, b"\x02abc..")], b"abc", "complete"),
    "padding alone": ([frame(DATA, PADDED | END_STREAM, 1, b"\x02..")], b"", "complete"),
    "beside another": (
        [frame(DATA, 0, 3, b"no"), frame(DATA, 0, 1, b"a"), frame(DATA, END_STREAM, 3, b"no")],
        b"a",
        "",
    ),
    "ended by trailers": (
        [frame(DATA, 0, 1, b"abc"), frame(HEADERS, END_STREAM | END_HEADERS, 1, b"x")],
        b"abc",
        "complete",
    ),
    "taken back": ([frame(DATA, 0, 1, b"a"), frame(RST_STREAM, 0, 1, b"1234")], b"a", "cancelled"),
}


@pytest.mark.parametrize("dropped", [(), (1,)])
@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize(("frames", "expected", "end"), SAID.values(), ids=SAID)
def test_a_stream_is_heard_whether_it_passes_or_not(
    frames: list[bytes], expected: bytes, end: str, step: int, dropped: tuple[int, ...]
) -> None:
    rig = Rig(*dropped)
    said = BEGIN + b"".join(frames)
    for at in range(0, len(said), step):
        rig.scanner.feed(said[at : at + step])

    assert (expected, end) == (rig.heard.got, rig.heard.end)
    passing = [each for each in frames if not (dropped and each[3] == DATA and each[8] == 1)]
    assert BEGIN + b"".join(passing) == b"".join(rig.out)


def test_a_stream_that_is_dropped_is_heard_no_more() -> None:
    rig = Rig()
    rig.scanner.feed(BEGIN + frame(DATA, 0, 1, b"abcd")[:11])
    assert b"ab" == rig.heard.got
    assert "<FrameContents [of 1 streams]>" == repr(rig.contents)
    rig.contents.drop(1)
    rig.contents.drop(3)
    rig.scanner.feed(frame(DATA, 0, 1, b"abcd")[11:] + frame(DATA, END_STREAM, 1, b"x"))

    assert (b"ab", "") == (rig.heard.got, rig.heard.end)


def test_who_heard_before_goes_on_to_hear() -> None:
    rig = Rig()
    first = Hears()
    rig.scanner.content = first
    FrameContents(rig.scanner)
    rig.scanner.feed(BEGIN + frame(DATA, 0, 1, b"abc"))

    assert b"abc" == first.got
