"""Our own content keeps to the client's windows."""

import pytest

from authproxy.wire.http2.framing.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    ConnectionFault,
    Failure,
    frame,
)
from authproxy.wire.http2.own_content import MAX_WAITING, OwnContent

HEAD = frame(HEADERS, END_HEADERS, 1, b"\x88")
CONTENT = frame(DATA, END_STREAM, 1, b"12345")


def made() -> tuple[OwnContent, list[bytes]]:
    sent: list[bytes] = []
    return OwnContent(sent.append), sent


def test_content_that_fits_goes_at_once() -> None:
    own, sent = made()
    own.say(1, HEAD + CONTENT, 5, b"end")

    assert ([HEAD + CONTENT + b"end"], 5, 65530) == (sent, own.sent, own.window)


def test_content_waits_for_both_windows() -> None:
    own, sent = made()
    own.window = 3
    own.set_initial(2)
    own.say(1, HEAD + CONTENT, 5, b"end")
    own.grow(0, 10)
    own.grow(3, 10)
    assert [HEAD] == sent
    own.grow(1, 3)

    assert [HEAD, CONTENT + b"end"] == sent
    assert (5, 8) == (own.sent, own.window)


def test_larger_first_window_is_for_open_streams_too() -> None:
    own, sent = made()
    own.set_initial(0)
    own.say(1, HEAD + CONTENT, 5, b"")
    own.set_initial(5)

    assert [HEAD, CONTENT] == sent


def test_answer_that_is_not_wanted_any_more_is_forgotten() -> None:
    own, sent = made()
    own.set_initial(0)
    own.say(1, HEAD + CONTENT, 5, b"")
    own.forget(1)
    own.set_initial(5)

    assert [HEAD] == sent
    assert "<OwnContent [0 wait, 65535 bytes of window]>" == repr(own)


def test_what_waits_has_a_bound() -> None:
    own, _ = made()
    own.set_initial(0)
    for stream_id in range(MAX_WAITING):
        assert own.say(stream_id, HEAD + CONTENT, 5, b"")

    assert not own.say(999, HEAD + CONTENT, 5, b"")


def test_window_of_more_than_31_bits_is_none() -> None:
    own, _ = made()
    with pytest.raises(ConnectionFault) as caught:
        own.grow(0, 2**31 - 1)

    assert Failure.FLOW_CONTROL_ERROR == caught.value.failure
