import io

import pytest

from authproxy.identity.apart.pipe_frames import MAX_FRAME, BrokenFrameError, framed, read_frame


def test_what_was_framed_is_read_again_one_after_the_other() -> None:
    file = io.BytesIO(framed({"a": 1}) + framed({"b": ["é", None]}))

    assert [{"a": 1}, {"b": ["é", None]}, None] == [read_frame(file) for _ in range(3)]


@pytest.mark.parametrize("size", range(len(framed({"a": 1}))))
def test_what_was_cut_off_is_the_end(size: int) -> None:
    assert read_frame(io.BytesIO(framed({"a": 1})[:size])) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x05hello",
        b"\0\0\0\x02[]",
        b"\0\0\0\x01\xff",
        b"\xff\xff\xff\xff",
        (MAX_FRAME + 1).to_bytes(4, "big") + b" " * (MAX_FRAME + 1),
        (100_000).to_bytes(4, "big") + b"[" * 100_000,
    ],
    ids=range(6),
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenFrameError):
        read_frame(io.BytesIO(data))


def test_what_is_too_long_is_not_sent() -> None:
    with pytest.raises(BrokenFrameError):
        framed({"a": "x" * MAX_FRAME})
