import gzip
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


def read(data: bytes, encoding: str, at_most: int = 3000) -> Any:
    nature = BodyType("grpc", "application/grpc", "")
    kept = GrpcMessages(nature, at_most, lambda: 1.0, encoding, lambda found: found.decode())
    kept.feed(data)
    kept.finish()
    shown: Any = kept.shown()
    return [each.get("text") or each["omitted"] for each in shown["messages"]]


def test_messages_are_read_once_they_are_whole_and_decompressed() -> None:
    data = message(b"plain") + message(gzip.compress(b"packed"), 1)

    assert ["plain", "packed"] == read(data, "gzip")
    assert ["plain", "content-encoding snappy cannot be read here"] == read(data, "snappy")


def test_messages_that_are_too_large_are_not_read() -> None:
    large = message(b"x" * 4000) + message(gzip.compress(b"x" * 4000), 1) + message(b"small")

    assert ["it is larger than what is kept of a body"] * 2 + ["small"] == read(large, "gzip")


def test_what_is_held_has_every_message_and_the_beginning_of_the_next_one() -> None:
    nature = BodyType("grpc", "application/grpc", "")
    kept = GrpcMessages(nature, 100_000, lambda: 1.0, "", lambda found: found.decode())
    empty = kept.held
    kept.feed(message(b"x" * 9000)[:8005])
    assert empty + 8000 <= kept.held < empty + 10_000
    kept.feed(message(b"x" * 9000)[8005:])
    assert empty + 9000 <= kept.held < empty + 9500
