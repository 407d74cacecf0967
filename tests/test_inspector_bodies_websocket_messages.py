import zlib
from typing import Any

import pytest

from authproxy.inspector.bodies.websocket_frames import BINARY, CLOSE
from authproxy.inspector.bodies.websocket_messages import Direction, Sockets
from tests.support.recorded import fields, redactor
from tests.test_inspector_bodies_websocket_frames import frame

SECRET = b"s3cr3t-of-a-test"


def sockets(extensions: str = "", at_most: int = 100_000) -> Sockets:
    lines = fields(("Sec-WebSocket-Extensions", extensions)) if extensions else []
    return Sockets(lines, redactor(), at_most, clock=lambda: 7.0)


def shown(kept: Sockets) -> Any:
    return kept.shown()


def test_what_both_sides_say_is_kept_in_order() -> None:
    kept = sockets()

    kept.feed("sent", frame(b"ping?", mask=b"abcd"))
    kept.feed("received", frame(b"pong!") + frame(b"\0\1", BINARY))
    kept.feed("sent", frame((1001).to_bytes(2) + b"going", CLOSE, mask=b"abcd"))

    assert [
        ("sent", "text", "ping?"),
        ("received", "text", "pong!"),
        ("received", "binary", None),
        ("sent", "close", None),
    ] == [(m["direction"], m["kind"], m.get("text")) for m in shown(kept)["messages"]]
    assert (1001, "going") == (
        shown(kept)["messages"][-1]["code"],
        shown(kept)["messages"][-1]["reason"],
    )


@pytest.mark.parametrize(
    "text",
    [
        b'{"token": "' + SECRET + b'"}',
        b"password=" + SECRET,
        b"Bearer " + SECRET,
        b"token " + SECRET,
    ],
)
def test_messages_are_kept_without_secrets(text: bytes) -> None:
    kept = sockets()

    kept.feed("sent", frame(text[:9], fin=False, mask=b"abcd") + frame(text[9:], 0, mask=b"abcd"))

    assert SECRET.decode() not in str(shown(kept))
    assert "[redacted:" in shown(kept)["messages"][0]["text"]


@pytest.mark.parametrize(
    ("extensions", "client_keeps", "server_keeps"),
    [
        ("permessage-deflate", True, True),
        ("x, permessage-deflate; client_no_context_takeover", False, True),
        ("permessage-deflate; server_no_context_takeover; client_max_window_bits=15", True, False),
    ],
)
def test_compression_is_as_it_was_agreed_on(
    extensions: str, client_keeps: bool, server_keeps: bool
) -> None:
    kept = sockets(extensions)

    sides: list[tuple[Direction, bool]] = [("sent", client_keeps), ("received", server_keeps)]
    for direction, keeps in sides:
        squeeze = zlib.compressobj(wbits=-15)
        for _ in range(3):
            data = (squeeze.compress(b"again and again") + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
            kept.feed(direction, frame(data, rsv1=True))
            if not keeps:
                squeeze = zlib.compressobj(wbits=-15)

    assert ["again and again"] * 6 == [each["text"] for each in shown(kept)["messages"]]


def test_last_messages_are_kept_within_the_bound() -> None:
    kept = sockets(at_most=10_000)
    for number in range(1000):
        kept.feed("received", frame(b"message %d" % number))

    assert kept.held <= 10_000
    assert "message 999" == shown(kept)["messages"][-1]["text"]
    assert 1000 == shown(kept)["dropped"] + len(shown(kept)["messages"])


def test_messages_that_were_stepped_over_are_counted() -> None:
    kept = sockets(at_most=1_000_000)
    kept.feed("received", frame(b"tiny") * 3000 + frame(b"end"))

    found = shown(kept)
    assert (3001, 3001, "end") == (
        found["count"],
        found["messages"][-1]["number"],
        found["messages"][-1]["text"],
    )
    assert 3001 == found["dropped"] + len(found["messages"])


def test_message_that_is_cut_off_gives_no_secret_away() -> None:
    kept = sockets(at_most=2000)

    kept.feed("sent", frame(b"x " * 990 + b"token=" + SECRET * 20))

    assert shown(kept)["messages"][0]["truncated"]
    assert SECRET[:6].decode() not in str(shown(kept))


def test_what_is_no_websocket_says_why_nothing_is_read() -> None:
    kept = sockets()

    kept.feed("sent", b"\x07\x07")

    assert {"sent": "what follows is no WebSocket frame"} == shown(kept)["unreadable"]
