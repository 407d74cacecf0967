from typing import Any

import pytest

from authproxy.inspector.bodies.content import BodyType
from authproxy.inspector.bodies.grpc_messages import GrpcMessages


def calls(
    data: bytes, size: int, at_most: int = 100_000, media_type: str = "application/grpc"
) -> Any:
    kept = GrpcMessages(BodyType("grpc", media_type, ""), at_most, clock=lambda: 1.0)
    for at in range(0, len(data), size):
        kept.feed(data[at : at + size])
    kept.finish()
    return kept


def message(content: bytes, flags: int = 0) -> bytes:
    return bytes([flags]) + len(content).to_bytes(4) + content


STREAM = message(b"hello") + message(b"") + message(b"x" * 300, 1) + message(b"grpc-status:0", 0x80)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 1000])
def test_messages_are_told_by_their_length(size: int) -> None:
    shown = calls(STREAM, size).shown()

    assert [(5, False), (0, False), (300, True)] == [
        (each["length"], each["compressed"]) for each in shown["messages"]
    ]
    assert (3, 0, len(STREAM)) == (shown["count"], shown["dropped"], shown["size"])


def test_last_messages_are_kept_within_the_bound() -> None:
    kept = calls(message(b"x") * 1000, 6, at_most=10_000)

    assert kept.held <= 10_000
    assert 1000 == kept.shown()["dropped"] + len(kept.shown()["messages"])


def test_text_of_grpc_web_is_not_taken_apart() -> None:
    shown = calls(b"AAAAAAA=", 3, media_type="application/grpc-web-text").shown()

    assert ("grpc-web-text is not taken apart", 0) == (shown["omitted"], shown["count"])
