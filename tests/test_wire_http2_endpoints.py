"""Transports and what they tell; what a service says before it is known is kept."""

import asyncio

from authproxy.wire.http2.endpoints import ClientEnd, ServiceEnd
from authproxy.wire.http2.interfaces import Ears
from authproxy.wire.loops import Loops


class Told:
    """Stands in for the splice."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def from_service(self, data: bytes) -> None:
        self.heard.append(data)

    def service_gone(self, reason: str) -> None:
        self.heard.append(reason)

    def client_congested(self, on: bool) -> None:
        self.heard.append(on)


class Wire(asyncio.Transport):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.said.append("eof")


def as_splice(told: Told) -> Ears:
    return told  # type: ignore[return-value]  # -- has what the ends call


def test_what_comes_before_the_splice_knows_is_kept_in_order() -> None:
    told = Told()
    end = ServiceEnd(as_splice(told), Loops())
    end.connection_made(Wire())
    end.data_received(b"a")
    end.data_received(b"b")
    end.connection_lost(None)
    assert [] == told.heard
    end.attach()

    assert [b"ab", "the service closed the connection"] == told.heard


def test_service_without_tls_is_taken_at_its_word() -> None:
    end = ServiceEnd(as_splice(Told()), Loops())
    end.connection_made(Wire())

    assert end.speaks_http2


def test_after_its_last_words_the_client_has_seconds_to_close() -> None:
    wire = Wire()
    end = ClientEnd(as_splice(Told()), wire)
    end.end_writing()

    assert ["eof"] == wire.said
    assert [False, True] == [end.is_overdue(3, hurries=False) for _ in range(2)]


def test_congestion_is_told() -> None:
    told = Told()
    end = ClientEnd(as_splice(told), Wire())
    end.pause_writing()
    end.resume_writing()

    assert [True, False] == told.heard
    assert not end.eof_received()
