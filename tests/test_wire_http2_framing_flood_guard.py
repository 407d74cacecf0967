"""What a client may do only so often."""

import pytest

from authproxy.wire.http2.framing.flood_guard import MAX_CONTROLS, MAX_RESETS, Guard
from authproxy.wire.http2.framing.frames import ConnectionFault, Failure


def test_calls_taken_back_are_bounded_and_time_forgives() -> None:
    guard = Guard()
    for _ in range(MAX_RESETS):
        guard.note_reset()
    with pytest.raises(ConnectionFault) as caught:
        guard.note_reset()
    assert Failure.ENHANCE_YOUR_CALM == caught.value.failure
    assert "too many calls were cancelled" == caught.value.reason

    guard.tick(1.0)
    for _ in range(99):
        guard.note_reset()


def test_control_frames_are_bounded() -> None:
    guard = Guard()
    for _ in range(MAX_CONTROLS):
        guard.note_control()
    with pytest.raises(ConnectionFault) as caught:
        guard.note_control()

    assert "too many control frames" == caught.value.reason


def test_repr_says_what_is_left() -> None:
    guard = Guard()
    guard.note_reset()

    assert "<Guard [499 resets, 2000 control frames left]>" == repr(guard)
