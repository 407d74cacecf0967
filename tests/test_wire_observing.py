"""The observers' methods: found once, and called so that none does harm."""

import logging
from collections.abc import Sequence

import pytest

from authproxy.exchange import Exchange
from authproxy.wire.observing import QUIET_S, Observers, read_written
from authproxy.wire.recorder import Recorder
from tests.support.clock import FakeClock
from tests.support.exchanges import exchange


class Ends:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def exchange_ended(self, exchange: Exchange) -> None:
        self.heard.append(exchange)


class Sends(Ends):
    wants_details = True
    names_to_send = frozenset([b"traceparent"])

    def fields_to_send(self, _exchange: Exchange) -> Sequence[tuple[bytes, bytes]]:
        return [(b"traceparent", b"00")]


class Counts(Ends):
    wants_times = True


class Broken(Ends):
    def exchange_ended(self, exchange: Exchange) -> None:
        raise RuntimeError("a defect")


def test_what_observers_ask_for_is_found() -> None:
    ends, sends = Ends(), Sends()
    observers = Observers([ends, sends])

    assert observers.find("exchange_ended") == (ends.exchange_ended, sends.exchange_ended)
    assert observers.find("fields_to_send") == (sends.fields_to_send,)
    assert observers.find("request_piece") == ()
    assert observers.want_details
    assert not Observers([ends, Counts()]).want_details
    assert [False, True, True] == [Observers([each]).want_times for each in (ends, Counts(), sends)]
    assert observers.names_to_send == {b"traceparent"}
    assert Observers([]).names_to_send == frozenset()


def test_an_observer_that_fails_spoils_nothing_and_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, heard = FakeClock(), Ends()
    observers = Observers([Broken(), heard, Broken()], clock.steady)
    hooks = observers.find("exchange_ended")
    with caplog.at_level(logging.ERROR):
        for _ in range(100):
            observers.tell(hooks, "one exchange")
        first = list(caplog.records)
        clock.advance(QUIET_S)
        observers.tell(hooks, "one exchange")

    assert ["one exchange"] * 101 == heard.heard
    assert 2 == len(first)
    assert all(record.exc_info is not None for record in first)
    assert "failed to record 'one exchange'" in first[0].getMessage()
    assert 4 == len(caplog.records)
    assert "has failed 99 times more" in caplog.records[-1].getMessage()


@pytest.mark.parametrize(
    ("head", "status", "reason", "fields"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"No Content", []),
        (
            b"HTTP/1.1 200 \r\nX-A:  b \r\nEmpty:\r\n\r\n",
            200,
            b"",
            [(b"x-a", b"b", b"X-A:  b "), (b"empty", b"", b"Empty:")],
        ),
    ],
)
def test_a_written_head_is_read(
    head: bytes, status: int, reason: bytes, fields: list[tuple[bytes, bytes, bytes]]
) -> None:
    read = read_written(head)

    assert (read.status, read.reason, read.headers, read.version) == (status, reason, fields, "1.1")


def test_fields_of_their_own_are_gathered_all_or_none_of_one_observers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Says(Ends):
        names_to_send = frozenset([b"x-a", b"x-b"])

        def __init__(self, *fields: tuple[bytes, bytes]) -> None:
            super().__init__()
            self.fields = fields

        def fields_to_send(self, _exchange: Exchange) -> Sequence[tuple[bytes, bytes]]:
            return self.fields

    says = [
        Says((b"X-A", b"1"), (b"x-b", b"2")),
        Says((b"x-a", b"3"), (b"x-b", b"4\r\nX-C: 5")),
        Says((b"x-a", b"6"), (b"x-other", b"7")),
        Says((b"x-b", b"8")),
    ]
    observers = Observers(says)
    found = observers.gather(observers.find("fields_to_send"), "one exchange")

    assert [(b"X-A", b"1"), (b"x-b", b"2"), (b"x-b", b"8")] == found
    assert "b'x-b' would not stay in one line" in caplog.text
    assert "b'x-other' is not among its names_to_send" in caplog.text
    assert 2 == len(caplog.records)


class Lines:
    """Has its fields as a finished line."""

    names_to_send = frozenset([b"x-own"])

    def fields_to_send(self, _exchange: Exchange) -> bytes:
        return b"x-own: 7\r\n"

    def exchange_ended(self, exchange: Exchange) -> None: ...


def test_finished_lines_are_fields_too() -> None:
    observers = Observers([Lines()])

    assert [(b"x-own", b"7")] == observers.gather(observers.find("fields_to_send"), "exchange")
    assert b"x-own: 7\r\n" == Recorder([Lines()]).own_lines(exchange())
